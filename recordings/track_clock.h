// recordings/track_clock.h: RTP time and arrival -> when a frame belongs. Plain arithmetic.
//
// A track is anchored where its first frame arrived; from there RTP time says when each frame is,
// so that network jitter and gaps do not move anything. A SenderClock says better and better where
// frames belong. The track is moved there slowly: sound by at most 1 ms a frame (more in a silence,
// where no frames come), pictures by at most a fifth of the time since the last one.
//
// Where RTP time and arrival come apart, the track is anchored afresh:
//   a frame too early for its RTP time   at once: nothing arrives before it is sent
//   a frame too late for its RTP time    only if the frames behind it stay as late for a moment.
//                                        If the lateness melts away, a stalled network delivered
//                                        what it held, and RTP time was right.
//                        Otherwise the RTP clock stood still. If nothing came meanwhile, the sender
//                        had stalled, which is worth a note of its own.
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
#include "recordings/sender_clock.h"

namespace callbot::recordings {

enum class AnchorReason { kNone, kFirst, kDisagreement, kNtp, kMoved, kBeat };
const char* name_of(AnchorReason reason);

struct TimedFrame {
  Frame frame;
  int64_t time_ns = 0;                        // on the clock of Frame::first_arrival_ns
  AnchorReason anchor = AnchorReason::kNone;  // worth a journal line
  bool new_report = false;                    // stands for a sender report that is used
  int64_t stalled_from_ns =
      0;  // the sender had stalled since then, until this frame; 0: it had not
};

struct TrackClockConfig {
  int clock_rate = 90000;
  int64_t most_disagreement_ns = 500'000'000;
  int64_t decide_after_ns = 250'000'000;
  int64_t anchor_every_ns = 10'000'000'000;
  int64_t anchor_moved_ns = 3'000'000;
};

class TrackClock {
 public:
  explicit TrackClock(TrackClockConfig config) : config_(config) {}
  // `sender`: knows the track; outlives this.
  TrackClock(TrackClockConfig config, SenderClock& sender, const TrackInfo& info)
      : config_(config), sender_(&sender), track_(info.id), kind_(info.kind) {}

  // Frames in the order received; out come those whose time is settled, in the same order.
  // `now_ns`: monotonic_ns(), which may be later than a frame's arrival by what a jitterbuffer
  // holds.
  std::vector<TimedFrame> push(Frame frame, int64_t now_ns);
  // What has been held long enough.
  std::vector<TimedFrame> settle(int64_t now_ns);
  std::vector<TimedFrame> finish();

 private:
  int64_t by_rtp(const Frame& frame) const;
  int64_t lateness(const Frame& frame) const {
    return frame.first_arrival_ns - by_rtp(frame) - usual_lateness_ns_;
  }
  void anchor(const Frame& frame, int64_t time_ns);
  void move(const Frame& frame, TimedFrame& timed);
  int64_t step(int64_t wrong_ns, int64_t passed_ns) const;
  TimedFrame settled(Frame frame);
  std::vector<TimedFrame> decide();
  std::vector<TimedFrame> release();

  TrackClockConfig config_;
  SenderClock* sender_ = nullptr;
  TrackId track_ = 0;
  MediaKind kind_ = MediaKind::kAudio;
  bool anchored_ = false;
  int64_t anchor_rtp_ = 0;
  int64_t anchor_ns_ = 0;
  int64_t usual_lateness_ns_ = 0;  // of arrival, where the sender's clock is known
  int64_t last_ns_ = 0;
  int64_t last_arrival_ns_ = 0;
  int64_t reported_ns_ = 0;
  int64_t moved_ns_ = 0;         // since the last anchor
  int64_t stalled_from_ns_ = 0;  // as TimedFrame's, of the next one
  bool ntp_seen_ = false;
  AnchorReason pending_ = AnchorReason::kNone;
  std::deque<Frame> held_;
  int64_t held_since_ns_ = 0;
};

}  // namespace callbot::recordings
