// quality/stats_sampler.h: running counters of a peer connection -> series of deltas, each second.
//
// Plain numbers go in, so whoever reads webrtcbin's statistics can be anybody. A number that is not
// there is not 0: its series stays unmeasured. A counter that went back began anew.
//
// Thread:  one at a time; the SeriesSet locks by itself.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <optional>

#include "quality/series_set.h"

namespace callbot::quality {

// Of one received stream, since it began; jitter as it is now.
struct ReceivedCounters {
  std::optional<int64_t> packets, lost, repaired, discarded, bytes, nack, pli, fir;
  std::optional<double> jitter;  // seconds
  // Sum of the times that frames were held, and how many they were.
  std::optional<double> buffer_delay;
  std::optional<int64_t> buffer_emitted;
};
// Of one sent stream; rates as they are now.
struct SentCounters {
  std::optional<int64_t> packets, frames, key_frames, huge_frames, left_out, bytes, nack, pli, fir;
  std::optional<int64_t> switches;
  std::optional<double> lateness;                           // of all frames together, seconds
  std::optional<double> target_bitrate, available_bitrate;  // bit/s
  std::optional<double> limited;                            // seconds so far
};
// What the other end's reports told of: so many packets or round trips, and the sum over them.
struct ReportCounters {
  int64_t count = 0;
  double sum = 0;
};

class StatsSampler {
 public:
  explicit StatsSampler(SeriesSet& out);
  void received(const ReceivedCounters& now, int64_t at_ns);
  void sent(const SentCounters& now, int64_t at_ns);
  void losses(const ReportCounters& now, int64_t at_ns);  // of one sent stream: the share lost
  void trips(const ReportCounters& now, int64_t at_ns);   // of one connection: seconds
  // What `before` saw received has been counted there.
  void go_on_from(const StatsSampler& before) {
    last_received_ = before.last_received_;
    received_ns_ = before.received_ns_;
  }

 private:
  SeriesSet& out_;
  std::optional<ReceivedCounters> last_received_;
  std::optional<SentCounters> last_sent_;
  ReportCounters last_losses_, last_trips_;
  int64_t received_ns_ = 0, sent_ns_ = 0;
};

}  // namespace callbot::quality
