#include "base/mark_sequence.h"

#include <algorithm>

namespace callbot {
namespace {

constexpr int64_t kCounters = int64_t{1} << 24;
constexpr size_t kMostSeen = 4096;

// From one counter to another, the short way round.
int64_t distance(int64_t from, uint32_t to) {
  const int64_t ahead = ((to - from) % kCounters + kCounters) % kCounters;
  return ahead < kCounters / 2 ? ahead : ahead - kCounters;
}

}  // namespace

MarkSequence::Placed MarkSequence::add(uint32_t raw) {
  Placed placed;
  const int64_t by = begun_ ? distance(highest_, raw) : 0;
  if (!begun_ || by > limits_.most_ahead || by < -limits_.most_back) {
    // One more round for each beginning: no unwrapped counter means two frames.
    highest_ = begun_ ? (highest_ / kCounters + 1) * kCounters + raw : int64_t{raw};
    begun_ = true;
    seen_ = {highest_};
    previous_ = highest_;
    return {.step = Step::kBegin, .counter = highest_};
  }
  placed.counter = highest_ + by;
  const bool again = !seen_.insert(placed.counter).second;
  if (placed.counter == previous_) {
    placed.step = Step::kStill;
  } else if (by > 0) {
    placed.step = Step::kNew;
    placed.left_out = by - 1;
  } else {
    placed.step = again ? Step::kAgain : Step::kLate;
  }
  previous_ = placed.counter;
  highest_ = std::max(highest_, placed.counter);
  while (seen_.size() > kMostSeen) seen_.erase(seen_.begin());
  return placed;
}

}  // namespace callbot
