#include "base/remote_clock.h"

#include <algorithm>
#include <cmath>

namespace callbot {

void RemoteClock::probe(int64_t before_ns, double remote_ms, int64_t after_ns) {
  const double least = static_cast<double>(before_ns) - (remote_ms + kind_.resolution_ms) * 1e6;
  const double most = static_cast<double>(after_ns) - (remote_ms - kind_.resolution_ms) * 1e6;
  const double drifted = kind_.drift * static_cast<double>(after_ns - probed_ns_);
  probed_ns_ = after_ns;
  least_ns_ -= drifted;
  most_ns_ += drifted;
  const bool fits = probes_ > 0 && least <= most_ns_ && most >= least_ns_;
  // One that contradicts the others: a clock was set, or the page is another one. It counts alone.
  least_ns_ = fits ? std::max(least, least_ns_) : least;
  most_ns_ = fits ? std::min(most, most_ns_) : most;
  ++probes_;
}

std::optional<int64_t> RemoteClock::monotonic_ns_of(double remote_ms) const {
  if (probes_ == 0) return std::nullopt;
  return std::llround(remote_ms * 1e6 + (least_ns_ + most_ns_) / 2);
}

double RemoteClock::uncertainty_s() const {
  return probes_ == 0 ? 0 : (most_ns_ - least_ns_) / 2 / 1e9;
}

}  // namespace callbot
