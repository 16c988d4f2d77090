// Scenarios in a VideoRoom of a real Janus: what holds over a server that sends everybody
// everybody's media, and that faults are found there.
#include <gmock/gmock.h>

#include <algorithm>

#include "base/clock.h"
#include "tests/support/janus_process.h"
#include "tests/support/program.h"
#include "tests/support/scenario_runs.h"

namespace callbot::bot {
namespace {

using scenarios::Verdict;
using testing::HasSubstr;

class JanusScenario : public test::ScenarioRuns {
 protected:
  void SetUp() override {
    if (const auto why = test::JanusProcess::unusable(); !why.empty()) GTEST_SKIP() << why;
    auto janus = test::JanusProcess::start(loop_);
    ASSERT_TRUE(janus) << janus.error().message;
    janus_ = std::move(*janus);
  }
  scenarios::Scenario scenario(const std::string& more) const {
    auto decoded = scenarios::decode_scenario(
        "callbot: 1\nname: t\nurl: '" + janus_->room_url() +
            "'\nmedia:\n"
            "  cam:\n"
            "    video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s}\n"
            "    audio: pattern\n"
            "  slides: {video: {source: screen, size: 320x180, fps: 5, bitrate: 100 kbit/s}}\n" +
            more,
        "t.yaml", {});
    EXPECT_TRUE(decoded) << decoded.error().message;
    return decoded ? *decoded : scenarios::Scenario();
  }
  void play(const std::string& more, const std::function<void()>& meanwhile = {}) {
    run_through(
        [&] {
          start(scenario(more));
          if (!HasFatalFailure() && meanwhile) meanwhile();
        },
        3 * kPatience);
  }
  size_t pairs_of(const std::string& actor) const {
    return static_cast<size_t>(std::count_if(evidence_->pairs.begin(), evidence_->pairs.end(),
                                             [&](const auto& p) { return p.actor == actor; }));
  }

  std::unique_ptr<test::JanusProcess> janus_;
};

TEST_F(JanusScenario, ThreeMeetAndAllThatTheyDoIsSeen) {
  play(R"(
actors:
  alice: {send: cam, verify: all}
  bob: {send: cam, verify: all}
  viewer: {verify: all}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: joined, who: "*", within: 20s}
  - {expect: seen, who: "*", from: alice, within: 20s}
  - {expect: heard, who: "*", from: alice, within: 20s}
  - {expect: seen, who: "*", from: bob, within: 20s}
  - {expect: heard, who: "*", from: bob, within: 20s}
  - mark: steady
  - {expect: seen, who: viewer, from: bob, for: 2s, within: 20s}
  - {expect: heard, who: viewer, from: alice, for: 2s, within: 20s}
  - mark: end
  - {do: share-screen, who: alice, media: slides}
  - {expect: seen, who: bob, from: alice, stream: screen, within: 20s}
  - {expect: seen, who: viewer, from: alice, stream: screen, within: 20s}
  - {expect: size, who: viewer, from: alice, stream: screen, size: 320x180, within: 20s}
  - {do: unshare-screen, who: alice}
  - {expect: unseen, who: bob, from: alice, stream: screen, for: 1s, grace: 2s}
  - {expect: seen, who: bob, from: alice, stream: camera, within: 20s}
  - {do: mute, who: alice}
  - {do: camera-off, who: alice}
  - {expect: silence, who: viewer, from: alice, for: 1s, grace: 2s}
  - {expect: unseen, who: viewer, from: alice, for: 1s, grace: 2s}
  - {do: unmute, who: alice}
  - {do: camera-on, who: alice}
  - {expect: heard, who: viewer, from: alice, within: 20s}
  - {do: switch, who: alice, size: 320x180}
  - {expect: size, who: viewer, from: alice, stream: camera, size: 320x180, within: 20s}
  - {do: leave, who: bob, timeout: 20s}
  - {expect: left, who: alice, from: bob, within: 20s}
  - {do: join, who: bob, timeout: 30s}
  - {expect: first-frame, who: alice, from: bob, within: 20s}
  - {expect: first-frame, who: viewer, from: bob, within: 20s}
  - {do: crash, who: bob}
  - {expect: left, who: viewer, from: bob, within: 20s}
timeline:
  - {between: [steady, end], who: viewer, must_see: [alice, bob], must_hear: [alice, bob], closed: true, grace: 3s}
  - {between: [steady, end], who: alice, must_see: bob, must_hear: bob, grace: 3s}
  - {between: [steady, end], who: alice, may_see: bob, may_hear: bob, closed: true}
thresholds:
  - {metric: video.e2e_delay, stat: p50, op: <=, value: 2s, stream: camera, per: stream, between: [steady, end]}
  - {metric: audio.e2e_delay, stat: p50, op: <=, value: 2s, per: stream, between: [steady, end]}
  - {metric: av.skew, stat: p50, op: <=, value: 1s, per: stream, between: [steady, end]}
  - {metric: video.freeze, stat: max, op: <=, value: 3s, stream: camera, per: stream, between: [steady, end]}
  - {metric: video.psnr, stat: p50, op: ">", value: 20, stream: camera, per: stream, between: [steady, end]}
  - {metric: identity.wrong, stat: total, op: "==", value: 0}
  - {metric: mute_leak, stat: total, op: "==", value: 0}
  - {metric: call.reconnects, stat: total, op: "==", value: 0}
  - {metric: rtp.rtt, stat: count, op: ">=", value: 1, who: alice}
  # One connection that sends; one that receives, anew after nobody else was sending.
  - {metric: join.ice, stat: count, op: "==", value: 3, who: alice}
  - {metric: join.dtls, stat: count, op: "==", value: 1, who: viewer}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  EXPECT_EQ(status(), 0);
  EXPECT_EQ(pairs_of("alice"), 3u);
  EXPECT_EQ(pairs_of("viewer"), 1u);
}

TEST_F(JanusScenario, ANetworkIsProvedOnTheWayToTheServer) {
  play(R"(
actors:
  alice: {send: cam, verify: all, network: {up: {delay: 300ms}}}
  bob: {send: cam, verify: all}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: "*", from: "*", within: 20s}
  - mark: in
  - {do: network, who: bob, set: {down: {delay: 300ms}}, verify: true}
  - {expect: seen, who: bob, from: alice, for: 3s, within: 20s}
thresholds:
  - {metric: video.network_delay, stat: max, op: ">=", value: 600ms, who: bob, from: alice, after: in}
  - {metric: video.network_delay, stat: p50, op: <, value: 300ms, who: alice, from: bob, after: in}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  EXPECT_EQ(status(), 0);
}

TEST_F(JanusScenario, AnEchoMeasuresThereAndBack) {
  test::Program echo(loop_, test::Program::callbot(
                                {"send", janus_->room_url(), "--name", "echo", "--echo", "alice"}));
  ASSERT_FALSE(echo.event("joined").is_null()) << echo.output();
  play(R"(
actors:
  alice: {send: cam, verify: all, network: {delay: 50ms}}
  echo: {elsewhere: true, echo: alice}
steps:
  - {do: join, who: alice, timeout: 30s}
  - {expect: seen, who: alice, from: echo, within: 20s}
  - {expect: heard, who: alice, from: echo, within: 20s}
  - mark: in
  - {wait: 5s}
thresholds:
  - {metric: video.network_delay, stat: min, op: ">=", value: 100ms, who: alice, from: echo, after: in}
  - {metric: audio.network_delay, stat: min, op: ">=", value: 100ms, who: alice, from: echo, after: in}
  - {metric: video.network_delay, stat: p50, op: <, value: 1s, who: alice, from: echo, after: in}
)");
  EXPECT_EQ(status(), 0) << text() << echo.output();
}

// Whoever measures was told that alice is muted; she goes on sending.
TEST_F(JanusScenario, AMuteLeakIsFound) {
  constexpr size_t kLeaks = 4;  // the step that waits for it
  play(R"(
actors:
  alice: {send: cam, verify: all}
  bob: {send: cam, verify: all}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: heard, who: bob, from: alice, within: 20s}
  - {expect: seen, who: bob, from: alice, within: 20s}
  - {expect: metric, who: bob, from: alice, metric: mute_leak, stat: total, op: ">", value: 0, within: 40s}
  - {expect: seen, who: bob, from: alice, within: 20s}
thresholds:
  - {metric: mute_leak, stat: total, op: "==", value: 0, who: bob}
  - {metric: mute_leak, stat: total, op: "==", value: 0, who: alice, name: hers}
)",
       [this] {
         ASSERT_TRUE(loop_.run_until(
             [this] { return evidence_ || run_->live().step_number >= kLeaks; }, kPatience));
         if (evidence_) return;  // what went wrong before says itself
         ScenarioActor *alice = nullptr, *bob = nullptr;
         for (const auto& one : run_->cast()->all())
           (one->who().name == "alice" ? alice : bob) = one.get();
         bob->hear_of_mute(*alice, MediaKind::kAudio, true, monotonic_ns());
       });
  EXPECT_EQ(status(), 1) << text();
  EXPECT_EQ(verdict_of("mute_leak total == 0, bob"), Verdict::kFail) << text();
  EXPECT_EQ(verdict_of("hers"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("step 4"), Verdict::kPass) << text();
}

TEST_F(JanusScenario, ASenderWhoNeverComesIsMissed) {
  play(R"(
actors:
  alice: {send: cam, verify: all}
  bob: {verify: all}
  carol: {elsewhere: true, seed: 500, send: cam}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, within: 20s}
  - mark: in
  - {expect: first-frame, who: bob, from: carol, within: 2s}
  - {expect: seen, who: bob, from: alice, within: 20s}
  - mark: end
timeline:
  - {between: [in, end], who: bob, must_see: alice, grace: 3s}
  - {between: [in, end], who: bob, must_see: carol, grace: 1s}
)");
  EXPECT_EQ(status(), 1) << text();
  EXPECT_EQ(verdict_of("step 4"), Verdict::kFail) << text();
  EXPECT_EQ(verdict_of("step 5"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("bob must see alice"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("bob must see carol"), Verdict::kFail) << text();
  EXPECT_THAT(text(), HasSubstr("nothing was decoded"));
}

}  // namespace
}  // namespace callbot::bot
