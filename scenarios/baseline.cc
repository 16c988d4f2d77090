#include "scenarios/baseline.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace callbot::scenarios {
namespace {

struct Floor {
  std::string_view unit;
  double least;
};
// Our choice: what nobody sees or hears.
constexpr Floor kFloors[] = {{"s", 0.005}, {"1/s", 0.5}, {"bit/s", 5000},
                             {"1", 0.002}, {"dB", 0.5},  {"dBFS", 1},
                             {"Hz", 200},  {"px", 0},    {"s/min", 0.001}};

double floor_of(std::string_view unit) {
  for (const Floor& f : kFloors) {
    if (f.unit == unit) return f.least;
  }
  return 0;
}

std::vector<StatName> stats_of(const Metric& metric) {
  if (metric.kind == MetricKind::kSpan) return {{Stat::kRatio}};
  if (metric.kind == MetricKind::kCount)
    return {{*metric.share != '\0' ? Stat::kRatio : Stat::kRate}};
  if (metric.better == Better::kMore) return {{Stat::kPercentile, 50}, {Stat::kPercentile, 5}};
  const bool size = metric.better == Better::kNeither;
  return {{Stat::kPercentile, 50, size}, {Stat::kPercentile, 95, size}};
}

std::vector<const Series*> measured(const Evidence& evidence, std::string_view metric) {
  std::vector<const Series*> out;
  for (const Series& s : evidence.series) {
    if (s.metric == metric && s.state == Measured::kOk) out.push_back(&s);
  }
  return out;
}

}  // namespace

std::vector<SummaryRow> summary_of(const Evidence& evidence) {
  std::vector<SummaryRow> rows;
  const TimeWindow window{evidence.began_ns, evidence.ended_ns};
  for (const Metric& metric : metrics()) {
    const auto series = measured(evidence, metric.name);
    if (series.empty()) continue;
    for (const StatName& stat : stats_of(metric)) {
      const auto got =
          compute(stat, metric, series, measured(evidence, metric.share), window, window.seconds());
      if (got.value)
        rows.push_back(
            {metric.name, text_of(stat), unit_of(stat, metric), *got.value, got.samples});
    }
  }
  return rows;
}

std::vector<Compared> compare(const std::vector<SummaryRow>& before,
                              const std::vector<SummaryRow>& now, double tolerance) {
  std::vector<Compared> out;
  for (const SummaryRow& b : before) {
    const auto n = std::find_if(now.begin(), now.end(), [&](const SummaryRow& row) {
      return row.metric == b.metric && row.stat == b.stat;
    });
    const Metric* metric = find_metric(b.metric);
    if (n == now.end() || metric == nullptr) continue;
    Compared c{b.metric, b.stat, b.unit, b.value, n->value};
    const bool sizes = metric->better == Better::kNeither;
    const bool counted = metric->kind == MetricKind::kCount;
    const double change = sizes ? std::abs(c.now) - std::abs(c.before) : c.now - c.before;
    const double matters = std::max(std::abs(c.before) * tolerance, floor_of(c.unit));
    // How many packets or frames came is a matter of the scenario, not of its quality.
    if (std::abs(change) > matters && !(sizes && counted)) {
      const bool more = change > 0;
      c.worse = metric->better == Better::kMore ? !more : more;
      c.better = !c.worse;
    }
    out.push_back(std::move(c));
  }
  return out;
}

std::vector<Case> baseline_cases(const std::vector<Compared>& compared, double tolerance) {
  std::vector<Case> out;
  for (const Compared& c : compared) {
    if (!c.worse) continue;
    Case one;
    one.kind = Case::kBaseline;
    one.name = fmt::format("baseline: {} {}", c.metric, c.stat);
    one.verdict = Verdict::kWarn;
    one.value = c.now;
    one.limit = c.before;
    one.unit = c.unit;
    one.metric = c.metric;
    one.stat = c.stat;
    one.text = fmt::format("{}, was {} (tolerance {:.0f} %)", value_text(c.now, c.unit),
                           value_text(c.before, c.unit), tolerance * 100);
    if (const Metric* metric = find_metric(c.metric)) one.definition = metric->what;
    out.push_back(std::move(one));
  }
  if (!compared.empty() && !out.empty()) return out;
  Case one;
  one.kind = Case::kBaseline;
  one.name = "baseline";
  one.verdict = compared.empty() ? Verdict::kUnmeasured : Verdict::kPass;
  one.text = compared.empty() ? "nothing was measured in both runs"
                              : fmt::format("{} numbers, none became worse by more than {:.0f} %",
                                            compared.size(), tolerance * 100);
  return {one};
}

}  // namespace callbot::scenarios
