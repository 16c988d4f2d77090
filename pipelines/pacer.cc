#include "pipelines/pacer.h"

#include <algorithm>

namespace callbot::pipelines {

Pacer::Pacer(int64_t start_ns, int count, std::chrono::nanoseconds per,
             std::chrono::nanoseconds most_late)
    : stretches_{{0, start_ns, count}},
      per_ns_(per.count()),
      most_late_ns_(most_late.count()),
      not_before_ns_(start_ns) {}

const Pacer::Stretch& Pacer::stretch_of(uint64_t frame) const {
  size_t at = stretches_.size() - 1;
  while (stretches_[at].frame > frame) --at;
  return stretches_[at];
}

void Pacer::change_rate(uint64_t frame, int count) {
  while (stretches_.size() > 1 && stretches_.back().frame >= frame) stretches_.pop_back();
  if (frame == 0)
    stretches_.front().count = count;
  else
    stretches_.push_back({frame, due_ns(frame), count});
}

int64_t Pacer::due_ns(uint64_t frame) const {
  const Stretch& in = stretch_of(frame);
  // Whole periods first: exact, and no overflow in a long run.
  const auto whole = static_cast<int64_t>((frame - in.frame) / in.count),
             rest = static_cast<int64_t>((frame - in.frame) % in.count);
  return in.start_ns + whole * per_ns_ + rest * per_ns_ / in.count;
}

uint64_t Pacer::first_due_from(int64_t now_ns) const {
  size_t at = stretches_.size() - 1;
  while (at > 0 && stretches_[at].start_ns > now_ns) --at;
  const Stretch& in = stretches_[at];
  if (now_ns <= in.start_ns) return in.frame;
  const int64_t whole = (now_ns - in.start_ns) / per_ns_, rest = (now_ns - in.start_ns) % per_ns_;
  auto frame = in.frame + static_cast<uint64_t>(whole * in.count + rest * in.count / per_ns_);
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
  not_before_ns_ = now_ns + per_ns_ / stretch_of(turn.frame).count / 2;
}

void Pacer::rest(int64_t now_ns) { next_ = std::max(next_, first_due_from(now_ns)); }

}  // namespace callbot::pipelines
