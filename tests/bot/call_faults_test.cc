// Faults made on purpose in calls of bots: each is found by the gate that it is for, and by no
// other. Those with a browser are in page_faults_test.cc.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "tests/support/clips.h"
#include "tests/support/pattern_file.h"
#include "tests/support/room_host.h"
#include "tests/support/scenario_runs.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using scenarios::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CallFaults : public test::ScenarioRuns {
 protected:
  // What differs from a good call.
  struct Call {
    std::string alice =
        "{video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}, "
        "audio: pattern}";
    std::string at_first = "clean";    // alice's network when she joins
    std::string then = "clean";        // and from her first frame on
    std::string step = "{wait: 0ms}";  // what is done to the call
    std::string text = "hello";        // what she writes
    std::string grace = "1s";
    std::string url = "embedded";
  };
  void begin(const Call& call) {
    const std::string text = "callbot: 1\nname: t\nseed: 3\nunmeasured: warn\nurl: \"" + call.url +
                             R"("
media:
  cam: {video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}, audio: pattern}
  hers: )" + call.alice + R"(
actors:
  alice: {send: hers, verify: all, network: )" +
                             call.at_first + R"(}
  bob: {send: cam, verify: all}
steps:
  - {do: join, who: "*"}
  - {expect: first-frame, who: "*", from: "*"}
  - {do: network, who: alice, set: )" +
                             call.then + R"(}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: vp8, within: 2s}
  - {do: message, who: alice, text: )" +
                             call.text + R"(}
  - {expect: message, who: bob, from: alice, text: hello, within: 3s}
  - {wait: 3s}
  - mark: steady
  - {wait: 1100ms}
  - )" + call.step + R"(
  - {wait: 4s}
  - mark: end
timeline:
  - {between: [steady, end], who: "*", must_see: "*", must_hear: "*", grace: )" +
                             call.grace + R"(}
thresholds:
  - {name: join time, metric: join.first_frame, stat: max, op: <=, value: 3s}
  - {name: loss, metric: rtp.repaired, stat: ratio, op: <=, value: 1%, per: stream, between: [steady, end]}
  - {name: jitter, metric: rtp.jitter, stat: p50, op: <=, value: 10ms, per: stream, between: [steady, end]}
  - {name: delay, metric: video.network_delay, stat: p50, op: <=, value: 100ms, per: stream, between: [steady, end]}
  - {name: frame rate, metric: video.interval, stat: p80, op: <=, value: 60ms, per: stream, between: [steady, end]}
  - {name: freezes, metric: video.freeze_true, stat: max, op: <=, value: 600ms, per: stream, between: [steady, end]}
  - {name: size, metric: video.width, stat: min, op: ">=", value: 320px, per: stream}
  - {name: likeness, metric: video.psnr, stat: p50, op: ">=", value: 32dB, per: stream, between: [steady, end]}
  - {name: loudness, metric: audio.level, stat: max, op: ">=", value: -30dBFS, per: stream, between: [steady, end]}
  - {name: clipping, metric: audio.clip, stat: total, op: ==, value: 0, per: stream, between: [steady, end]}
  - {name: dropouts, metric: audio.silence, stat: count, op: <=, value: 2, per: stream, between: [steady, end]}
  - {name: skew, metric: av.skew, stat: p95abs, op: <=, value: 200ms, per: stream, between: [steady, end]}
  - {name: wrong identity, metric: identity.wrong, stat: total, op: ==, value: 0, who: alice, from: bob}
  - {name: reconnects, metric: call.reconnects, stat: total, op: ==, value: 0}
)";
    auto scenario = scenarios::decode_scenario(text, "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    start(*scenario);
  }
  // What does not hold.
  std::set<std::string> found() {
    std::set<std::string> all;
    if (!run_) return all;
    EXPECT_TRUE(ended(kPatience));
    if (!evidence_) return all;
    EXPECT_THAT(evidence_->invalid, IsEmpty());
    for (const auto& c : judged().cases) {
      if (c.verdict == Verdict::kPass || c.softened) continue;
      all.insert(c.name);
    }
    return all;
  }
  // Once more where the machine held this process up, which the run or a case says of itself.
  std::set<std::string> found(const Call& call) {
    for (int attempt = 1; attempt <= kAttempts; ++attempt) {
      begin(call);
      if (!run_ || !ended(kPatience) || !held_up()) break;
    }
    return found();
  }
  bool held_up() const {
    if (!evidence_->invalid.empty()) return true;
    const auto cases = judged().cases;
    return std::any_of(cases.begin(), cases.end(),
                       [](const auto& c) { return c.verdict == Verdict::kInvalid; });
  }
  std::string why() { return evidence_ ? text() : "it never ended"; }

  // A film of alice's pattern, longer than the call.
  std::string film() {
    return test::pattern_clip(folder_.path() / "film.mkv", {.seconds = 12}).string();
  }
  // Her picture, and what ffmpeg makes of her sound.
  Call sounding(const std::string& filter) {
    const fs::path sound =
        test::converted(film(), folder_.path() / "sound.wav", {"-vn", "-af", filter});
    return {.alice =
                "{video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}, "
                "audio: {file: \"" +
                sound.string() + "\"}}"};
  }
  static Call filmed(const fs::path& file) {
    return {.alice = "{video: {file: \"" + file.string() + "\"}, audio: {file: \"" + file.string() +
                     "\"}}"};
  }
  static Call over(const std::string& network) {
    return {.step = "{do: network, who: alice, set: {" + network + "}}"};
  }
  static Call switched(const std::string& what) {
    return {.step = "{do: switch, who: alice, " + what + "}"};
  }

  test::TempFolder folder_;
};

constexpr const char* kMustHear = "bob must hear alice, from steady to end";
constexpr const char* kMustSee = "bob must see alice, from steady to end";

TEST_F(CallFaults, NoneIsFoundWhereThereIsNone) { EXPECT_THAT(found({}), IsEmpty()) << why(); }

// --- of members

TEST_F(CallFaults, AMemberWhoIsMuted) {
  EXPECT_THAT(found({.step = "{do: mute, who: alice}"}), UnorderedElementsAre(kMustHear)) << why();
}

TEST_F(CallFaults, ACameraThatIsOff) {
  EXPECT_THAT(found({.step = "{do: camera-off, who: alice}"}), UnorderedElementsAre(kMustSee))
      << why();
}

TEST_F(CallFaults, AMemberWhoIsGone) {
  EXPECT_THAT(found({.step = "{do: crash, who: alice}"}), UnorderedElementsAre(kMustSee, kMustHear))
      << why();
}

TEST_F(CallFaults, AMemberWhoIsLate) {
  EXPECT_THAT(found({.at_first = "{delay: 400ms}"}), UnorderedElementsAre("join time")) << why();
}

TEST_F(CallFaults, AServerThatDies) {
  test::RoomHost host(loop_);
  begin({.url = host.url()});
  constexpr size_t kSteady = 8;
  ASSERT_TRUE(
      loop_.run_until([&] { return evidence_ || run_->live().step_number > kSteady; }, kPatience));
  ASSERT_FALSE(evidence_) << text();
  host.kill();
  host.start();
  EXPECT_THAT(found(), UnorderedElementsAre("unexpected: interrupted")) << why();
}

TEST_F(CallFaults, AMessageThatIsAnother) {
  EXPECT_THAT(found({.text = "hallo"}), ElementsAre("step 6: expect message of alice by bob"))
      << why();
}

// --- of what is sent

TEST_F(CallFaults, AnotherCodecThanAgreed) {
  EXPECT_THAT(
      found({.alice = "{video: {source: pattern, size: 320x180, codec: h264}, audio: pattern}"}),
      ElementsAre("step 4: expect codec of alice vp8 by bob"))
      << why();
}

// Silence is not loud either.
TEST_F(CallFaults, AMicrophoneThatIsSilent) {
  EXPECT_THAT(found({.alice = "{video: {source: pattern, size: 320x180}, audio: silence}"}),
              UnorderedElementsAre(kMustHear, "loudness"))
      << why();
}

TEST_F(CallFaults, SomebodyElsesFileAsTheCamera) {
  const fs::path bobs =
      test::write_pictures(folder_.path() / "bob.y4m", {.frames = 360, .source = 2});
  EXPECT_THAT(found({.alice = "{video: {file: \"" + bobs.string() + "\"}, audio: pattern}"}),
              UnorderedElementsAre(kMustSee, "bob sees bob in the stream of alice"))
      << why();
}

TEST_F(CallFaults, APictureThatStandsStill) {
  const fs::path still = test::converted(film(), folder_.path() / "still.png", {"-frames:v", "1"});
  EXPECT_THAT(
      found({.alice = "{video: {file: \"" + still.string() + "\", fps: 30}, audio: pattern}"}),
      UnorderedElementsAre("freezes"))
      << why();
}

TEST_F(CallFaults, TooFewFrames) {
  EXPECT_THAT(found(switched("fps: 10")), UnorderedElementsAre("frame rate")) << why();
}

TEST_F(CallFaults, ASmallerPicture) {
  EXPECT_THAT(found(switched("size: 160x90")), UnorderedElementsAre("size")) << why();
}

TEST_F(CallFaults, APictureOfTooFewBits) {
  EXPECT_THAT(found(switched("bitrate: 15 kbit/s")), UnorderedElementsAre("likeness")) << why();
}

TEST_F(CallFaults, SoundThatComesAfterItsPicture) {
  const auto late = test::with_late_sound(film(), folder_.path() / "late.mkv", "0.4");
  EXPECT_THAT(found(filmed(late)), UnorderedElementsAre("skew")) << why();
}

TEST_F(CallFaults, SoundThatIsHardlyThere) {
  EXPECT_THAT(found(sounding("volume=-18dB")), UnorderedElementsAre("loudness")) << why();
}

TEST_F(CallFaults, SoundThatIsCutOff) {
  EXPECT_THAT(found(sounding("volume=40dB")), UnorderedElementsAre("clipping")) << why();
}

TEST_F(CallFaults, SoundWithHoles) {
  EXPECT_THAT(found(sounding("volume=0:enable='lt(mod(t,1.2),0.7)'")),
              UnorderedElementsAre("dropouts"))
      << why();
}

// --- of the network

// From the beginning: a line that changes is one to which senders adapt.
TEST_F(CallFaults, ALineWithDelay) {
  EXPECT_THAT(found({.at_first = "{delay: 150ms}", .then = "{delay: 150ms}"}),
              UnorderedElementsAre("delay"))
      << why();
}

TEST_F(CallFaults, ALineWithJitter) {
  const std::string jitter = "{delay: 50ms, jitter: 30ms}";
  EXPECT_THAT(found({.at_first = jitter, .then = jitter}), UnorderedElementsAre("jitter")) << why();
}

TEST_F(CallFaults, ALineThatLoses) {
  EXPECT_THAT(found(over("loss: 5%")), UnorderedElementsAre("loss")) << why();
}

// What was lost is sent again when the line is back: that many packets were lost is seen too. A
// film has but one rendition, so that it does not become smaller.
TEST_F(CallFaults, ALineThatIsCut) {
  Call call = filmed(film());
  call.step =
      "{do: network, who: alice, set: {up: {loss: 100%}}}\n"
      "  - {wait: 800ms}\n"
      "  - {do: network, who: alice, set: clean}";
  call.grace = "4s";
  EXPECT_THAT(found(call), UnorderedElementsAre("freezes", "loss")) << why();
}

}  // namespace
}  // namespace callbot::bot
