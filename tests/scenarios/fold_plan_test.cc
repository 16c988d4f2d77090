#include "scenarios/fold_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/threshold.h"
#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;

Scenario with(const Threshold& threshold) {
  Scenario scenario;
  scenario.thresholds.push_back(threshold);
  return scenario;
}

TEST(FoldPlanOf, CutsWhereWindowsBeginAndEnd) {
  Threshold t;
  t.metric = "video.e2e_delay";
  t.value = 0.4;
  t.span.from = Span::End{"", 60};
  t.span.to = Span::End{"", 90};
  FoldPlan plan = fold_plan_of(with(t));
  EXPECT_EQ(plan.around(at_s(70)).first, 0);
  cut_at_times(plan, with(t), at_s(10));
  EXPECT_EQ(plan.around(at_s(70)), (std::pair{at_s(70), at_s(100)}));
  EXPECT_EQ(plan.around(at_s(69)).second, at_s(70));
  EXPECT_EQ(plan.around(at_s(100)).first, at_s(100));
  ASSERT_NE(plan.limits("video.e2e_delay"), nullptr);
  EXPECT_THAT(*plan.limits("video.e2e_delay"), ::testing::ElementsAre(-0.4, 0.4));
  EXPECT_EQ(plan.limits("video.fps"), nullptr);
}

TEST(FoldPlanOf, KeepsWhatAnExpectationLooksBackAt) {
  Scenario scenario;
  EXPECT_EQ(fold_plan_of(scenario).keep_ns(), FoldPlan::kKeep_ns);
  Step step;
  step.kind = StepKind::kExpect;
  step.metric = "video.fps";
  step.lasts = 600;
  scenario.steps.push_back(step);
  EXPECT_GE(fold_plan_of(scenario).keep_ns(), 600'000'000'000);
}

// Verdicts of a long run are those of all its samples.
TEST(FoldPlanOf, AWindowOfALongRunIsJudgedAsIfAllWereThere) {
  Threshold t;
  t.metric = "video.missing";
  t.stat = *parse_stat("total");
  t.op = "==";
  t.who = "bob";
  t.value = 60;
  t.span.from = Span::End{"", 600};
  t.span.to = Span::End{"", 660};
  Evidence e;
  e.actors.push_back({"bob", "bob", "", "all", "", {test::window_s(0, 3600)}});
  e.began_ns = e.steps_ns = at_s(0);
  e.ended_ns = at_s(3600);
  FoldPlan plan = fold_plan_of(with(t));
  cut_at_times(plan, with(t), e.steps_ns);
  Series series;
  series.metric = "video.missing";
  series.actor = "bob";
  series.state = Measured::kOk;
  for (int n = 0; n < 3600; ++n) {
    series.samples.push_back({at_s(n + 0.5), n >= 600 && n < 660 ? 1.0 : 7.0});
    fold(series, plan);
  }
  const Series* all[] = {&series};
  EXPECT_EQ(judge_threshold(t, e, all).verdict, Verdict::kPass) << judge_threshold(t, e, all).text;
  EXPECT_EQ(judge_threshold(t, e, all).samples, 60u);
}

}  // namespace
}  // namespace callbot::scenarios
