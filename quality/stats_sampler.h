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

// Of one received stream, since it began; jitter and round trip time as they are now.
struct ReceivedCounters {
  std::optional<int64_t> packets, lost, repaired, discarded, bytes, nack, pli;
  std::optional<double> jitter, round_trip;  // seconds
  // Sum of the times that frames were held, and how many they were.
  std::optional<double> buffer_delay;
  std::optional<int64_t> buffer_emitted;
};
// Of one sent stream.
struct SentCounters {
  std::optional<int64_t> packets, frames, bytes, nack, pli;
  std::optional<double> available_bitrate;  // bit/s
  std::optional<double> limited;            // seconds so far
};

class StatsSampler {
 public:
  explicit StatsSampler(SeriesSet& out);
  void received(const ReceivedCounters& now, int64_t at_ns);
  void sent(const SentCounters& now, int64_t at_ns);

 private:
  SeriesSet& out_;
  std::optional<ReceivedCounters> last_received_;
  std::optional<SentCounters> last_sent_;
  int64_t received_ns_ = 0, sent_ns_ = 0;
};

}  // namespace callbot::quality
