#include "bot/scenario_run.h"

#include <gmock/gmock.h>

#include "tests/support/room_host.h"
#include "tests/support/scenario_runs.h"

namespace callbot::bot {
namespace {

using scenarios::Outcome;
using scenarios::Verdict;
using ::testing::HasSubstr;

class ScenarioRunTest : public test::ScenarioRuns {};

TEST_F(ScenarioRunTest, TwoMeetAndWhatIsExpectedOfThemIsSo) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - mark: in
  - {expect: joined, who: "*", within: 20s}
  - {expect: size, who: bob, from: alice, size: 160x90, within: 20s}
  - {expect: codec, who: bob, from: alice, stream: microphone, codec: opus, within: 20s}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 0, within: 20s}
  - {do: mute, who: alice, timeout: 20s}
  - {expect: muted, who: bob, from: alice, within: 20s}
  - {do: camera-off, who: alice, timeout: 20s}
  - {expect: muted, who: bob, from: alice, stream: camera, within: 20s}
  - {do: unmute, who: alice, timeout: 20s}
  - {expect: unmuted, who: bob, from: alice, within: 20s}
  - {do: leave, who: alice}
  - {expect: left, who: bob, from: alice, within: 20s}
thresholds:
  - {metric: join.first_rtp, stat: count, op: "==", value: 2, who: bob, from: alice}
  - {metric: rtp.packets, stat: total, op: ">", value: 0, per: stream, who: bob, from: alice, after: in}
  - {metric: call.reconnects, stat: total, op: "==", value: 0, who: "*"}
)");
  EXPECT_TRUE(evidence_->established);
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  EXPECT_EQ(status(), 0);
  EXPECT_EQ(evidence_->steps.size(), scenario_.steps.size());
  const auto* alice = evidence_->actor("alice");
  const auto* bob = evidence_->actor("bob");
  ASSERT_TRUE(alice && bob);
  ASSERT_EQ(alice->inside.size(), 1u);
  ASSERT_EQ(bob->inside.size(), 1u);
  EXPECT_LT(alice->inside[0].to_ns, bob->inside[0].to_ns);  // he was there to the end
  ASSERT_EQ(evidence_->pairs.size(), 2u);                   // alice's with bob, and bob's with her
  for (const auto& pair : evidence_->pairs) {
    EXPECT_NE(pair.actor, pair.with);
    EXPECT_THAT(pair.local, HasSubstr(":"));
    EXPECT_THAT(pair.remote, HasSubstr(":"));
    EXPECT_EQ(pair.why, "first");
  }
}

TEST_F(ScenarioRunTest, WhatNothingMeasuresIsNoPass) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: heard, who: alice, from: bob, within: 100ms, optional: true}
thresholds: [{metric: video.vmaf, stat: mean, op: ">", value: 0, who: bob}]
)");
  ASSERT_EQ(evidence_->steps.size(), 2u);
  EXPECT_EQ(evidence_->steps[1].outcome, Outcome::kFailed);  // bob sends nothing
  EXPECT_EQ(judged().cases.back().verdict, Verdict::kUnmeasured);
  EXPECT_EQ(status(), 5) << text();
}

TEST_F(ScenarioRunTest, AnExpectationThatIsNeverSoFails) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: muted, who: bob, from: alice, within: 100ms}
  - {expect: message, who: bob, from: alice, within: 100ms, optional: true}
)");
  ASSERT_EQ(evidence_->steps.size(), 3u);  // the run goes on
  EXPECT_EQ(evidence_->steps[1].outcome, Outcome::kFailed);
  EXPECT_EQ(evidence_->steps[1].text, "bob of alice: was not told so");
  EXPECT_EQ(status(), 1) << text();
}

TEST_F(ScenarioRunTest, WhoDoesNotGetInEndsTheRun) {
  test::RoomHost host(loop_);
  const std::string url = host.url();
  host.kill();
  run("  - {do: join, who: alice, timeout: 20s}\n  - {do: join, who: bob}\n", "url: " + url + "\n");
  EXPECT_FALSE(evidence_->established);
  EXPECT_THAT(evidence_->ended, HasSubstr("alice: "));
  EXPECT_EQ(evidence_->steps.size(), 1u);
  EXPECT_EQ(status(), 3) << text();
}

TEST_F(ScenarioRunTest, AStrangerIsUnexpected) {
  test::RoomHost host(loop_);
  test::RawMember carol(loop_, host.url());
  carol.join(test::RawMember::join_message("carol").set("sends", false).set("receives", false));
  begin("  - {do: join, who: '*', timeout: 30s}\n", "url: " + host.url() + "\n");
  ASSERT_TRUE(ended());
  const auto cases = scenarios::judge_signaling(scenario_, *evidence_);
  ASSERT_EQ(cases.size(), 2u) << text();  // both were told
  EXPECT_EQ(cases[0].name, "unexpected: joined");
  EXPECT_THAT(cases[0].text, HasSubstr("carol"));
  scenario_.optional = {"joined"};
  EXPECT_TRUE(scenarios::judge_signaling(scenario_, *evidence_).empty());
}

TEST_F(ScenarioRunTest, WhoCrashedComesBack) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {do: crash, who: bob}
  - {do: join, who: bob, timeout: 30s}
  - {expect: joined, who: bob, within: 20s}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  EXPECT_EQ(evidence_->actor("bob")->inside.size(), 2u);
}

TEST_F(ScenarioRunTest, ALoadComesAndGoes) {
  const auto scenario = scenarios::decode_scenario(R"(
callbot: 1
name: t
actors: {a: {count: 4}, b: }
load: {stages: [{who: a, for: 500ms, to: 4, join_rate: 20}, {who: a, for: 2s, to: 4}, {who: a, for: 200ms, to: 1}]}
steps:
  - {do: join, who: b, timeout: 20s}
  - {wait: 0s, at: 3s}
)",
                                                   "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  start(*scenario);
  ASSERT_TRUE(ended());
  EXPECT_TRUE(evidence_->established) << text();
  size_t early = 0;
  for (const auto& actor : evidence_->actors) {
    ASSERT_EQ(actor.inside.size(), 1u) << actor.name;
    if (actor.role == "a" && actor.inside[0].to_ns < evidence_->ended_ns) ++early;
  }
  EXPECT_EQ(early, 3u);
}

TEST_F(ScenarioRunTest, TimesAndMarksAreOfOneTimeline) {
  run("  - {do: join, who: '*', timeout: 30s}\n  - mark: a\n  - wait: 300ms\n  - mark: b\n");
  ASSERT_EQ(evidence_->marks.size(), 2u);
  EXPECT_GE(evidence_->marks[1].at_ns - evidence_->marks[0].at_ns, 300'000'000);
  EXPECT_GE(evidence_->marks[0].at_ns, evidence_->steps_ns);
}

TEST_F(ScenarioRunTest, AThresholdAbortsIt) {
  run("  - {do: join, who: '*', timeout: 30s}\n  - wait: 1h\n"
      "thresholds: [{metric: rtp.packets, stat: total, op: <, value: 1, abort: true}]\n");
  EXPECT_THAT(evidence_->ended, HasSubstr("aborted by rtp.packets total < 1"));
  EXPECT_EQ(status(), 1) << text();
}

TEST_F(ScenarioRunTest, ItsTimeoutEndsIt) {
  run("  - {do: join, who: '*', timeout: 30s}\n  - wait: 1h\n", "timeout: 2s\n");
  EXPECT_EQ(evidence_->ended, "it took longer than 2 s");
  EXPECT_EQ(status(), 1) << text();
}

TEST_F(ScenarioRunTest, AnInterruptEndsIt) {
  begin("  - {do: join, who: '*', timeout: 30s}\n  - wait: 1h\n");
  run_->interrupt();
  run_->interrupt();
  ASSERT_TRUE(ended());
  EXPECT_EQ(status(), 130);
}

TEST_F(ScenarioRunTest, ProgramsEndAsTheyHaveTo) {
  run("  - {do: join, who: '*', timeout: 30s}\n  - run: 'true'\n  - {run: [sh, -c, exit 3], "
      "exit_status: 3}\n"
      "  - run: 'false'\n  - run: no-such-program-at-all\n  - {run: [sleep, 1h], timeout: "
      "100ms}\n");
  ASSERT_EQ(evidence_->steps.size(), 6u);
  EXPECT_EQ(evidence_->steps[1].outcome, Outcome::kDone);
  EXPECT_EQ(evidence_->steps[2].outcome, Outcome::kDone);
  EXPECT_EQ(evidence_->steps[3].text, "false ended with 1: expected 0");
  EXPECT_THAT(evidence_->steps[4].text, HasSubstr("no-such-program-at-all"));
  EXPECT_EQ(evidence_->steps[5].text, "the program runs on after 100 ms");
}

}  // namespace
}  // namespace callbot::bot
