#include "pipelines/pacer.h"

#include <algorithm>

namespace callbot::pipelines {

Pacer::Pacer(int64_t start_ns, int count, std::chrono::nanoseconds per,
             std::chrono::nanoseconds most_late)
    : start_ns_(start_ns),
      count_(count),
      per_ns_(per.count()),
      most_late_ns_(most_late.count()),
      not_before_ns_(start_ns) {}

int64_t Pacer::due_ns(uint64_t frame) const {
  // Whole periods first: exact, and no overflow in a long run.
  const auto whole = static_cast<int64_t>(frame / count_),
             rest = static_cast<int64_t>(frame % count_);
  return start_ns_ + whole * per_ns_ + rest * per_ns_ / count_;
}

uint64_t Pacer::first_due_from(int64_t now_ns) const {
  if (now_ns <= start_ns_) return 0;
  const int64_t whole = (now_ns - start_ns_) / per_ns_, rest = (now_ns - start_ns_) % per_ns_;
  auto frame = static_cast<uint64_t>(whole * count_ + rest * count_ / per_ns_);
  while (due_ns(frame) < now_ns) ++frame;
  return frame;
}

Pacer::Turn Pacer::next(int64_t now_ns, uint64_t end) {
  if (now_ns - due_ns(next_) > most_late_ns_) {
    const uint64_t on_time = std::max(std::min(first_due_from(now_ns), end), next_);
    left_out_ += on_time - next_;
    next_ = on_time;
  }
  return {next_, std::max(due_ns(next_), not_before_ns_)};
}

void Pacer::taken(const Turn& turn, int64_t now_ns) {
  next_ = turn.frame + 1;
  not_before_ns_ = now_ns + per_ns_ / count_ / 2;
}

void Pacer::rest(int64_t now_ns) { next_ = std::max(next_, first_due_from(now_ns)); }

}  // namespace callbot::pipelines
