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

// A sample, or what stands for so many.
struct Picked {
  double value;
  int64_t at_ns;
  size_t series;
  uint64_t count = 1;
};

bool below(const Picked& a, const Picked& b) { return a.value < b.value; }

double seconds_of(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// What of a span lies in the window; none: nothing.
std::optional<double> part_of(const Sample& s, const TimeWindow& w) {
  const double from = std::max(0.0, seconds_of(w.from_ns - s.at_ns));
  const double to = std::min(s.value, seconds_of(w.to_ns - s.at_ns));
  if (to <= from) return std::nullopt;
  return to - from;
}

// All samples in a window.
class Pool {
 public:
  Pool(const Metric& metric, std::span<const Series* const> pooled, const TimeWindow& window,
       bool absolute)
      : spans_(metric.kind == MetricKind::kSpan), window_(window), absolute_(absolute) {
    for (size_t i = 0; i < pooled.size(); ++i) {
      for (const Folded& folded : pooled[i]->folded) add(folded, i);
      add(pooled[i]->samples, i);
    }
  }

  bool empty() const { return picked_.empty(); }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  double squares() const { return squares_; }
  const Picked& least() const { return *least_; }
  const Picked& most() const { return *most_; }
  // Nearest rank.
  const Picked& percentile(double percent) {
    auto rank = static_cast<uint64_t>(
        std::max(std::ceil(percent / 100 * static_cast<double>(count_) - 1e-9), 1.0));
    std::sort(picked_.begin(), picked_.end(), below);
    for (const Picked& p : picked_) {
      if (rank <= p.count) return p;
      rank -= p.count;
    }
    return picked_.back();
  }

 private:
  void add(const std::vector<Sample>& samples, size_t series) {
    const auto from = spans_ ? samples.begin()
                             : std::partition_point(samples.begin(), samples.end(), [&](auto& s) {
                                 return s.at_ns < window_.from_ns;
                               });
    for (auto s = from; s != samples.end() && s->at_ns < window_.to_ns; ++s) {
      const auto value = spans_ ? part_of(*s, window_) : std::optional(s->value);
      if (!value) continue;
      add({absolute_ ? std::abs(*value) : *value, std::max(s->at_ns, window_.from_ns), series});
      ++count_;
      sum_ += *value;
      squares_ += *value * *value;
    }
  }

  // All of it or nothing: cuts lie where windows begin and end.
  void add(const Folded& folded, size_t series) {
    if (folded.count == 0) return;
    const bool inside = folded.first_ns >= window_.from_ns && folded.end_ns <= window_.to_ns;
    const int64_t middle = folded.first_ns + (folded.end_ns - folded.first_ns) / 2;
    if (!inside && (middle < window_.from_ns || middle >= window_.to_ns)) return;
    for (const Folded::Class& c : folded.classes)
      add({absolute_ ? std::abs(c.value) : c.value, c.at_ns, series, c.count});
    for (const Sample& end : {folded.least, folded.most})
      widen({absolute_ ? std::abs(end.value) : end.value, end.at_ns, series});
    count_ += folded.count;
    sum_ += folded.sum;
    squares_ += folded.squares;
  }

  void add(const Picked& one) {
    picked_.push_back(one);
    widen(one);
  }
  void widen(const Picked& one) {
    if (!least_ || below(one, *least_)) least_ = one;
    if (!most_ || below(*most_, one)) most_ = one;
  }

  const bool spans_;
  const TimeWindow window_;
  const bool absolute_;
  std::vector<Picked> picked_;
  std::optional<Picked> least_, most_;
  uint64_t count_ = 0;
  double sum_ = 0, squares_ = 0;
};

void set_place(StatValue& out, const Picked& p) {
  out.at_ns = p.at_ns;
  out.series = p.series;
  out.has_place = true;
}

// The sample that a person wants to look at, where the value itself is none.
void set_worst(StatValue& out, const Metric& metric, const Pool& pool) {
  if (!pool.empty()) set_place(out, metric.better == Better::kMore ? pool.least() : pool.most());
}

void select(StatValue& out, const StatName& stat, Pool& pool) {
  const Picked& one = stat.stat == Stat::kMin   ? pool.least()
                      : stat.stat == Stat::kMax ? pool.most()
                                                : pool.percentile(stat.percent);
  out.value = one.value;
  set_place(out, one);
}

void ratio(StatValue& out, const Metric& metric, double total, std::span<const Series* const> share,
           const TimeWindow& window, double all_seconds) {
  double whole = all_seconds;
  if (metric.kind != MetricKind::kSpan) {
    const Metric* by = find_metric(metric.share);
    whole = by == nullptr ? 0 : Pool(*by, share, window, false).sum();
  }
  if (whole > 0)
    out.value = total / whole;
  else
    out.why = metric.kind == MetricKind::kSpan ? "the window is empty"
                                               : fmt::format("{} is 0", metric.share);
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

bool is_share(const StatName& stat, const Metric& metric) {
  if (stat.stat == Stat::kRatio) return true;
  const bool counts = stat.stat == Stat::kCount || stat.stat == Stat::kRate ||
                      stat.stat == Stat::kTotal || stat.stat == Stat::kHarmonic;
  return !counts && (metric.name == std::string_view("rtp.loss") ||
                     metric.name == std::string_view("send.loss") ||
                     metric.name == std::string_view("bot.cpu"));
}

std::string unit_of(const StatName& stat, const Metric& metric) {
  switch (stat.stat) {
    case Stat::kCount:
    case Stat::kRatio:
      return "1";
    case Stat::kRate:
    case Stat::kHarmonic:
      return "1/s";
    default:
      return metric.unit;
  }
}

StatValue compute(const StatName& stat, const Metric& metric, std::span<const Series* const> pooled,
                  std::span<const Series* const> share, const TimeWindow& window, double seconds) {
  Pool pool(metric, pooled, window, stat.absolute);
  StatValue out{.samples = pool.count()};
  if (pool.empty() && !zero_counts(stat, metric)) {
    out.why = "no samples in this window";
    return out;
  }
  const double sum = pool.sum();
  const bool counted = metric.kind == MetricKind::kCount;
  const double number = counted ? sum : static_cast<double>(pool.count());
  set_worst(out, metric, pool);
  switch (stat.stat) {
    case Stat::kMin:
    case Stat::kMax:
    case Stat::kPercentile:
      if (pool.empty()) {
        out.value = 0;
        break;
      }
      select(out, stat, pool);
      break;
    case Stat::kMean:
      out.value = sum / static_cast<double>(pool.count());
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
      if (const double squares = pool.squares(); squares > 0)
        out.value = sum / squares;
      else
        out.why = "all intervals are 0";
      break;
  }
  return out;
}

}  // namespace callbot::scenarios
