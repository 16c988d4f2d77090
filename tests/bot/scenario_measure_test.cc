// What runs measure of real calls: an unharmed one passes, and each fault is found by the gate that
// is there for it, and by no other.
#include <gmock/gmock.h>

#include "tests/support/scenario_runs.h"

namespace callbot::bot {
namespace {

using scenarios::Outcome;
using scenarios::Verdict;

class ScenarioMeasureTest : public test::ScenarioRuns {};

// Alice sends; bob looks at all of it.
TEST_F(ScenarioMeasureTest, PicturesAndSoundOfACallAreMeasured) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: first-frame, who: bob, from: alice, within: 20s}
  - {expect: first-sound, who: bob, from: alice, within: 20s}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
  - {expect: heard, who: bob, from: alice, for: 1s, within: 20s}
  - mark: in
  - wait: 4s
  - mark: out
  - {do: leave, who: "*"}
timeline:
  - {between: [in, out], who: bob, must_see: alice, must_hear: alice, closed: true}
thresholds:
  - {metric: video.e2e_delay, stat: count, op: ">", value: 20, per: stream, who: bob, from: alice, between: [in, out]}
  - {metric: video.network_delay, stat: count, op: ">", value: 20, who: bob, between: [in, out]}
  - {metric: audio.e2e_delay, stat: count, op: ">=", value: 1, who: bob}
  - {metric: av.skew, stat: count, op: ">=", value: 1, who: bob}
  - {metric: video.fps, stat: max, op: ">", value: 5, who: bob}
  - {metric: video.processing, stat: count, op: ">", value: 20, who: bob, between: [in, out]}
  - {metric: video.processing, stat: min, op: ">", value: 0s, who: bob}
  - {metric: video.assembly, stat: count, op: ">=", value: 1, who: bob}
  - {metric: video.psnr, stat: min, op: ">", value: 20, who: bob}
  - {metric: video.ssim, stat: min, op: ">", value: 0.5, who: bob}
  - {metric: audio.snr, stat: max, op: ">", value: 3, who: bob}
  - {metric: audio.level, stat: p50, op: ">", value: -60, who: bob}
  - {metric: video.width, stat: max, op: "==", value: 160, who: bob}
  - {metric: video.missing, stat: total, op: "==", value: 0, who: bob, between: [in, out]}
  - {metric: video.unread, stat: total, op: "==", value: 0, who: bob}
  - {metric: identity.wrong, stat: total, op: "==", value: 0, who: bob}
  - {metric: mute_leak, stat: total, op: "==", value: 0, who: bob}
  - {metric: join.first_rtp, stat: count, op: "==", value: 2, who: bob}
  - {metric: join.first_key_frame, stat: count, op: "==", value: 1, who: bob}
  - {metric: join.first_frame, stat: count, op: "==", value: 2, who: bob}
  - {metric: join.ice, stat: count, op: "==", value: 1, who: bob, from: alice}
  - {metric: join.dtls, stat: count, op: "==", value: 1, who: bob, from: alice}
  - {metric: join.ice, stat: count, op: "==", value: 1, who: alice, from: bob}
  - {metric: jitterbuffer.delay, stat: count, op: ">=", value: 3, per: stream, who: bob, from: alice}
  - {metric: rtp.discarded, stat: total, op: ">=", value: 0, per: stream, who: bob, from: alice}
  - {metric: rtp.nack, stat: total, op: ">=", value: 0, per: stream, who: bob, from: alice}
  - {metric: rtp.fir, stat: total, op: "==", value: 0, per: stream, who: bob, from: alice}
  - {metric: rtp.rtt, stat: count, op: ">=", value: 1, who: alice, from: bob}
  - {metric: send.loss, stat: count, op: ">=", value: 1, who: alice, from: bob, stream: camera}
  - {metric: send.huge_frames, stat: ratio, op: "<", value: 50%, who: alice, stream: camera}
  - {metric: send.frames, stat: total, op: ">", value: 20, who: alice}
  - {metric: send.key_frames, stat: total, op: ">=", value: 1, who: alice}
  - {metric: send.fps, stat: max, op: ">=", value: 5, who: alice, stream: camera}
  - {metric: send.lateness, stat: min, op: ">", value: 0s, who: alice, stream: camera}
  - {metric: send.packets, stat: total, op: ">", value: 100, who: alice, stream: microphone}
  - {metric: send.bitrate, stat: max, op: ">", value: 20 kbit/s, per: stream, who: alice}
  - {metric: send.pli, stat: total, op: ">=", value: 0, who: alice, stream: camera}
  - {metric: bot.lateness, stat: count, op: ">", value: 2}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  EXPECT_THAT(evidence_->invalid, ::testing::IsEmpty());
  // Who sends nothing has no round trip time, and nothing that is 0 instead.
  for (const Series& s : evidence_->series)
    EXPECT_FALSE(s.actor == "bob" && (s.metric == "rtp.rtt" || s.metric.starts_with("send.")))
        << s.metric;
}

TEST_F(ScenarioMeasureTest, WhoIsMutedIsMissedByWhoHasToHear) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: heard, who: bob, from: alice, within: 20s}
  - {do: mute, who: alice, timeout: 20s}
  - mark: muted
  - {expect: silence, who: bob, from: alice, for: 2s, grace: 1s}
  - {expect: heard, who: bob, from: alice, within: 1s}
  - mark: end
  - {do: unmute, who: alice, timeout: 20s}
  - {expect: heard, who: bob, from: alice, within: 20s}
  - {expect: silence, who: bob, from: alice, for: 1s}
  - {expect: unseen, who: bob, from: alice, for: 1s}
timeline:
  - {between: [muted, end], who: bob, must_hear: alice, must_see: alice, name: both}
thresholds: [{metric: mute_leak, stat: total, op: "==", value: 0, who: bob}]
)");
  ASSERT_EQ(evidence_->steps.size(), 11u) << text();
  EXPECT_EQ(evidence_->steps[4].outcome, Outcome::kDone) << text();
  EXPECT_EQ(evidence_->steps[5].outcome, Outcome::kFailed) << text();
  EXPECT_EQ(evidence_->steps[8].outcome, Outcome::kDone) << text();
  EXPECT_EQ(evidence_->steps[9].outcome, Outcome::kFailed) << text();
  EXPECT_EQ(evidence_->steps[10].outcome, Outcome::kFailed) << text();
  EXPECT_EQ(verdict_of("bob must hear alice"), Verdict::kFail);
  EXPECT_EQ(verdict_of("bob must see alice"), Verdict::kPass);
  EXPECT_EQ(verdict_of("mute_leak"), Verdict::kPass) << text();
}

TEST_F(ScenarioMeasureTest, ACameraThatIsOffIsNeitherSeenNorFrozen) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
  - {do: camera-off, who: alice, timeout: 20s}
  - mark: dark
  - {expect: unseen, who: bob, from: alice, for: 2s, grace: 1s}
  - mark: light
  - {do: camera-on, who: alice, timeout: 20s}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
timeline:
  - {between: [dark, light], who: bob, must_not_see: alice, must_hear: alice}
thresholds:
  - {metric: mute_leak, stat: total, op: "==", value: 0, who: bob}
  - {metric: video.pause, stat: total, op: "==", value: 0, who: bob}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
}

// Nothing comes for a while, though nobody said so.
TEST_F(ScenarioMeasureTest, AFrozenPictureIsFound) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, for: 2s, within: 20s}
  - mark: frozen
  - {do: network, who: bob, set: {loss: 100%}}
  - wait: 2s
  - {do: network, who: bob, set: clean}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
  - mark: end
thresholds:
  - {metric: video.freeze, stat: max, op: "<", value: 1s, who: bob, between: [frozen, end]}
  - {metric: video.freeze_true, stat: max, op: "<", value: 1s, who: bob, between: [frozen, end]}
  - {metric: video.duplicate, stat: total, op: "==", value: 0, who: bob}
  - {metric: identity.wrong, stat: total, op: "==", value: 0, who: bob}
  - {metric: recovery_time, stat: max, op: "<", value: 1ms, who: bob}
)");
  EXPECT_EQ(verdict_of("video.freeze max"), Verdict::kFail) << text();
  EXPECT_EQ(verdict_of("video.freeze_true"), Verdict::kFail) << text();
  EXPECT_EQ(verdict_of("recovery_time"), Verdict::kFail) << text();
  EXPECT_EQ(verdict_of("video.duplicate"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("identity.wrong"), Verdict::kPass) << text();
}

// What is lost is asked for again: it comes late, and the gate that counts repairs finds it.
TEST_F(ScenarioMeasureTest, LossIsFoundByWhatHadToBeRepaired) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: heard, who: bob, from: alice, for: 1s, within: 20s}
  - mark: before
  - wait: 2s
  - mark: lossy
  - {do: network, who: bob, set: {down: {loss: 10%}}}
  - wait: 4s
  - mark: end
  - {do: leave, who: "*"}
thresholds:
  - {name: repaired before, metric: rtp.repaired, stat: ratio, op: <=, value: 1%, who: bob, from: alice, between: [before, lossy]}
  - {name: repaired, metric: rtp.repaired, stat: ratio, op: <=, value: 1%, who: bob, from: alice, between: [lossy, end]}
  - {metric: rtp.nack, stat: total, op: ">", value: 0, who: bob, from: alice, between: [lossy, end]}
  - {metric: send.nack, stat: total, op: ">", value: 0, who: alice, between: [lossy, end]}
  - {metric: send.loss, stat: max, op: ">", value: 0, who: alice, from: bob, between: [lossy, end]}
  - {metric: identity.wrong, stat: total, op: "==", value: 0, who: bob}
  - {metric: video.duplicate, stat: total, op: "==", value: 0, who: bob}
)");
  EXPECT_EQ(verdict_of("repaired before"), Verdict::kPass) << text();
  EXPECT_EQ(judged().verdict, Verdict::kFail) << text();
  for (const auto& c : judged().cases)
    EXPECT_EQ(c.verdict == Verdict::kFail, c.name == "repaired") << c.name << "\n" << text();
}

// It is alice's line that is narrow for a while: what bob sees of her has to recover.
TEST_F(ScenarioMeasureTest, ASendersLineIsRecoveredFromToo) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, for: 6s, within: 20s}
  - mark: narrow
  - {do: network, who: alice, set: {up: {rate: 60 kbit/s, queue: 2s}}}
  - wait: 4s
  - {do: network, who: alice, set: clean}
  - {expect: metric, metric: recovery_time, stat: count, op: ">=", value: 1, who: bob, from: alice, within: 30s}
thresholds:
  - {metric: recovery_time, stat: max, op: <=, value: 30s, who: bob, from: alice, after: narrow}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
}

// Nobody waits for one who has gone.
TEST_F(ScenarioMeasureTest, WhoLeavesBeforeItIsAsItWasTookUntilThen) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
  - {do: network, who: alice, set: {up: {delay: 300ms}}}
  - wait: 500ms
  - {do: leave, who: alice, timeout: 20s}
  - wait: 5s
thresholds:
  - {metric: recovery_time, stat: count, op: "==", value: 1, who: bob, from: alice}
  # Till the end it is longer than that.
  - {metric: recovery_time, stat: max, op: "<", value: 5s, who: bob, from: alice}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
}

// Too narrow for what is sent: it waits in the queue.
TEST_F(ScenarioMeasureTest, ANarrowLineIsFoundByTheDelay) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
  - mark: before
  - wait: 2s
  - mark: narrow
  - {do: network, who: bob, set: {down: {rate: 60 kbit/s, queue: 2s}}}
  - wait: 4s
  - mark: end
  - {do: leave, who: "*"}
thresholds:
  - {metric: video.network_delay, stat: max, op: <=, value: 500ms, who: bob, between: [narrow, end]}
  - {metric: video.duplicate, stat: total, op: "==", value: 0, who: bob}
  - {metric: recovery_time, stat: max, op: <=, value: 2s, who: bob, after: narrow}
)");
  EXPECT_EQ(verdict_of("video.network_delay"), Verdict::kFail) << text();
  EXPECT_EQ(verdict_of("video.duplicate"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("recovery_time"), Verdict::kFail) << text();
}

TEST_F(ScenarioMeasureTest, WhoComesBackIsMeasuredAnew) {
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, within: 20s}
  - {do: leave, who: alice}
  - {expect: unseen, who: bob, from: alice, for: 1s, grace: 1s}
  - {do: join, who: alice, timeout: 30s}
  - {expect: first-frame, who: bob, from: alice, within: 20s}
  - {expect: seen, who: bob, from: alice, for: 1s, within: 20s}
  - {do: crash, who: bob}
  - {do: join, who: bob, timeout: 30s}
  - {expect: heard, who: bob, from: alice, for: 1s, within: 20s}
  - {do: leave, who: "*"}
thresholds:
  - {metric: join.first_frame, stat: count, op: "==", value: 6, who: bob}
  - {metric: identity.wrong, stat: total, op: "==", value: 0, who: bob}
)");
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
}

// Each of two is decoded in turn; that is all they are judged by.
TEST_F(ScenarioMeasureTest, WhoRotatesIsJudgedByWhatItLookedAt) {
  const auto scenario = scenarios::decode_scenario(R"(
callbot: 1
name: t
media: {cam: {video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s}, audio: pattern}}
actors:
  alice: {send: cam, verify: headers}
  carol: {send: cam, verify: none}
  bob: {verify: rotate, verify_window: 1s}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: first-frame, who: bob, from: "*", within: 20s}
  - mark: in
  - wait: 4s
  - mark: out
  - {do: leave, who: "*"}
timeline:
  - {between: [in, out], who: bob, must_see: alice, must_hear: alice}
thresholds:
  - {metric: join.first_frame, stat: count, op: "==", value: 4, who: bob}
  - {metric: video.frames, stat: total, op: ">", value: 10, per: stream, who: bob, from: carol}
  - {metric: video.frames, stat: total, op: ">", value: 10, per: stream, who: alice, from: carol}
  - {metric: video.missing, stat: total, op: "==", value: 0}
  - {metric: rtp.packets, stat: total, op: ">", value: 0, who: "*"}
)",
                                                   "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_NO_FATAL_FAILURE(run_through([&] { start(*scenario); }));
  const auto cases = judged().cases;
  for (const auto& c : cases) {
    const bool blind = c.name.starts_with("rtp.packets");  // carol looks at nothing
    EXPECT_EQ(c.verdict, blind ? Verdict::kUnmeasured : Verdict::kPass) << c.name << "\n" << text();
  }
}

}  // namespace
}  // namespace callbot::bot
