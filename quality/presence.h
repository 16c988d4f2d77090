// quality/presence.h: who was seen and heard when, as an actor saw it.
//
// Seen: pictures with a mark of that source, less than a second apart. Heard: sound above -60 dBFS
// on that member's track, less than half a second apart.
//
// Thread:  any; locks for moments.
// Owner:   shared by the watcher and who reads it.
// Fails:   never.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/frame.h"

namespace callbot::quality {

struct PresenceSpan {
  std::string from;    // whose track
  std::string stream;  // "camera", ...
  MediaKind media = MediaKind::kVideo;
  std::optional<uint16_t> source = {};  // of the marks: who it really was; sound has none
  int64_t from_ns = 0, to_ns = 0;       // playout, monotonic_ns()
};

class PresenceLog {
 public:
  void seen(const TrackInfo& track, uint16_t source, int64_t at_ns);
  // A tenth of a second of sound.
  void heard(const TrackInfo& track, int64_t from_ns, int64_t to_ns);
  std::vector<PresenceSpan> spans() const;

 private:
  using Who = std::tuple<TrackId, int>;  // -1: sound
  void add(const Who& who, const PresenceSpan& span, int64_t most_apart_ns);

  mutable std::mutex mutex_;
  std::vector<PresenceSpan> spans_;
  std::map<Who, size_t> latest_;
};

}  // namespace callbot::quality
