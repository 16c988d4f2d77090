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
  const int64_t by = begun_ ? distance(highest_, raw) : 0;
  if (!begun_ || by > limits_.most_ahead || by < -limits_.most_back) return begin(raw);
  Placed placed{.counter = highest_ + by};
  const bool again = !seen_.insert(placed.counter).second;
  place(placed, by, again);
  previous_ = placed.counter;
  highest_ = std::max(highest_, placed.counter);
  lowest_ = std::min(lowest_, placed.counter);
  missing_ += placed.missing;
  while (seen_.size() > kMostSeen) seen_.erase(seen_.begin());
  return placed;
}

MarkSequence::Placed MarkSequence::end(uint32_t newest) {
  const int64_t by = begun_ ? distance(highest_, newest) : 0;
  if (by <= 0) return {.step = Step::kStill, .counter = highest_};
  const int64_t missing = std::max<int64_t>(by - unread_, 0);
  return {Step::kNew, highest_, by, by, missing};
}

MarkSequence::Placed MarkSequence::begin(uint32_t raw) {
  // One more round for each beginning: no unwrapped counter means two frames.
  highest_ = begun_ ? (highest_ / kCounters + 1) * kCounters + raw : int64_t{raw};
  begun_ = true;
  lowest_ = previous_ = highest_;
  seen_ = {highest_};
  missing_ = unread_ = 0;
  return {.step = Step::kBegin, .counter = highest_, .expected = 1};
}

void MarkSequence::place(Placed& placed, int64_t by, bool again) {
  if (placed.counter == previous_) {
    placed.step = Step::kStill;
  } else if (by > 0) {
    placed.step = Step::kNew;
    placed.left_out = by - 1;
    placed.expected = by;
    placed.missing = std::max<int64_t>(placed.left_out - unread_, 0);
    unread_ = 0;
  } else if (again) {
    placed.step = Step::kAgain;
  } else {
    placed.step = Step::kLate;
    const int64_t before_all = std::max<int64_t>(lowest_ - placed.counter, 0);
    placed.expected = before_all;
    placed.missing = before_all > 0 ? before_all - 1 : missing_ > 0 ? -1 : 0;
  }
}

}  // namespace callbot
