// recordings/lanes.h: what one participant's audio or video should be, and what of it is there.
//
// A lane is one participant and kind, all files together, on the recording's clock.
//
// Thread:  any; plain values.
// Owner:   verify().
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "recordings/lane_harm.h"
#include "recordings/manifest.h"
#include "recordings/probe.h"
#include "recordings/verify.h"

namespace callbot::recordings {

struct Interval {
  double from = 0, to = 0;
  std::string source = {};  // "screen" where it is said
  double length() const { return to - from; }
};

std::vector<Interval> intersect(const std::vector<Interval>& a, const std::vector<Interval>& b);
std::vector<Interval> without(const std::vector<Interval>& a, const std::vector<Interval>& b);
double total(const std::vector<Interval>& intervals);
// The interval that holds this time, with a little slack at its ends; null if none does.
const Interval* at_time(const std::vector<Interval>& intervals, double time);

// When this kind of the member is expected: there, said to be on, not refused; `end` in seconds.
std::vector<Interval> expected_of(const Manifest& manifest, const Participant& participant,
                                  MediaKind media, double end);

// One stream of one file, its times moved to the recording's clock.
struct LanePiece {
  std::string file;
  ProbedStream stream;
  std::string source = {};  // "screen" where the track said so
};

struct Lane {
  std::string participant, name;
  MediaKind media = MediaKind::kAudio;
  std::vector<Interval> expected;  // there, and said to be on
  std::vector<LanePiece> pieces;   // in the order of their start
  uint64_t overflow = 0;
  LaneHarm harm = {};

  std::string codec() const { return pieces.empty() ? "" : pieces.front().stream.codec; }
  std::vector<double> packet_times() const;  // of all pieces, sorted
};

struct ProbedMedia {
  const MediaFileFacts* facts;
  ProbedFile file;
};

// Seconds from the recording's start to its end, or to the end of the media if it was cut off.
double duration_of(const Manifest& manifest, const std::vector<ProbedMedia>& media);
std::vector<Lane> make_lanes(const LoadedRecording& recording, std::vector<ProbedMedia> media,
                             double duration);

}  // namespace callbot::recordings
