// browsers/page_clock.h: a page's performance.now() -> our monotonic_ns(), on the same host.
//
// Both run on CLOCK_MONOTONIC, so they differ by a constant. Each probe bounds it: the page read
// its clock after we had asked and before we got the answer. What all probes allow together is
// never wider than the quickest round trip, and usually narrower.
//
// Thread:  any; a value.
// Owner:   the caller, one a document (a reload is another clock).
// Fails:   never; without a probe there is no time.
#pragma once

#include <cstdint>
#include <optional>

namespace callbot::browsers {

class PageClock {
 public:
  // How coarse performance.now() is: 0.1 ms in Chromium, and in Firefox with
  // privacy.reduceTimerPrecision off 0.02 ms.
  explicit PageClock(double resolution_ms = 0.1) : resolution_ms_(resolution_ms) {}

  // `page_ms` was read between these two monotonic_ns().
  void probe(int64_t before_ns, double page_ms, int64_t after_ns);
  std::optional<int64_t> monotonic_ns_of(double page_ms) const;
  // Plus or minus so much, in seconds; 0: not known at all.
  double uncertainty_s() const;
  int probes() const { return probes_; }

 private:
  double resolution_ms_;
  int probes_ = 0;
  double least_ns_ = 0, most_ns_ = 0;  // what has to be added to a page's time
};

}  // namespace callbot::browsers
