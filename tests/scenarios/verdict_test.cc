#include "scenarios/verdict.h"

#include <gtest/gtest.h>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
using test::window_s;

Evidence quiet() {
  Evidence e;
  e.began_ns = at_s(0);
  e.ended_ns = at_s(10);
  e.actors.push_back({"bob", "bob", "main", "all", "", {window_s(0, 10)}});
  Series s{.metric = "video.fps", .actor = "bob", .from = "alice"};
  s.state = Measured::kOk;
  s.samples = {{at_s(1), 30}};
  e.series = {s};
  return e;
}
Scenario asks(double fps) {
  Scenario s;
  Threshold t;
  t.metric = "video.fps";
  t.op = ">=";
  t.value = fps;
  s.thresholds = {t};
  return s;
}
int status(const Scenario& s, const Evidence& e) {
  const Judged judged[] = {judge(s, e)};
  return exit_status_of(judged);
}

TEST(Verdict, OfTheRunIsTheWorstOfItsCases) {
  EXPECT_EQ(judge(asks(25), quiet()).verdict, Verdict::kPass);
  EXPECT_EQ(status(asks(25), quiet()), 0);
  EXPECT_EQ(status(asks(31), quiet()), 1);
  Scenario warns = asks(31);
  warns.thresholds[0].warn = true;
  EXPECT_EQ(judge(warns, quiet()).verdict, Verdict::kWarn);
  EXPECT_EQ(status(warns, quiet()), 0);
}

TEST(Verdict, UnmeasuredAndInvalidNeverPass) {
  Evidence e = quiet();
  e.series.clear();
  EXPECT_EQ(status(asks(25), e), 5);
  e = quiet();
  e.series[0].state = Measured::kInvalid;
  EXPECT_EQ(status(asks(25), e), 5);
  // A scenario that asks nothing proves nothing.
  EXPECT_EQ(judge(Scenario{}, quiet()).verdict, Verdict::kUnmeasured);
  EXPECT_EQ(status(Scenario{}, quiet()), 5);
  EXPECT_EQ(exit_status_of({}), 5);
}

TEST(Verdict, UnmeasuredMayOnlyWarnWhereTheScenarioSaysSo) {
  Evidence e = quiet();
  e.series.clear();
  Scenario s = asks(25);
  s.unmeasured_fails = false;
  EXPECT_EQ(judge(s, e).verdict, Verdict::kWarn);
  EXPECT_EQ(judge(s, e).cases.back().verdict, Verdict::kUnmeasured);
  e = quiet();
  e.series[0].state = Measured::kInvalid;
  EXPECT_EQ(judge(s, e).verdict, Verdict::kInvalid);  // that is not softened
}

TEST(Verdict, ABotThatWasTooSlowBlamesNobody) {
  Evidence e = quiet();
  e.invalid = {"the loop was 400 ms late"};
  for (const double fps : {25.0, 31.0}) {
    const auto judged = judge(asks(fps), e);
    EXPECT_EQ(judged.verdict, Verdict::kInvalid);
    EXPECT_EQ(status(asks(fps), e), 5);
  }
  EXPECT_NE(judge(asks(31), e).cases.back().text.find("would be fail"), std::string::npos);
}

TEST(Verdict, StepsThatFailAreCases) {
  Evidence e = quiet();
  e.steps = {
      {0, "join *", "join", "", Outcome::kDone, false, window_s(0, 1), ""},
      {1, "expect seen", "expect", "", Outcome::kDone, false, window_s(1, 2), ""},
      {2, "mute bob audio", "mute", "bob", Outcome::kFailed, false, window_s(2, 3), "timeout"}};
  auto judged = judge(asks(25), e);
  ASSERT_EQ(judged.cases.size(), 4u);  // the run, two steps, the threshold
  EXPECT_EQ(judged.verdict, Verdict::kFail);
  e.steps[2].optional = true;
  EXPECT_EQ(judge(asks(25), e).verdict, Verdict::kWarn);
  e.steps[2].outcome = Outcome::kInvalid;  // an impairment that was not in effect
  EXPECT_EQ(judge(asks(25), e).verdict, Verdict::kInvalid);
}

TEST(Verdict, AnExpectationThatWasNeverReachedIsUnmeasured) {
  Scenario s = asks(25);
  Step step;
  step.kind = StepKind::kExpect;
  step.index = 4;
  step.what = "seen";
  s.steps = {step};
  EXPECT_EQ(judge(s, quiet()).verdict, Verdict::kUnmeasured);
}

TEST(Verdict, AnActorsOwnNetworkThatWasNotInForceIsInvalid) {
  Evidence e = quiet();
  e.networks.push_back({"bob", "", "loss 10 %", Outcome::kDone, window_s(0, 5), "seen: ..."});
  EXPECT_EQ(judge(asks(25), e).verdict, Verdict::kPass);
  EXPECT_EQ(judge(Scenario{}, e).verdict, Verdict::kUnmeasured) << "nobody asked for it";
  e.networks[0].outcome = Outcome::kUnmeasured;
  EXPECT_EQ(judge(asks(25), e).verdict, Verdict::kPass);
  e.networks[0].outcome = Outcome::kInvalid;
  const Judged judged = judge(asks(25), e);
  EXPECT_EQ(judged.verdict, Verdict::kInvalid);
  EXPECT_EQ(judged.cases[1].name, "network: loss 10 %");
  EXPECT_EQ(judged.cases[1].detail, "bob");
  e.networks[0].set_by = "step 3";  // the step says it
  EXPECT_EQ(judge(asks(25), e).verdict, Verdict::kPass);
}

TEST(Verdict, AStepThatVerifiesIsACase) {
  Scenario s;
  s.steps.emplace_back().verify = true;
  s.steps[0].kind = StepKind::kNetwork;
  Evidence e = quiet();
  e.steps.push_back({.index = 0, .what = "network", .kind = "network", .text = "bob: seen: ..."});
  const Judged judged = judge(s, e);
  EXPECT_EQ(judged.verdict, Verdict::kPass);
  ASSERT_EQ(judged.cases.size(), 2u);
  EXPECT_EQ(judged.cases[1].text, "bob: seen: ...");
  EXPECT_EQ(judged.cases[1].kind, Case::kNetwork);
  s.steps[0].verify = false;
  EXPECT_EQ(judge(s, e).cases.size(), 1u);
}

TEST(Verdict, UnexpectedSignalingFailsUnlessItIsCalledOptional) {
  Evidence e = quiet();
  e.events = {{at_s(1), "bob", "joined", "alice is there"},
              {at_s(2), "bob", "left", "alice is gone", true},
              {at_s(3), "bob", "left", "alice is gone", true}};
  Scenario s = asks(25);
  const auto judged = judge(s, e);
  ASSERT_EQ(judged.cases.size(), 3u);  // the run, this, the threshold
  EXPECT_EQ(judged.verdict, Verdict::kFail);
  EXPECT_EQ(judged.cases[1].name, "unexpected: left");
  EXPECT_EQ(judged.cases[1].detail, "bob");
  EXPECT_EQ(judged.cases[1].text, "alice is gone at 2.0 s");
  EXPECT_EQ(judged.cases[1].samples, 2u);
  s.optional = {"left"};
  EXPECT_EQ(judge(s, e).verdict, Verdict::kPass);
}

TEST(Verdict, ExitStatusOfSeveralRuns) {
  const Judged pass{Verdict::kPass}, fail{Verdict::kFail}, unmeasured{Verdict::kUnmeasured};
  Judged alone{Verdict::kFail};
  alone.established = false;
  Judged stopped{Verdict::kUnmeasured};
  stopped.interrupted = true;
  const auto status_of = [](std::vector<Judged> runs) { return exit_status_of(runs); };
  EXPECT_EQ(status_of({pass, pass}), 0);
  EXPECT_EQ(status_of({pass, unmeasured}), 5);
  EXPECT_EQ(status_of({unmeasured, fail}), 1);
  EXPECT_EQ(status_of({fail, alone}), 3);
  EXPECT_EQ(status_of({alone, stopped}), 130);
}

TEST(Verdict, AnEarlyEndIsNoPass) {
  Evidence e = quiet();
  e.ended = "aborted by rtp.loss";
  EXPECT_EQ(status(asks(25), e), 1);
  e.ended.clear();
  e.interrupted = true;
  EXPECT_EQ(status(asks(25), e), 130);
  e = quiet();
  e.established = false;
  EXPECT_EQ(status(asks(25), e), 3);
}

}  // namespace
}  // namespace callbot::scenarios
