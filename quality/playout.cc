#include "quality/playout.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace callbot::quality {
namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kMostJump_ns = 5 * kSecond_ns;

}  // namespace

int64_t Playout::ns_of(int64_t rtp_time) const {
  const int64_t rate = clock_rate_;
  return rtp_time / rate * kSecond_ns + rtp_time % rate * kSecond_ns / rate;
}

int64_t Playout::floor_ns() const {
  int64_t lowest = std::numeric_limits<int64_t>::max();
  for (const Second& s : seconds_) {
    if (s.number >= 0 && s.number > newest_second_ - kSeconds)
      lowest = std::min(lowest, s.lowest_ns);
  }
  return lowest;
}

void Playout::lower_floor(int64_t difference_ns, int64_t now_ns) {
  const int64_t number = std::max(now_ns / kSecond_ns, newest_second_);
  newest_second_ = number;
  Second& s = seconds_[static_cast<size_t>(number % kSeconds)];
  if (s.number != number) s = {number, difference_ns};
  s.lowest_ns = std::min(s.lowest_ns, difference_ns);
}

int64_t Playout::of(int64_t rtp_time, int64_t first_arrival_ns, int64_t last_arrival_ns) {
  const int64_t rtp_ns = ns_of(rtp_time);
  const int64_t difference = first_arrival_ns - rtp_ns;
  if (begun_ && floor_ns() != std::numeric_limits<int64_t>::max() &&
      std::abs(difference - floor_ns()) > kMostJump_ns)
    seconds_ = {};
  begun_ = true;
  lower_floor(difference, first_arrival_ns);
  const int64_t due = floor_ns() + rtp_ns + latency_ns_;
  last_playout_ns_ = std::max({due, last_arrival_ns, last_playout_ns_});
  return last_playout_ns_;
}

}  // namespace callbot::quality
