// recordings/lip_sync.h: keeps a participant's pictures with its sound. Plain arithmetic.
//
// Tracks are anchored where their first frame arrived, and a first picture may be later than a
// first sound by whatever encoder, network or load made of it. Once both tracks' frames carry the
// sender's clock (RTCP sender reports), it says how far apart they really are; the pictures are
// then moved there, so slowly that time never goes backwards. The sound is never moved: that would
// be heard.
//
// Thread:  one at a time.
// Owner:   MediaWriter, one for each participant.
// Fails:   never; reports that put the tracks more than `kMostShiftNs` apart are not believed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/frame.h"

namespace callbot::recordings {

class LipSync {
 public:
  static constexpr int64_t kMostShiftNs = 2'000'000'000;
  // A picture moves by at most this share of the time since the one before it.
  static constexpr int64_t kSlowness = 5;  // 1/5

  // A sound with the sender's clock, and where it was put.
  void heard(int64_t ntp_ns, int64_t time_ns) { offset_ns_ = ntp_ns - time_ns; }
  // Where a picture belongs that RTP time puts at `time_ns`.
  int64_t place(TrackId track, std::optional<int64_t> ntp_ns, int64_t time_ns);

 private:
  struct Shift {
    int64_t shift_ns = 0;
    int64_t last_ns = 0;
  };
  std::optional<int64_t> offset_ns_;  // sender's clock minus the timeline of the sound
  std::map<TrackId, Shift> shifts_;
};

}  // namespace callbot::recordings
