// feeds/clip_cache.h: clips that were encoded once, kept in a folder for the next time.
//
// A clip's name is the hash of what went into it: content and settings. It is there whole or not at
// all; any number of processes may use one folder. When it holds more than it may, those that were
// not used for the longest time go; whoever has one open keeps it.
//
// Thread:  any; each call blocks on the file system, and on `make`.
// Owner:   plain values.
// Fails:   kStorage with the path, and what `make` returns.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/files.h"

namespace callbot::feeds {

constexpr uint64_t kMostCached = 2'000'000'000;  // bytes

class ClipCache {
 public:
  explicit ClipCache(fs::path folder = usual_folder(), uint64_t most_bytes = kMostCached)
      : folder_(std::move(folder)), most_bytes_(most_bytes) {}

  // $XDG_CACHE_HOME/callbot/feeds, or below ~/.cache.
  static fs::path usual_folder();

  // The clip with this name, opened; made if it is not there.
  using Make = std::function<Result<>(const fs::path& part)>;
  Result<Descriptor> get(const std::string& name, const Make& make) const;
  const fs::path& folder() const { return folder_; }

 private:
  void evict(const fs::path& keep) const;

  fs::path folder_;
  uint64_t most_bytes_;
};

}  // namespace callbot::feeds
