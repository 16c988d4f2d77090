// signaling/token_bucket.h: so much at once, then so much in every second.
//
// Thread:  one.
// Owner:   whoever limits something.
// Fails:   take() says false when there is not enough.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace callbot::signaling {

class TokenBucket {
 public:
  TokenBucket(double burst, double per_second)
      : burst_(burst), per_second_(per_second), left_(burst), at_ns_(monotonic_ns()) {}

  bool take(double amount) {
    const int64_t now = monotonic_ns();
    left_ = std::min(burst_, left_ + per_second_ * static_cast<double>(now - at_ns_) / 1e9);
    at_ns_ = now;
    if (left_ < amount) return false;
    left_ -= amount;
    return true;
  }

 private:
  double burst_;
  double per_second_;
  double left_;
  int64_t at_ns_;
};

}  // namespace callbot::signaling
