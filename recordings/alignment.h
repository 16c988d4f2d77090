// recordings/alignment.h: where the frames of a recording belong, from its journal: better than it
// could be known while it ran. Plain arithmetic.
//
// While a recording runs a frame is put where the reports and arrivals so far say, and what turns
// out wrong is put right slowly. Afterwards all of them are known: a track's RTP time is tied to
// its sender's clock by the reports before and after, and that clock to ours by the earliest of
// all arrivals of the participant. FORMAT.md (Alignment) says how it is stored.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never: a track without reports, or with reports that are not to be believed, stays
//          where it was put.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recordings/manifest.h"

namespace callbot::recordings {

// A stretch of a track in a file, between two places where it was anchored afresh.
struct AlignedStretch {
  struct Point {
    int64_t file_ns = 0;  // from the file's start
    int64_t true_ns = 0;  // from the recording's start
  };
  std::string file = {};
  int stream = 0;
  std::vector<Point> points = {};  // at least one; its anchors
};

struct TrackAlignment {
  TrackId track = 0;
  bool by_reports = false;                     // false: as it was put
  std::vector<AlignedStretch> stretches = {};  // in order

  // Where the frame that lies there belongs, from the recording's start.
  int64_t true_ns(const std::string& file, int64_t file_ns) const;
};

// In the manifest's order of tracks; those that have no frame in a file are left out.
std::vector<TrackAlignment> align(const Manifest& manifest, const std::vector<Event>& events);

}  // namespace callbot::recordings
