// recordings/track_clock.h: RTP time and arrival -> when a frame belongs. Plain arithmetic.
//
// A track is anchored where its first frame arrived; from there RTP time says when each frame is,
// so that network jitter and gaps do not move anything. Where RTP time and arrival come apart, the
// track is anchored afresh:
//   a frame too early for its RTP time   at once: nothing arrives before it is sent
//   a frame too late for its RTP time    only if the frames behind it stay as late for a moment.
//                                        If the lateness melts away, a stalled network delivered
//                                        what it held, and RTP time was right.
// Such a late frame and those behind it are held for `decide_after` at most.
//
// Thread:  one at a time.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/frame.h"

namespace callbot::recordings {

enum class AnchorReason { kNone, kFirst, kDisagreement, kNtp, kBeat };
const char* name_of(AnchorReason reason);

struct TimedFrame {
  Frame frame;
  int64_t time_ns = 0;                        // on the clock of Frame::first_arrival_ns
  AnchorReason anchor = AnchorReason::kNone;  // worth a journal line
};

struct TrackClockConfig {
  int clock_rate = 90000;
  int64_t most_disagreement_ns = 500'000'000;
  int64_t decide_after_ns = 250'000'000;
  int64_t anchor_every_ns = 10'000'000'000;
};

class TrackClock {
 public:
  explicit TrackClock(TrackClockConfig config) : config_(config) {}

  // Frames in the order received; out come those whose time is settled, in the same order.
  // `now_ns`: monotonic_ns(), which may be later than a frame's arrival by what a jitterbuffer
  // holds.
  std::vector<TimedFrame> push(Frame frame, int64_t now_ns);
  // What has been held long enough.
  std::vector<TimedFrame> settle(int64_t now_ns);
  std::vector<TimedFrame> finish();

 private:
  int64_t by_rtp(const Frame& frame) const;
  int64_t lateness(const Frame& frame) const { return frame.first_arrival_ns - by_rtp(frame); }
  void anchor(const Frame& frame, int64_t time_ns);
  TimedFrame settled(Frame frame);
  std::vector<TimedFrame> decide();
  std::vector<TimedFrame> release();

  TrackClockConfig config_;
  bool anchored_ = false;
  int64_t anchor_rtp_ = 0;
  int64_t anchor_ns_ = 0;
  int64_t last_ns_ = 0;
  int64_t reported_ns_ = 0;
  bool ntp_seen_ = false;
  AnchorReason pending_ = AnchorReason::kNone;
  std::deque<Frame> held_;
  int64_t held_since_ns_ = 0;
};

}  // namespace callbot::recordings
