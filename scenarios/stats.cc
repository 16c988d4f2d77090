#include "scenarios/stats.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace callbot::scenarios {
namespace {

struct Named {
  const char* name;
  Stat stat;
};
constexpr Named kNames[] = {
    {"min", Stat::kMin},     {"max", Stat::kMax},           {"mean", Stat::kMean},
    {"total", Stat::kTotal}, {"count", Stat::kCount},       {"rate", Stat::kRate},
    {"ratio", Stat::kRatio}, {"harmonic", Stat::kHarmonic},
};
constexpr const char* kExpected =
    "expected min, max, mean, a percentile such as p95 (p95abs: without signs), total, count, "
    "rate, ratio or harmonic";

struct Picked {
  double value;
  int64_t at_ns;
  size_t series;
};

double seconds_of(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// What of a span lies in the window; none: nothing.
std::optional<double> part_of(const Sample& s, const TimeWindow& w) {
  const double from = std::max(0.0, seconds_of(w.from_ns - s.at_ns));
  const double to = std::min(s.value, seconds_of(w.to_ns - s.at_ns));
  if (to <= from) return std::nullopt;
  return to - from;
}

std::vector<Picked> pick(const Metric& metric, std::span<const Series* const> pooled,
                         const TimeWindow& window, bool absolute) {
  std::vector<Picked> out;
  for (size_t i = 0; i < pooled.size(); ++i) {
    for (const Sample& s : pooled[i]->samples) {
      if (metric.kind == MetricKind::kSpan) {
        if (const auto part = part_of(s, window))
          out.push_back({*part, std::max(s.at_ns, window.from_ns), i});
      } else if (s.at_ns >= window.from_ns && s.at_ns < window.to_ns) {
        out.push_back({absolute ? std::abs(s.value) : s.value, s.at_ns, i});
      }
    }
  }
  return out;
}

double sum_of(const std::vector<Picked>& picked) {
  double sum = 0;
  for (const Picked& p : picked) sum += p.value;
  return sum;
}

bool below(const Picked& a, const Picked& b) { return a.value < b.value; }

void set_place(StatValue& out, const Picked& p) {
  out.at_ns = p.at_ns;
  out.series = p.series;
  out.has_place = true;
}

// The sample that a person wants to look at, where the value itself is none.
void set_worst(StatValue& out, const Metric& metric, const std::vector<Picked>& picked) {
  if (picked.empty()) return;
  set_place(out, metric.better == Better::kMore
                     ? *std::min_element(picked.begin(), picked.end(), below)
                     : *std::max_element(picked.begin(), picked.end(), below));
}

void select(StatValue& out, const StatName& stat, std::vector<Picked>& picked) {
  const auto n = static_cast<double>(picked.size());
  size_t rank = 0;
  if (stat.stat == Stat::kMax) rank = picked.size() - 1;
  if (stat.stat == Stat::kPercentile)
    rank = static_cast<size_t>(std::max(std::ceil(stat.percent / 100 * n - 1e-9), 1.0)) - 1;
  const auto at = picked.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(picked.begin(), at, picked.end(), below);
  out.value = at->value;
  set_place(out, *at);
}

void ratio(StatValue& out, const Metric& metric, double total, std::span<const Series* const> share,
           const TimeWindow& window, double all_seconds) {
  double whole = all_seconds;
  if (metric.kind != MetricKind::kSpan) {
    const Metric* by = find_metric(metric.share);
    whole = by == nullptr ? 0 : sum_of(pick(*by, share, window, false));
  }
  if (whole > 0)
    out.value = total / whole;
  else
    out.why = metric.kind == MetricKind::kSpan ? "the window is empty"
                                               : fmt::format("{} is 0", metric.share);
}

double squares_of(const std::vector<Picked>& picked) {
  double sum = 0;
  for (const Picked& p : picked) sum += p.value * p.value;
  return sum;
}

// 0 of what was counted, or lasted, is a number; 0 of what was looked at now and then is none.
bool zero_counts(const StatName& stat, const Metric& metric) {
  if (metric.kind == MetricKind::kGauge) return false;
  switch (stat.stat) {
    case Stat::kTotal:
    case Stat::kCount:
    case Stat::kRate:
    case Stat::kRatio:
      return true;
    case Stat::kMax:
      return metric.kind == MetricKind::kSpan;
    default:
      return false;
  }
}

}  // namespace

Result<StatName> parse_stat(std::string_view text) {
  for (const Named& named : kNames) {
    if (text == named.name) return StatName{named.stat};
  }
  StatName stat{Stat::kPercentile};
  std::string_view rest = text;
  if (rest.ends_with("abs")) {
    stat.absolute = true;
    rest.remove_suffix(3);
  }
  const bool percentile = rest.starts_with('p');
  if (percentile) rest.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), stat.percent,
                                            std::chars_format::fixed);
  if (!percentile || error != std::errc() || end != rest.data() + rest.size() ||
      stat.percent <= 0 || stat.percent >= 100)
    return fail(Code::kBadInput, kExpected);
  return stat;
}

std::string text_of(const StatName& stat) {
  if (stat.stat == Stat::kPercentile)
    return fmt::format("p{}{}", stat.percent, stat.absolute ? "abs" : "");
  for (const Named& named : kNames) {
    if (named.stat == stat.stat) return named.name;
  }
  return "";
}

std::string stat_mistake(const StatName& stat, const Metric& metric) {
  const bool share = *metric.share != '\0';
  switch (stat.stat) {
    case Stat::kRatio:
      if (metric.kind == MetricKind::kSpan || share) return "";
      return fmt::format("{} is no share of another metric: it has no ratio", metric.name);
    case Stat::kTotal:
      if (metric.kind != MetricKind::kGauge) return "";
      return fmt::format("{} is a value at a time: its sum means nothing", metric.name);
    case Stat::kHarmonic:
      if (metric.kind == MetricKind::kGauge && std::string_view(metric.unit) == "s") return "";
      return fmt::format("{} is no interval: it has no harmonic mean", metric.name);
    case Stat::kMin:
    case Stat::kMax:
    case Stat::kMean:
    case Stat::kPercentile:
      if (metric.kind != MetricKind::kCount) return "";
      return fmt::format("{} is counted: expected total, count, rate or ratio", metric.name);
    default:
      return "";
  }
}

std::string unit_of(const StatName& stat, const Metric& metric) {
  switch (stat.stat) {
    case Stat::kCount:
    case Stat::kRatio:
      return "1";
    case Stat::kRate:
      return "1/s";
    case Stat::kHarmonic:
      return "1/s";
    default:
      return metric.unit;
  }
}

StatValue compute(const StatName& stat, const Metric& metric, std::span<const Series* const> pooled,
                  std::span<const Series* const> share, const TimeWindow& window, double seconds) {
  auto picked = pick(metric, pooled, window, stat.absolute);
  StatValue out{.samples = picked.size()};
  if (picked.empty() && !zero_counts(stat, metric)) {
    out.why = "no samples in this window";
    return out;
  }
  const double sum = sum_of(picked);
  const bool counted = metric.kind == MetricKind::kCount;
  const double number = counted ? sum : static_cast<double>(picked.size());
  set_worst(out, metric, picked);
  switch (stat.stat) {
    case Stat::kMin:
    case Stat::kMax:
    case Stat::kPercentile:
      if (picked.empty()) {
        out.value = 0;
        break;
      }
      select(out, stat, picked);
      break;
    case Stat::kMean:
      out.value = sum / static_cast<double>(picked.size());
      break;
    case Stat::kTotal:
      out.value = sum;
      break;
    case Stat::kCount:
      out.value = number;
      break;
    case Stat::kRate:
      if (seconds > 0)
        out.value = number / seconds;
      else
        out.why = "the window is empty";
      break;
    case Stat::kRatio:
      ratio(out, metric, sum, share, window, seconds * static_cast<double>(pooled.size()));
      break;
    case Stat::kHarmonic:
      if (const double squares = squares_of(picked); squares > 0)
        out.value = sum / squares;
      else
        out.why = "all intervals are 0";
      break;
  }
  return out;
}

}  // namespace callbot::scenarios
