#include "base/rhythm.h"

#include <algorithm>

namespace callbot {
namespace {

constexpr size_t kIntervals = 30;
constexpr size_t kLeastIntervals = 5;
constexpr double kFreezeTimes = 3, kFreezeMore = 0.150;  // seconds
constexpr double kPause = 5;                             // seconds
constexpr int64_t kSecond_ns = 1'000'000'000;
// A second begins a little before its first frame: so no frame lies on the border of an even rate.
constexpr int64_t kEarlier_ns = 8'000'000;

bool is_freeze(double seconds, double mean) {
  return seconds >= std::max(kFreezeTimes * mean, mean + kFreezeMore);
}

}  // namespace

std::optional<Rhythm::Interval> Rhythm::add(int64_t at_ns) {
  if (!last_ns_) {
    last_ns_ = at_ns;
    return std::nullopt;
  }
  const Interval now = since_last(at_ns);
  last_ns_ = at_ns;
  intervals_.push_back(now.seconds);
  sum_ += now.seconds;
  if (intervals_.size() > kIntervals) {
    sum_ -= intervals_.front();
    intervals_.pop_front();
  }
  return now;
}

Rhythm::Interval Rhythm::since_last(int64_t now_ns) const {
  Interval since{*last_ns_, static_cast<double>(now_ns - *last_ns_) / 1e9};
  if (const auto usual = mean()) since.freeze = is_freeze(since.seconds, *usual);
  since.pause = since.seconds > kPause;
  return since;
}

std::optional<Rhythm::Interval> Rhythm::to_the_end(int64_t now_ns) const {
  if (!last_ns_) return std::nullopt;
  const Interval since = since_last(now_ns);
  return since.freeze || since.pause ? std::optional(since) : std::nullopt;
}

std::optional<double> Rhythm::mean() const {
  if (intervals_.size() < kLeastIntervals) return std::nullopt;
  return sum_ / static_cast<double>(intervals_.size());
}

void Still::begin(int64_t at_ns) {
  begin_ns_ = last_ns_ = at_ns;
  again_ = 0;
}

void Still::again(int64_t at_ns) {
  last_ns_ = at_ns;
  ++again_;
}

std::optional<Rhythm::Interval> Still::freeze(const Rhythm& rhythm) const {
  if (again_ < static_cast<int>(kLeastIntervals)) return std::nullopt;
  const double seconds = static_cast<double>(last_ns_ - begin_ns_) / 1e9;
  const double usual = std::max(seconds / again_, rhythm.mean().value_or(0));
  if (!is_freeze(seconds, usual)) return std::nullopt;
  return Rhythm::Interval{begin_ns_, seconds, true, seconds > kPause};
}

std::deque<PerSecond::Second> PerSecond::add(int64_t at_ns) {
  if (end_ns_ == 0) {
    end_ns_ = at_ns + kSecond_ns - kEarlier_ns;
    frames_ = 0;
  }
  auto ended = pass(at_ns);
  ++frames_;
  return ended;
}

std::deque<PerSecond::Second> PerSecond::pass(int64_t now_ns) {
  std::deque<Second> ended;
  while (end_ns_ != 0 && now_ns >= end_ns_) {
    ended.push_back({end_ns_, frames_});
    end_ns_ += kSecond_ns;
    frames_ = 0;
  }
  return ended;
}

}  // namespace callbot
