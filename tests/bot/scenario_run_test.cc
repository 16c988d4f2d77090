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
      "  - {run: [sh, -c, 'echo no such thing; exit 1']}\n  - run: no-such-program-at-all\n  - "
      "{run: [sleep, 1h], timeout: "
      "100ms}\n");
  ASSERT_EQ(evidence_->steps.size(), 6u);
  EXPECT_EQ(evidence_->steps[1].outcome, Outcome::kDone);
  EXPECT_EQ(evidence_->steps[2].outcome, Outcome::kDone);
  EXPECT_EQ(evidence_->steps[3].text, "sh ended with 1: expected 0; it said: no such thing");
  EXPECT_THAT(evidence_->steps[4].text, HasSubstr("no-such-program-at-all"));
  EXPECT_EQ(evidence_->steps[5].text, "the program runs on after 100 ms");
}

class RoomsTest : public test::ScenarioRuns {
 protected:
  // Once more where the machine held this process up, which the run says of itself.
  void play(const std::string& more) {
    const auto scenario = scenarios::decode_scenario(
        "callbot: 1\nname: t\n"
        "media:\n  cam:\n    video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s}\n"
        "    audio: pattern\n" +
            more,
        "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    run_through([&] { start(*scenario); });
  }
  std::string room_of(const std::string& actor) const {
    const auto* facts = evidence_->actor(actor);
    return facts == nullptr ? "none of " + actor : facts->room;
  }
};

TEST_F(RoomsTest, KeepToThemselvesAndAreJudgedOnTheirOwn) {
  play(R"(
rooms: {team: {url: embedded, count: 2}, hall: {url: embedded}}
actors:
  alice: {room: team, send: cam}
  bob: {room: team, verify: all}
  carol: {room: hall, send: cam}
  dave: {room: hall, verify: all}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: joined, who: "*", within: 20s}
  - {expect: seen, who: "*", from: "*", within: 20s}
  - {expect: heard, who: "*", from: "*", within: 20s}
  - mark: in
  - {do: switch, who: alice-2, size: 320x180}
  - {expect: size, who: bob-2, from: alice-2, size: 320x180, within: 20s}
  - {do: camera-off, who: alice-2, timeout: 20s}
  - {expect: unseen, who: bob-2, from: alice-2, for: 3s, grace: 2s}
  - mark: out
timeline:
  - {between: [in, out], who: bob, must_see: alice, must_hear: alice, closed: true, grace: 2s}
  - {between: [in, out], who: dave, must_see: carol, must_hear: carol, closed: true, grace: 2s}
thresholds:
  - {name: team one, metric: video.width, stat: max, op: "==", value: 160, who: bob-1, from: alice-1, stream: camera}
  - {name: team two, metric: video.width, stat: max, op: "==", value: 160, who: bob-2, from: alice-2, stream: camera}
  - {name: hall's, metric: video.width, stat: max, op: "==", value: 160, who: dave, from: carol, stream: camera}
  - {name: across, metric: video.width, stat: max, op: "==", value: 160, who: bob-1, from: carol, stream: camera}
  - {name: wrong, metric: identity.wrong, stat: total, op: "==", value: 0}
)");
  EXPECT_TRUE(evidence_->established) << text();
  EXPECT_EQ(status(), 1) << text();
  for (const char* held :
       {"bob-1 must see alice-1", "bob-1 must hear alice-1", "bob-2 must hear alice-2",
        "dave must see carol", "dave must hear carol", "team one", "hall's", "wrong"})
    EXPECT_EQ(verdict_of(held), Verdict::kPass) << held << "\n" << text();
  for (const char* broken : {"bob-2 must see alice-2", "team two"})
    EXPECT_EQ(verdict_of(broken), Verdict::kFail) << broken << "\n" << text();
  EXPECT_EQ(verdict_of("across"), Verdict::kUnmeasured) << text();
  EXPECT_EQ(room_of("bob-2"), "team-2");
  EXPECT_FALSE(evidence_->presence.empty());
  for (const auto& p : evidence_->presence)
    EXPECT_EQ(room_of(p.observer), room_of(p.whom)) << p.observer << " of " << p.whom;
  EXPECT_EQ(evidence_->pairs.size(), 6u);  // each with the other in his room
  for (const auto& pair : evidence_->pairs)
    EXPECT_EQ(room_of(pair.actor), room_of(pair.with)) << pair.actor << " with " << pair.with;
  for (const Series& s : evidence_->series) {
    if (s.from.empty()) continue;
    EXPECT_EQ(room_of(s.actor), room_of(s.from)) << s.metric;
  }
}

// The server puts both into one: carol is a stranger there.
TEST_F(RoomsTest, WhoIsInTheWrongOneIsFound) {
  test::RoomHost host(loop_);
  std::string same = host.url();
  same.replace(same.find("127.0.0.1"), 9, "localhost");
  play("rooms: {team: {url: '" + host.url() + "'}, hall: {url: '" + same + R"('}}
actors:
  alice: {room: team, send: cam}
  bob: {room: team, verify: all}
  carol: {room: hall, send: cam}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, within: 20s}
  - {expect: heard, who: bob, from: alice, within: 20s}
  - mark: in
  - wait: 4s
  - mark: out
timeline:
  - {between: [in, out], who: bob, must_see: alice, must_hear: alice, closed: true, grace: 2s}
)");
  EXPECT_EQ(status(), 1) << text();
  EXPECT_EQ(verdict_of("bob must see alice"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("unexpected: joined"), Verdict::kFail) << text();
  EXPECT_TRUE(std::any_of(evidence_->presence.begin(), evidence_->presence.end(),
                          [](const auto& p) { return p.observer == "bob" && p.whom == "carol"; }))
      << text();
}

}  // namespace
}  // namespace callbot::bot
