// quality/presence.h: who was seen and heard when, as an actor saw it.
//
// Seen: pictures with a mark of that source, less than a second apart. Heard: sound above -60 dBFS
// on that member's track, less than half a second apart. Looked at: decoded in turn with others,
// from its first frame of that turn on; a hole of a second is none.
//
// Unread: pictures that are not black and carry no readable mark, less than a second apart; who is
// on them nobody knows.
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

constexpr uint16_t kStranger = 0xffff;  // whose chirps they are is not known

struct PresenceSpan {
  std::string from;    // whose track
  std::string stream;  // "camera", ...
  MediaKind media = MediaKind::kVideo;
  // Of the marks: who it really was. Sound has none, but for chirps that are not its sender's.
  std::optional<uint16_t> source = {};
  int64_t from_ns = 0, to_ns = 0;  // playout, monotonic_ns()
};

struct FirstDecoded {
  std::string from, stream;
  MediaKind media = MediaKind::kVideo;
  int64_t at_ns = 0;  // arrival
};

class PresenceLog {
 public:
  void seen(const TrackInfo& track, uint16_t source, int64_t at_ns);
  void unread(const TrackInfo& track, int64_t at_ns);
  // A tenth of a second of sound.
  void heard(const TrackInfo& track, int64_t from_ns, int64_t to_ns);
  // A chirp in it that is not its sender's.
  void strange(const TrackInfo& track, int64_t at_ns);
  void looked(const TrackInfo& track, int64_t at_ns);
  void decoded(const TrackInfo& track, int64_t at_ns);  // the first of it
  std::vector<PresenceSpan> spans() const;
  std::vector<PresenceSpan> unread() const;
  std::vector<PresenceSpan> looks() const;
  std::vector<FirstDecoded> decoded() const;

 private:
  using Who = std::tuple<TrackId, int>;  // -1: sound
  struct Spans {
    std::vector<PresenceSpan> all;
    std::map<Who, size_t> latest;
    void add(const Who& who, const PresenceSpan& span, int64_t most_apart_ns);
  };

  mutable std::mutex mutex_;
  Spans spans_, unread_, looks_;
  std::vector<FirstDecoded> decoded_;
};

}  // namespace callbot::quality
