// recordings/lane_harm.h: what the journal says went wrong with one participant's audio or video
// while it was received.
//
// Thread:  any; plain values.
// Owner:   Lane.
// Fails:   never; of a damaged journal what can be read counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recordings/manifest.h"

namespace callbot::recordings {

// Seconds on the recording's clock.
struct HarmSpan {
  double from = 0, to = 0;
  int64_t packets = 0;  // of a loss
  double length() const { return to - from; }
};

struct LaneHarm {
  std::vector<HarmSpan> losses;   // packets that never came; where frames are missing, just there
  std::vector<HarmSpan> missing;  // from a frame to the next one, others between them were lost
  std::vector<HarmSpan> key_frame_waits;  // the picture was lost until a key frame came
  std::vector<HarmSpan> stalls;           // the sender sent nothing, its RTP clock stood still
  int64_t packets_lost = 0;
};

// `end`: of the recording, seconds.
LaneHarm harm_of(const LoadedRecording& recording, const std::string& participant, MediaKind media,
                 double end);

}  // namespace callbot::recordings
