#include "scenarios/fold_plan.h"

#include <cmath>

namespace callbot::scenarios {
namespace {

constexpr int64_t kBeyond = 30'000'000'000;  // of what an expectation looks back
int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

FoldPlan fold_plan_of(const Scenario& scenario) {
  FoldPlan plan;
  for (const Threshold& t : scenario.thresholds) plan.limit(t.metric, t.value);
  for (const Step& step : scenario.steps) {
    if (step.metric.empty()) continue;
    plan.limit(step.metric, step.value);
    plan.keep(ns(step.lasts) + kBeyond);
  }
  return plan;
}

void cut_at_times(FoldPlan& plan, const Scenario& scenario, int64_t steps_ns) {
  for (const Threshold& t : scenario.thresholds) {
    for (const auto& end : {t.span.from, t.span.to})
      if (end && end->mark.empty()) plan.cut(steps_ns + ns(end->seconds));
  }
}

}  // namespace callbot::scenarios
