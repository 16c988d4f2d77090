// bot/disk_watch.h: how much space is left where recordings are written, on a beat.
//
// Thread:  loop; the file system is asked on a worker, as it may take long to answer.
// Owner:   a verb that records. What it calls dies after it.
// Fails:   never; a file system that cannot be asked counts as one with room: its trouble shows
//          when it is written to.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/alive.h"
#include "base/error.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/worker.h"
#include "bot/options.h"

namespace callbot::bot {

class DiskWatch {
 public:
  // Looks once at once, so that free() is known; then calls `looked` with each answer.
  DiskWatch(Loop& loop, std::filesystem::path path, std::function<void(uint64_t free)> looked,
            std::chrono::milliseconds every = std::chrono::seconds(1));
  uint64_t free() const { return free_; }

 private:
  void look();

  const std::filesystem::path path_;
  std::function<void(uint64_t)> looked_;
  uint64_t free_;
  bool asking_ = false;
  Timer beat_;
  Worker worker_;
  Alive alive_;
};

// kStorage, with the numbers, if less is free than `limits` want for a recording to begin.
Result<> enough_to_begin(const DiskLimits& limits, const std::filesystem::path& out, uint64_t free);
// The same for one that goes on.
Result<> enough_to_go_on(const DiskLimits& limits, const std::filesystem::path& out, uint64_t free);
// What an event "disk-low" says for programs.
Json disk_facts(const DiskLimits& limits, const std::filesystem::path& out, uint64_t free);

}  // namespace callbot::bot
