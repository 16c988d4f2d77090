#include "bot/scenario_other.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/program.h"
#include "tests/support/room_host.h"
#include "tests/support/scenario_runs.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using scenarios::Verdict;
using test::Program;
using testing::HasSubstr;

// alice is played by `callbot send`, a program of its own.
class ScenarioOtherTest : public test::ScenarioRuns {
 protected:
  // As if its host had come up 500,000 s before ours.
  static std::vector<std::string> on_another_clock() {
    return {"unshare",     geteuid() == 0 ? "-T" : "-rT", "--monotonic", "500000", "--fork",
            "--kill-child"};
  }
  Program send(std::vector<std::string> words, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"send",    host_.url(), "--name", "alice",     "--size",
                                 "320x180", "--fps",     "30",     "--bitrate", "300k"};
    all.insert(all.end(), more.begin(), more.end());
    const auto program = Program::callbot(all);
    words.insert(words.end(), program.begin(), program.end());
    return Program(loop_, words);
  }
  void begin_with_alice(const std::string& steps) {
    const std::string text =
        "callbot: 1\nname: t\nurl: " + host_.url() +
        "\nmedia:\n  cam:\n    video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 "
        "kbit/s}\n    audio: pattern\nactors:\n  alice: {elsewhere: true, seed: "
        "500, send: cam}\n  bob: {verify: all}\nsteps:\n  - {do: join, who: bob}\n" +
        steps;
    auto scenario = scenarios::decode_scenario(text, "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    start(*scenario);
  }
  // Of the stream with the most samples of it.
  Series series(const std::string& metric, const std::string& from = "alice") const {
    Series most;
    for (const Series& one : evidence_->series)
      if (one.metric == metric && one.from == from &&
          (most.metric.empty() || one.samples.size() > most.samples.size()))
        most = one;
    return most;
  }

  test::RoomHost host_{loop_};
};

constexpr const char* kLook = R"(
  - {expect: first-frame, who: bob, from: alice, within: 20s}
  - {wait: 2s}
  - mark: steady
  - {wait: 4s}
  - mark: end
thresholds:
  - {name: delay, metric: video.e2e_delay, stat: p95, op: <=, value: 500ms, from: alice, between: [steady, end]}
  - {name: sound, metric: audio.e2e_delay, stat: p95, op: <=, value: 500ms, from: alice, between: [steady, end]}
  - {name: too tight, metric: video.network_delay, stat: p50, op: <=, value: 1us, from: alice, between: [steady, end]}
  - {name: picture, metric: video.psnr, stat: p50, op: ">=", value: 25dB, from: alice, between: [steady, end]}
  - {name: purity, metric: audio.snr, stat: p50, op: ">=", value: 5dB, from: alice, between: [steady, end]}
  - {name: double, metric: audio.duplicate, stat: total, op: ==, value: 0, from: alice}
  - {name: identity, metric: identity.wrong, stat: total, op: ==, value: 0, from: alice}
)";

TEST_F(ScenarioOtherTest, DelaysAreMeasuredOverTwoClocks) {
  auto alice = send(on_another_clock(), {"--seed", "500"});
  ASSERT_FALSE(alice.event("joined").is_null()) << alice.output();
  ASSERT_NO_FATAL_FAILURE(run_through([this] { begin_with_alice(kLook); }));
  for (const char* name : {"delay", "sound", "picture", "purity", "identity", "double"})
    EXPECT_EQ(verdict_of(name), Verdict::kPass) << name << "\n" << text();
  EXPECT_EQ(verdict_of("too tight"), Verdict::kInvalid) << text();
  const Series delay = series("video.network_delay");
  ASSERT_FALSE(delay.samples.empty());
  EXPECT_GT(delay.uncertainty, 0);
  EXPECT_LT(delay.uncertainty, 0.1);
  for (const Sample& one : delay.samples) EXPECT_GT(one.value, -delay.uncertainty);
}

// Whoever comes later offers, and brings the data channel or does not.
class WhoComesLater : public ScenarioOtherTest, public testing::WithParamInterface<bool> {};

TEST_P(WhoComesLater, TellsItsClockIfItIsToldTo) {
  begin_with_alice(kLook);
  ASSERT_TRUE(loop_.run_until([&] { return run_->live().step_number >= 2; }, kPatience));
  std::vector<std::string> more{"--seed", "500"};
  if (GetParam()) more.emplace_back("--tell-clock");
  auto alice = send(on_another_clock(), more);
  ASSERT_TRUE(ended());
  const Verdict delays = GetParam() ? Verdict::kPass : Verdict::kUnmeasured;
  EXPECT_EQ(verdict_of("delay"), delays) << text();
  EXPECT_EQ(verdict_of("sound"), delays) << text();
  EXPECT_EQ(verdict_of("picture"), Verdict::kPass) << text();
  EXPECT_EQ(verdict_of("double"), Verdict::kPass) << text();
}

INSTANTIATE_TEST_SUITE_P(Tells, WhoComesLater, testing::Bool());

TEST_F(ScenarioOtherTest, AnotherSeedIsSaid) {
  auto alice = send({}, {"--seed", "501"});
  ASSERT_FALSE(alice.event("joined").is_null()) << alice.output();
  begin_with_alice(kLook);
  ASSERT_TRUE(ended());
  EXPECT_EQ(verdict_of("delay"), Verdict::kUnmeasured) << text();
  EXPECT_EQ(verdict_of("identity"), Verdict::kFail) << text();
  std::string said;
  for (const auto& event : evidence_->events) said += event.text + "\n";
  EXPECT_THAT(said, HasSubstr("it sends marks of source 501, not 500: callbot send --seed 500"));
}

// Its own frames come back to whoever sent them: there is one clock, and nothing is asked.
TEST_F(ScenarioOtherTest, AnEchoNeedsNoClock) {
  std::vector<std::string> all = on_another_clock();
  for (const auto& word :
       Program::callbot({"send", host_.url(), "--name", "echo", "--echo", "bob"}))
    all.push_back(word);
  Program echo(loop_, all);
  ASSERT_FALSE(echo.event("joined").is_null()) << echo.output();
  auto scenario = scenarios::decode_scenario("callbot: 1\nname: t\nurl: " + host_.url() + R"(
media:
  cam:
    video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}
    audio: pattern
actors:
  echo: {elsewhere: true, echo: bob}
  bob: {send: cam, verify: all, network: {delay: 40ms}}
  eve: {verify: all}
steps:
  - {do: join, who: bob}
  - {do: join, who: eve}
  - {expect: seen, who: bob, from: echo, within: 20s}
  - {expect: heard, who: bob, from: echo, within: 20s}
  - {expect: seen, who: eve, from: echo, within: 20s}
  - {expect: seen, who: eve, from: bob, within: 20s}
  - {wait: 2s}
  - mark: steady
  - {wait: 5s}
  - mark: end
  - {do: camera-off, who: bob}
  - {expect: unseen, who: bob, from: echo, for: 1s, grace: 2s}
timeline:
  - {between: [steady, end], who: bob, must_see: echo, must_hear: echo, grace: 3s}
  - {between: [steady, end], who: bob, may_see: echo, may_hear: echo, closed: true}
thresholds:
  - {name: there and back, metric: video.network_delay, stat: min, op: ">=", value: 80ms, who: bob, from: echo, between: [steady, end]}
  - {name: sound, metric: audio.network_delay, stat: min, op: ">=", value: 80ms, who: bob, from: echo, between: [steady, end]}
  - {name: delay, metric: video.e2e_delay, stat: p50, op: <=, value: 1s, who: bob, from: echo, between: [steady, end]}
  - {name: picture, metric: video.psnr, stat: p50, op: ">=", value: 25dB, from: echo, between: [steady, end]}
  - {name: purity, metric: audio.snr, stat: p50, op: ">=", value: 5dB, from: echo, between: [steady, end]}
  - {name: identity, metric: identity.wrong, stat: total, op: ==, value: 0}
  - {name: mute, metric: mute_leak, stat: total, op: ==, value: 0}
)",
                                             "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_NO_FATAL_FAILURE(run_through([&] { start(*scenario); }));
  EXPECT_EQ(status(), 0) << text() << echo.output();
  EXPECT_EQ(series("video.network_delay", "echo").uncertainty, 0);
}

// Who is not sent back any more is missed by nobody, and is there again when he is.
TEST_F(ScenarioOtherTest, AnEchoStopsWithWhomItEchoes) {
  auto echo =
      Program(loop_, Program::callbot({"send", host_.url(), "--name", "echo", "--echo", "bob"}));
  ASSERT_FALSE(echo.event("joined").is_null()) << echo.output();
  auto scenario = scenarios::decode_scenario("callbot: 1\nname: t\nurl: " + host_.url() + R"(
media:
  cam:
    video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}
    audio: pattern
actors:
  echo: {elsewhere: true, echo: bob}
  bob: {send: cam, receive: none}
  eve: {verify: all}
steps:
  - {do: join, who: "*"}
  - {expect: seen, who: eve, from: echo, within: 20s}
  - {expect: heard, who: eve, from: echo, within: 20s}
  - {wait: 2s}
  - {do: leave, who: bob}
  - {expect: unseen, who: eve, from: echo, for: 1s, grace: 2s}
  - mark: alone
  - {wait: 4s}
  - mark: back
  - {do: join, who: bob}
  - {expect: seen, who: eve, from: echo, within: 20s}
  - {expect: heard, who: eve, from: echo, within: 20s}
thresholds:
  - {name: freeze, metric: video.freeze, stat: total, op: <=, value: 1s, from: echo, between: [alone, back]}
  - {name: missing, metric: video.missing, stat: total, op: <=, value: 30, from: echo, between: [alone, back]}
  - {name: identity, metric: identity.wrong, stat: total, op: ==, value: 0}
)",
                                             "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_NO_FATAL_FAILURE(run_through([&] { start(*scenario); }));
  for (const char* name : {"freeze", "missing"})
    EXPECT_NE(verdict_of(name), Verdict::kFail) << name << "\n" << text();
  EXPECT_NE(status(), 1) << text() << echo.output();
}

class ThatItLeaves : public ScenarioOtherTest, public testing::WithParamInterface<bool> {};

TEST_P(ThatItLeaves, IsUnexpectedUnlessAStepWaitsForIt) {
  auto alice = send({}, {"--seed", "500"});
  ASSERT_FALSE(alice.event("joined").is_null()) << alice.output();
  begin_with_alice(std::string("  - {expect: first-frame, who: bob, from: alice, within: 20s}\n") +
                   (GetParam() ? "  - {expect: left, who: bob, from: alice, within: 20s}\n"
                               : "  - {wait: 5s}\n"));
  ASSERT_TRUE(loop_.run_until([&] { return run_->live().step_number >= 3; }, kPatience));
  alice.signal(SIGINT);
  ASSERT_TRUE(ended());
  if (GetParam())
    EXPECT_EQ(status(), 0) << text();
  else
    EXPECT_EQ(verdict_of("unexpected: left"), Verdict::kFail) << text();
}

INSTANTIATE_TEST_SUITE_P(AStepWaits, ThatItLeaves, testing::Bool());

}  // namespace
}  // namespace callbot::bot
