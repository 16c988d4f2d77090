#include "scenarios/baseline.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace callbot::scenarios {
namespace {

struct Floor {
  std::string_view unit;
  double least;
};
// Our choice: what nobody sees or hears.
constexpr Floor kFloors[] = {{"s", 0.005}, {"1/s", 0.5}, {"bit/s", 5000},
                             {"1", 0.002}, {"dB", 0.5},  {"dBFS", 1},
                             {"Hz", 200},  {"px", 0},    {"s/min", 0.01}};
// ICE waits for its own timers; a join that took a second more is worth a word.
constexpr double kJoinFloor = 1;

double floor_of(std::string_view metric, std::string_view unit) {
  if (metric.starts_with("join.")) return kJoinFloor;
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

// Who took part in which role.
class Roles {
 public:
  explicit Roles(const Evidence& evidence) {
    for (const ActorFacts& actor : evidence.actors) all_[actor.name] = &actor;
  }
  std::string of(const std::string& name) const {
    const ActorFacts* facts = facts_of(name);
    return facts == nullptr ? name : facts->role;
  }
  double seconds(const std::string& name, const TimeWindow& window) const {
    const ActorFacts* facts = facts_of(name);
    return facts == nullptr ? window.seconds() : seconds_within(facts->inside, window);
  }

 private:
  const ActorFacts* facts_of(const std::string& name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? nullptr : found->second;
  }
  std::map<std::string, const ActorFacts*> all_;
};

struct Group {
  std::vector<const Series*> series, share;
  double seconds = 0;  // of the window, of all of them together
};
using GroupKey = std::tuple<std::string, std::string, std::string>;  // who, from, stream

std::map<GroupKey, Group> groups_of(const Evidence& evidence, const Roles& roles,
                                    const Metric& metric, const TimeWindow& window) {
  std::map<GroupKey, Group> groups;
  const auto key = [&](const Series& s) {
    return GroupKey(roles.of(s.actor), roles.of(s.from), s.stream);
  };
  for (const Series* s : measured(evidence, metric.name)) {
    const double seconds = roles.seconds(s->actor, window);
    if (seconds <= 0) continue;
    Group& group = groups[key(*s)];
    group.series.push_back(s);
    group.seconds += seconds;
  }
  for (const Series* s : measured(evidence, metric.share)) {
    const auto found = groups.find(key(*s));
    if (found != groups.end()) found->second.share.push_back(s);
  }
  return groups;
}

// Windows that thresholds name; none does: the whole run.
std::vector<Span> spans_of(const std::vector<Threshold>& thresholds, std::string_view metric) {
  std::vector<Span> spans;
  for (const Threshold& t : thresholds) {
    const bool named = t.metric == metric && (t.span.from || t.span.to);
    const bool known = std::any_of(spans.begin(), spans.end(), [&](const Span& span) {
      return text_of(span) == text_of(t.span);
    });
    if (named && !known) spans.push_back(t.span);
  }
  if (spans.empty()) spans.emplace_back();
  return spans;
}

void add_numbers(std::vector<Number>& out, const Evidence& evidence, const Roles& roles,
                 const Metric& metric, const Span& span) {
  const auto window = window_of(span, evidence);
  if (!window) return;
  for (const auto& [key, group] : groups_of(evidence, roles, metric, *window)) {
    const auto& [who, from, stream] = key;
    for (const StatName& stat : stats_of(metric)) {
      const auto got = compute(stat, metric, group.series, group.share, *window, group.seconds);
      if (got.value)
        out.push_back({metric.name, text_of(stat), unit_of(stat, metric), who, from, stream, span,
                       *window, *got.value});
    }
  }
}

using NumberKey = std::array<std::string, 6>;

NumberKey key_of(const Number& n) {
  return {n.metric, n.stat, n.who, n.from, n.stream, text_of(n.span)};
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Compared compared(const Number& now, double before, double tolerance) {
  Compared c{now, before};
  const Metric* metric = find_metric(now.metric);
  const bool sizes = metric->better == Better::kNeither;
  const bool counted = metric->kind == MetricKind::kCount;
  const double change = sizes ? std::abs(now.value) - std::abs(before) : now.value - before;
  const double matters = std::max(std::abs(before) * tolerance, floor_of(now.metric, now.unit));
  // How many packets or frames came is a matter of the scenario, not of its quality.
  if (std::abs(change) <= matters || (sizes && counted)) return c;
  c.worse = metric->better == Better::kMore ? change < 0 : change > 0;
  c.better = !c.worse;
  return c;
}

std::string detail_of(const Number& n) {
  return (n.who.empty() ? "the bot" : n.who) + (n.from.empty() ? "" : " from " + n.from) +
         (n.stream.empty() ? "" : " (" + n.stream + ")");
}

Case case_of(const Number& n, Verdict verdict) {
  Case c;
  c.kind = Case::kBaseline;
  c.name = "baseline";
  c.detail = detail_of(n);
  c.verdict = verdict;
  c.window = n.window;
  return c;
}

std::string name_of_numbers(const Number& n) {
  const std::string span = text_of(n.span);
  return fmt::format("{} {}{}{}", n.metric, n.stat, span.empty() ? "" : ", ", span);
}

// A case for each stream: all that is missing of it.
std::vector<Case> missing_cases(const std::vector<Number>& missing, bool softened) {
  std::vector<Case> out;
  for (const Number& n : missing) {
    const std::string detail = detail_of(n);
    auto found =
        std::find_if(out.begin(), out.end(), [&](const Case& one) { return one.detail == detail; });
    if (found == out.end()) {
      found = out.insert(out.end(), case_of(n, Verdict::kUnmeasured));
      found->window.reset();  // the run's before
      found->text = detail + ": measured before, and no more: ";
      found->softened = softened;
    } else {
      found->text += "; ";
    }
    found->text += name_of_numbers(n);
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

std::vector<Number> numbers_of(const Evidence& evidence, const std::vector<Threshold>& thresholds) {
  // It has samples only where something is wrong.
  constexpr std::string_view kWhereThereAreAny = "video.skip";
  const Roles roles(evidence);
  std::vector<Number> out;
  for (const Metric& metric : metrics()) {
    // How the machine was is no matter of the service's.
    if (metric.name == kWhereThereAreAny || metric.source == MetricSource::kBot) continue;
    for (const Span& span : spans_of(thresholds, metric.name))
      add_numbers(out, evidence, roles, metric, span);
  }
  return out;
}

Comparison compare(const std::vector<std::vector<Number>>& before, const std::vector<Number>& now,
                   double tolerance) {
  Comparison out;
  std::map<NumberKey, std::vector<double>> values;
  for (const auto& run : before)
    for (const Number& n : run) values[key_of(n)].push_back(n.value);
  for (const Number& n : now) {
    const auto found = values.find(key_of(n));
    if (found == values.end()) continue;
    out.both.push_back(compared(n, median_of(std::move(found->second)), tolerance));
    values.erase(found);
  }
  // What nothing was found for, each once, in the order of a report.
  for (const auto& run : before)
    for (const Number& n : run)
      if (values.erase(key_of(n)) > 0) out.missing.push_back(n);
  return out;
}

Case no_baseline(std::string why, const BaselineRules& rules) {
  Case c;
  c.kind = Case::kBaseline;
  c.name = "baseline";
  c.verdict = Verdict::kUnmeasured;
  c.softened = !rules.needs_one;
  c.text = std::move(why);
  return c;
}

std::vector<Case> baseline_cases(const Comparison& comparison, const BaselineRules& rules) {
  if (comparison.both.empty() && comparison.missing.empty())
    return {no_baseline("nothing was measured in both runs", rules)};
  const std::string tolerance = fmt::format("{:g} %", rules.tolerance * 100);
  std::vector<Case> out;
  for (const Compared& c : comparison.both) {
    if (!c.worse) continue;
    Case one = case_of(c.now, rules.fails ? Verdict::kFail : Verdict::kWarn);
    one.name = "baseline: " + name_of_numbers(c.now);
    one.value = c.now.value;
    one.limit = c.before;
    one.unit = c.now.unit;
    one.metric = c.now.metric;
    one.stat = c.now.stat;
    one.text = fmt::format("{}: {}, was {} (tolerance {})", one.detail,
                           value_text(c.now.value, c.now.unit), value_text(c.before, c.now.unit),
                           tolerance);
    one.definition = find_metric(c.now.metric)->what;
    out.push_back(std::move(one));
  }
  // All of them missing is no comparison.
  const bool softened = comparison.both.empty() ? !rules.needs_one : !rules.fails;
  for (Case& one : missing_cases(comparison.missing, softened)) out.push_back(std::move(one));
  if (!out.empty()) return out;
  Case good = no_baseline(fmt::format("{} numbers, none became worse by more than {}",
                                      comparison.both.size(), tolerance),
                          rules);
  good.verdict = Verdict::kPass;
  good.softened = false;
  return {good};
}

}  // namespace callbot::scenarios
