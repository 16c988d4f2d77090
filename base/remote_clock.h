// base/remote_clock.h: the clock of a page or of another host -> our monotonic_ns().
//
// Each probe bounds by how much they differ: the other end read its clock after we had asked and
// before we got the answer. What all probes allow together is never wider than the quickest round
// trip, and usually narrower. Clocks of two hosts drift apart: then what earlier probes allowed
// widens with time.
//
// Thread:  any; a value.
// Owner:   the caller, one a document (a reload is another clock) or a member.
// Fails:   never; without a probe there is no time.
#pragma once

#include <cstdint>
#include <optional>

namespace callbot {

struct ClockKind {
  double resolution_ms = 0;  // how coarse it is
  double drift = 0;          // seconds a second, at most
};
// performance.now() on this host, which runs on CLOCK_MONOTONIC as we do: 0.1 ms in Chromium,
// 0.02 ms in Firefox with privacy.reduceTimerPrecision off.
constexpr ClockKind kPageClock = {.resolution_ms = 0.1};
// CLOCK_MONOTONIC of another host: two crystals of 50 ppm each, and what NTP slews in passing.
constexpr ClockKind kHostClock = {.resolution_ms = 0.001, .drift = 200e-6};

class RemoteClock {
 public:
  explicit RemoteClock(ClockKind kind) : kind_(kind) {}

  // `remote_ms` was read between these two monotonic_ns().
  void probe(int64_t before_ns, double remote_ms, int64_t after_ns);
  std::optional<int64_t> monotonic_ns_of(double remote_ms) const;
  // Plus or minus so much, in seconds; 0: not known at all.
  double uncertainty_s() const;
  int probes() const { return probes_; }

 private:
  ClockKind kind_;
  int probes_ = 0;
  int64_t probed_ns_ = 0;
  double least_ns_ = 0, most_ns_ = 0;  // what has to be added to a time of the other clock
};

}  // namespace callbot
