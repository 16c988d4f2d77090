// recordings/sender_clock.h: all tracks of a participant on one clock, ours. Plain arithmetic.
//
// Where a frame belongs is where the earliest arrivals put its RTP time (DelayFloor). Once sender
// reports tie the RTP times of the participant's tracks to one clock, the sender's (ClockEstimate),
// that clock as a whole is put where its earliest arrivals put it. So sound and pictures stay
// together whatever their RTP clocks do, and all of it stays with the time that passes here.
//
// Reports are not believed where they put a track too far from its own arrivals, except those of
// the sound that leads: then the others have to follow it. A sender that sets its wall clock moves
// nothing, one whose RTP clock stood still or jumped does: arrivals tell which of the two it was.
//
// Thread:  one at a time.
// Owner:   MediaWriter, one for each participant.
// Fails:   never.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/frame.h"
#include "recordings/clock_estimate.h"
#include "recordings/delay_floor.h"

namespace callbot::recordings {

class SenderClock {
 public:
  static constexpr int64_t kMostDisagreementNs = 2'000'000'000;
  // Of a track whose RTP time was broken, for a while: its next report may still tell of before.
  static constexpr int64_t kMostAfterBreakNs = 500'000'000;
  static constexpr int64_t kBreakNs = 10'000'000'000;

  void begin(const TrackInfo& info);
  void end(TrackId track);

  struct Place {
    int64_t time_ns = 0;      // on the clock of Frame::first_arrival_ns
    int64_t earliest_ns = 0;  // when the track's own earliest arrivals would have it come in
    bool new_report = false;  // the frame stands for a sender report that is used from now on
  };
  // Frames of a track in the order they were received.
  Place place(TrackId track, const Frame& frame);
  // RTP time and arrival came apart before this frame: what was learned of the track is void.
  void broke(TrackId track, const Frame& frame);

 private:
  struct Track {
    MediaKind kind;
    int clock_rate;
    ClockEstimate estimate;
    DelayFloor floor = {};    // RTP time, in ns -> our clock
    int64_t path_ns = 0;      // what it comes in later than the sender's clock says
    int64_t stepped_ns = 0;   // what the sender set its wall clock by
    int64_t broke_at_ns = 0;  // arrival; 0: never
  };
  bool hear(Track& track, const Frame& frame);
  void judge_step(Track& track, int64_t rtp_ns, int64_t ntp_ns, int64_t step_ns);
  void lead(TrackId id, const Track& track);
  const Track* leader() const;

  std::map<TrackId, Track> tracks_;
  DelayFloor floor_;  // the sender's wall clock -> ours
  std::optional<TrackId> leader_;
};

}  // namespace callbot::recordings
