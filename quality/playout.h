// quality/playout.h: when a receiver with a jitterbuffer would show a frame or let a sound be
// heard. A model, stated here, because nothing is played. Plain arithmetic.
//
//   due      = floor + RTP time + latency
//   playout  = max(due, arrival of the frame's last packet, playout of the frame before it)
//   floor    = the smallest difference of arrival and RTP time in the last 10 s
//
// That is a buffer of constant latency: what comes within `latency` of the fastest way is played
// evenly, what comes later is played when it comes (pictures; it is a freeze if it is late enough)
// and does not make what follows late. A way that has become longer for good is the new fastest one
// after 10 s. The latency is the caller's: 0 shows every frame as it comes. Real receivers choose
// theirs from the jitter they see; arrival values (network_delay) stand beside what is modelled.
//
// Thread:  one at a time.
// Owner:   one meter.
// Fails:   never; RTP time that jumps by more than 5 s against the arrivals begins anew.
#pragma once

#include <array>
#include <cstdint>

namespace callbot::quality {

class Playout {
 public:
  Playout(int64_t latency_ns, int clock_rate) : latency_ns_(latency_ns), clock_rate_(clock_rate) {}

  // monotonic_ns(). Frames in the order of their RTP times.
  int64_t of(int64_t rtp_time, int64_t first_arrival_ns, int64_t last_arrival_ns);
  int64_t ns_of(int64_t rtp_time) const;  // of RTP ticks

 private:
  void lower_floor(int64_t difference_ns, int64_t now_ns);
  int64_t floor_ns() const;

  static constexpr int kSeconds = 10;
  const int64_t latency_ns_;
  const int clock_rate_;
  struct Second {
    int64_t number = -1, lowest_ns = 0;
  };
  std::array<Second, kSeconds> seconds_{};
  bool begun_ = false;
  int64_t newest_second_ = 0;
  int64_t last_playout_ns_ = 0;
};

}  // namespace callbot::quality
