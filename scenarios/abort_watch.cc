#include "scenarios/abort_watch.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace callbot::scenarios {
namespace {

constexpr double kClass = 1.02;     // how wide a class of the histogram is
constexpr double kSmallest = 1e-9;  // below it lies 0

int class_of(double value) {
  const double size = std::abs(value);
  if (size < kSmallest) return 0;
  const int n = 1 + static_cast<int>(std::floor(std::log(size / kSmallest) / std::log(kClass)));
  return value < 0 ? -n : n;
}
double value_of(int n) {
  if (n == 0) return 0;
  const double size = kSmallest * std::pow(kClass, std::abs(n) - 0.5);
  return n < 0 ? -size : size;
}

std::string group_key(const Threshold& t, const AbortWatch::Source& s) {
  if (t.per == Per::kRun) return "";
  return t.per == Per::kActor ? s.actor : s.actor + " from " + s.from + " " + s.stream;
}

bool about(const Threshold& t, const AbortWatch::Source& s) {
  return (t.who.empty() || matches(t.who, s.role, s.actor)) &&
         (t.from.empty() || matches(t.from, s.from_role, s.from)) &&
         (t.stream.empty() || t.stream == s.stream);
}

}  // namespace

void RunningStat::add(double value) {
  least_ = count_ == 0 ? value : std::min(least_, value);
  most_ = count_ == 0 ? value : std::max(most_, value);
  ++count_;
  sum_ += value;
  squares_ += value * value;
  ++classes_[class_of(value)];
}

double RunningStat::percentile(const StatName& stat) const {
  std::map<int, size_t> classes;
  for (const auto& [n, count] : classes_) classes[stat.absolute ? std::abs(n) : n] += count;
  auto rank = static_cast<size_t>(
      std::max(std::ceil(stat.percent / 100 * static_cast<double>(count_) - 1e-9), 1.0));
  for (const auto& [n, count] : classes) {
    if (rank <= count) return value_of(n);
    rank -= count;
  }
  return most_;
}

std::optional<double> RunningStat::value(const StatName& stat, const Metric& metric, double seconds,
                                         double share_total) const {
  const bool counted = metric.kind == MetricKind::kCount;
  if (count_ == 0 && metric.kind == MetricKind::kGauge) return std::nullopt;
  const double number = counted ? sum_ : static_cast<double>(count_);
  const bool span = metric.kind == MetricKind::kSpan;
  switch (stat.stat) {
    case Stat::kMin:
      return count_ == 0 ? std::nullopt : std::optional(least_);
    case Stat::kMax:
      return most_;
    case Stat::kMean:
      return count_ == 0 ? std::nullopt : std::optional(sum_ / static_cast<double>(count_));
    case Stat::kPercentile:
      return count_ == 0 ? std::nullopt : std::optional(percentile(stat));
    case Stat::kTotal:
      return sum_;
    case Stat::kCount:
      return number;
    case Stat::kRate:
      return seconds > 0 ? std::optional(number / seconds) : std::nullopt;
    case Stat::kRatio: {
      const double whole = span ? seconds : share_total;
      return whole > 0 ? std::optional(sum_ / whole) : std::nullopt;
    }
    case Stat::kHarmonic:
      return squares_ > 0 ? std::optional(sum_ / squares_) : std::nullopt;
  }
  return std::nullopt;
}

AbortWatch::AbortWatch(const Scenario& scenario) {
  std::copy_if(scenario.thresholds.begin(), scenario.thresholds.end(),
               std::back_inserter(thresholds_), [](const Threshold& t) { return t.abort; });
  for (const Threshold& t : thresholds_) {
    if (const Metric* metric = find_metric(t.metric)) watched_.push_back({&t, metric, {}});
  }
}

std::optional<int64_t> AbortWatch::at(const std::optional<Span::End>& end,
                                      int64_t otherwise) const {
  if (!end) return otherwise;
  if (end->mark.empty()) return steps_ns_ + std::llround(end->seconds * 1e9);
  const auto found = marks_.find(end->mark);
  return found == marks_.end() ? std::nullopt : std::optional(found->second);
}

void AbortWatch::sample(const Source& source, const Sample& sample) {
  for (Watched& w : watched_) {
    const bool own = source.metric == w.threshold->metric;
    const bool share = source.metric == w.metric->share;
    if ((!own && !share) || !about(*w.threshold, source)) continue;
    const auto from = at(w.threshold->span.from, steps_ns_);
    const auto to = at(w.threshold->span.to, std::numeric_limits<int64_t>::max());
    // An end whose mark has not come yet lies ahead.
    if (!from || sample.at_ns < *from || (to && sample.at_ns >= *to)) continue;
    Group& group = w.groups[group_key(*w.threshold, source)];
    (own ? group.own : group.share).add(sample.value);
  }
}

std::optional<std::string> AbortWatch::check(int64_t now_ns) const {
  for (const Watched& w : watched_) {
    const Threshold& t = *w.threshold;
    const auto from = at(t.span.from, steps_ns_);
    if (!from || now_ns < *from + std::llround(t.delay * 1e9)) continue;
    const double seconds = static_cast<double>(now_ns - *from) / 1e9;
    size_t passed = 0;
    size_t judged = 0;
    std::string worst;
    for (const auto& [name, group] : w.groups) {
      const auto value = group.own.value(t.stat, *w.metric, seconds, group.share.total());
      if (!value) continue;
      ++judged;
      if (holds(*value, t.op, t.value))
        ++passed;
      else
        worst = fmt::format("{}{}{}", name, name.empty() ? "" : ": ",
                            value_text(*value, unit_of(t.stat, *w.metric)));
    }
    const auto need = static_cast<size_t>(std::ceil(t.quorum * static_cast<double>(judged) - 1e-9));
    if (!worst.empty() && passed < need)
      return fmt::format("aborted by {} ({})", t.name.empty() ? text_of(t) : t.name, worst);
  }
  return std::nullopt;
}

}  // namespace callbot::scenarios
