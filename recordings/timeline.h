// recordings/timeline.h: who was there when, and where their media lies, as plain facts.
//
// What everything that is made of a recording afterwards starts from. A lane is one participant's
// audio or video, all its files together; LaneReader gives its packets.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never; what the manifest does not say is empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recordings/manifest.h"

namespace callbot::recordings {

// All times from the recording's start.
struct TimeSpan {
  int64_t from_ns = 0, to_ns = 0;
  std::string source = {};  // "screen" or "camera", where it was said
};

// One stream of one media file.
struct TimelinePiece {
  std::string file = {};  // below the recording's folder
  int stream = 0;         // its place in the file
  TrackId track = 0;
  std::string codec = {}, source = {};
  int channels = 0;         // as announced; 0 for video
  int64_t offset_ns = 0;    // the file's time 0
  int64_t duration_ns = 0;  // the file's; to the recording's end where it was not closed
};

struct TimelineLane {
  std::vector<TimelinePiece> pieces = {};  // by offset; they may overlap
  std::vector<TimeSpan> on = {};           // there, said to be on, and not refused
};

struct TimelineParticipant {
  std::string id = {}, name = {};
  bool recorder = false;
  TimelineLane video = {}, audio = {};
  std::vector<TimeSpan> present = {};
  std::vector<TimeSpan> refused = {};  // asked not to be recorded, or excluded by name
  std::vector<TimeSpan> paused = {};   // of it or of everybody

  const TimelineLane& lane(MediaKind kind) const {
    return kind == MediaKind::kVideo ? video : audio;
  }
  // First to last moment of being there or having media.
  TimeSpan whole() const;
};

struct Timeline {
  int64_t duration_ns = 0;
  int64_t started_wall_ns = 0;
  std::vector<TimelineParticipant> participants = {};  // in the order of joining

  explicit Timeline(const Manifest& manifest);
};

}  // namespace callbot::recordings
