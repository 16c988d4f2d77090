// scenarios/stats.h: one number from the samples of a metric within a window.
//
//   min, max, mean      of the samples
//   p50, p95, p99.9     the smallest sample that so many per cent are not above (nearest rank): a
//                       value that was measured, with its place in the recording
//   p95abs              the same of the samples' sizes without their signs (a skew)
//   total               the sum: of counts, of the lengths of spans
//   count               how many: samples, spans; of a count metric its total
//   rate                each second: counts, spans begun, samples
//   ratio               a count's total by that of the metric it is a share of (Metric::share); of
//                       spans the share of the window that they fill
//   harmonic            sum(v) / sum(v²): of intervals the frame rate with freezes weighed in
//
// Spans are cut at the window's ends. No samples at all means 0 for total, count, rate and max of
// counts and spans that were measured; everything else is then unmeasured, and so is a ratio to
// nothing.
//
// Of a long run old samples are folded (base/folding.h says how exact it all is then).
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   parse_stat: kBadInput with the names there are.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/metric.h"

namespace callbot::scenarios {

enum class Stat { kMin, kMax, kMean, kPercentile, kTotal, kCount, kRate, kRatio, kHarmonic };

struct StatName {
  Stat stat = Stat::kMean;
  double percent = 0;  // of kPercentile
  bool absolute = false;
  friend bool operator==(const StatName&, const StatName&) = default;
};
Result<StatName> parse_stat(std::string_view text);
std::string text_of(const StatName& stat);
// Why this stat of this metric means nothing; empty: it means something.
std::string stat_mistake(const StatName& stat, const Metric& metric);
// 0 to 1, as what it says is a part of something.
bool is_share(const StatName& stat, const Metric& metric);
// Of the stat's value: "1/s" for a rate of counts.
std::string unit_of(const StatName& stat, const Metric& metric);

struct TimeWindow {
  int64_t from_ns = 0, to_ns = 0;  // to_ns itself is outside
  double seconds() const { return static_cast<double>(to_ns - from_ns) / 1e9; }
};

struct StatValue {
  std::optional<double> value;
  size_t samples = 0;
  std::string why;    // where there is no value
  int64_t at_ns = 0;  // of the sample that it is: min, max, percentiles; else of the worst
  size_t series = 0;  // in which of the pooled ones that is
  bool has_place = false;
};

// Of the samples of all `pooled` together; `share` are the series that a ratio divides by,
// `seconds` how much of the window was measured at all.
StatValue compute(const StatName& stat, const Metric& metric, std::span<const Series* const> pooled,
                  std::span<const Series* const> share, const TimeWindow& window, double seconds);

}  // namespace callbot::scenarios
