// bot/limits.h: when a recording ends by itself: after a time, at a size, when nobody is there any
// more, when nobody has spoken for long.
//
// Thread:  loop.
// Owner:   Record.
// Fails:   never; `end` is called at most once.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "bot/options.h"
#include "recordings/recording.h"
#include "signaling/signaling.h"

namespace callbot::bot {

class Limits {
 public:
  struct Config {
    std::optional<std::chrono::milliseconds> duration;
    bool until_empty = false;
    std::chrono::milliseconds empty_for{0};  // how long it must be empty
    std::optional<std::chrono::milliseconds> until_silent;
    uint64_t most_bytes = 0;  // of media; 0: no limit
  };
  // Of a member who may be recorded.
  struct Listened {
    std::string participant;
    bool said_off = false;  // it said that its sound is off
  };

  Limits(Config config, std::function<void(recordings::Ending)> end)
      : config_(config), end_(std::move(end)) {}

  // The recording begins.
  void begin();
  // Whenever somebody came or left: how many are there, but for recorders.
  void members(size_t count);
  // About once a second. `paused`: silence is not waited for meanwhile.
  void tick(const recordings::RecordingStats& stats, const std::vector<Listened>& members,
            bool paused);
  void stop();

 private:
  void end(const char* reason, const std::string& text);
  static bool silent(const recordings::RecordingStats& stats, const std::vector<Listened>& members);

  Config config_;
  std::function<void(recordings::Ending)> end_;
  bool had_members_ = false;
  std::optional<int64_t> silent_since_ns_;
  Timer duration_, empty_;
};

}  // namespace callbot::bot
