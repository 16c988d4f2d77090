// Real browsers as actors of scenarios.
#include "bot/scenario_page.h"

#include <gmock/gmock.h>

#include "bot/cli.h"
#include "scenarios/run_json.h"
#include "tests/support/program.h"
#include "tests/support/room_host.h"
#include "tests/support/scenario_runs.h"
#include "tests/support/temp_folder.h"
#include "tests/support/undisturbed.h"

namespace callbot::bot {
namespace {

using scenarios::Verdict;
using testing::HasSubstr;

constexpr const char* kChromiumHears =
    R"(  - {metric: audio.marked, stat: total, op: ">=", value: 2, who: page, from: bot, between: [steady, end]}
  - {metric: audio.missing, stat: ratio, op: "<=", value: 50%, who: page, from: bot, between: [steady, end]}
  - {metric: audio.e2e_delay, stat: p50, op: "<", value: 1s, who: page, from: bot, between: [steady, end]}
  - {metric: av.skew, stat: count, op: ">=", value: 1, who: page, from: bot, between: [steady, end]}
  - {metric: av.skew, stat: p95abs, op: "<=", value: 300ms, who: page, from: bot, between: [steady, end]}
  - {metric: mute_leak, stat: total, op: "==", value: 0, who: page, from: bot}
  - {metric: audio.e2e_delay, stat: count, op: ">=", value: 3, who: bot, from: page, between: [steady, end]}
  - {metric: audio.e2e_delay, stat: p50, op: "<", value: 500ms, who: bot, from: page, between: [steady, end]}
  - {metric: av.skew, stat: count, op: ">=", value: 1, who: bot, from: page, between: [steady, end]}
  - {metric: av.skew, stat: p95abs, op: "<=", value: 300ms, who: bot, from: page, between: [steady, end]}
)";

class ScenarioPageTest : public test::ScenarioRuns,
                         public testing::WithParamInterface<const char*> {
 protected:
  static constexpr std::chrono::milliseconds kBrowsersTake{150000};

  void decode(const std::string& more) {
    const std::string text =
        "callbot: 1\nname: t\n"
        "media:\n  cam:\n    video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 "
        "kbit/s}\n"
        "    audio: pattern\n" +
        more;
    auto scenario = scenarios::decode_scenario(text, "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    scenario_ = *scenario;
  }
  void run() {
    start(scenarios::Scenario(scenario_));
    ASSERT_TRUE(ended(kBrowsersTake));
  }
};

TEST_P(ScenarioPageTest, APageAndABotReadEachOthersMarks) {
  decode(std::string("actors:\n  page: {browser: ") + GetParam() +
         ", send: cam, verify: all}\n  bot: {send: cam, verify: all}\n" + R"(
steps:
  - {do: join, who: bot, timeout: 60s}
  - {do: join, who: page, timeout: 90s}
  - {expect: first-frame, who: "*", from: "*", within: 60s}
  - {expect: first-sound, who: "*", from: "*", within: 60s}
  - {expect: seen, who: "*", from: "*", within: 60s}
  - {expect: heard, who: "*", from: "*", within: 60s}
  - {expect: size, who: page, from: bot, size: 320x180, within: 20s}
  - {expect: codec, who: page, from: bot, stream: camera, codec: vp8, within: 20s}
  - mark: steady
  - wait: 4s
  - mark: end
  - {do: mute, who: page, timeout: 30s}
  - {expect: muted, who: bot, from: page, within: 20s}
  - {expect: silence, who: bot, from: page, for: 2s, grace: 1s}
  - {do: unmute, who: page, timeout: 30s}
  - {expect: heard, who: bot, from: page, within: 60s}
  - {do: camera-off, who: page, timeout: 30s}
  - {expect: unseen, who: bot, from: page, for: 2s, grace: 1s}
  - {do: camera-on, who: page, timeout: 30s}
  - {expect: seen, who: bot, from: page, within: 60s}
  - {do: mute, who: bot, timeout: 30s}
  - {expect: muted, who: page, from: bot, within: 20s}
  - {expect: silence, who: page, from: bot, for: 2s, grace: 2s}
  - {do: leave, who: "*", timeout: 30s}
timeline:
  - {between: [steady, end], who: "*", must_see: "*", grace: 3s}
thresholds:
  - {metric: join.signaling, stat: count, op: "==", value: 1, who: page}
  - {metric: join.signaling, stat: max, op: "<", value: 30s, who: page}
  - {metric: join.first_frame, stat: count, op: "==", value: 1, who: page, from: bot}
  - {metric: join.first_frame, stat: min, op: ">", value: 0s, who: page, from: bot}
  - {metric: join.first_frame, stat: max, op: "<", value: 90s, who: page, from: bot}
  - {metric: video.marked, stat: total, op: ">", value: 30, who: page, from: bot, between: [steady, end]}
  - {metric: video.marked, stat: total, op: ">", value: 30, who: bot, from: page, between: [steady, end]}
  - {metric: video.e2e_delay, stat: count, op: ">", value: 30, who: page, from: bot, between: [steady, end]}
  - {metric: video.e2e_delay, stat: count, op: ">", value: 30, who: bot, from: page, between: [steady, end]}
  - {metric: video.network_delay, stat: count, op: ">", value: 30, who: bot, from: page, between: [steady, end]}
  - {metric: video.e2e_delay, stat: p50, op: "<", value: 10s, who: "*", between: [steady, end]}
  - {metric: identity.wrong, stat: total, op: "==", value: 0, who: "*"}
  - {metric: rtp.packets, stat: total, op: ">", value: 0, per: stream, who: page, from: bot}
)" + std::string(GetParam() == std::string("chromium") ? kChromiumHears : ""));
  run();
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
}

TEST_P(ScenarioPageTest, OneThatCrashesIsMissedAndComesBack) {
  decode(std::string("actors:\n  page: {browser: ") + GetParam() +
         ", send: cam, verify: all}\n  bot: {send: cam, verify: all}\n" + R"(
steps:
  - {do: join, who: "*", timeout: 90s}
  - {expect: seen, who: bot, from: page, within: 60s}
  - {do: crash, who: page}
  - {expect: left, who: bot, from: page, within: 60s}
  - {do: join, who: page, timeout: 90s}
  - {expect: seen, who: bot, from: page, within: 60s}
thresholds: [{metric: video.marked, stat: total, op: ">", value: 0, who: bot, from: page}]
)");
  run();
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  ASSERT_NE(evidence_->actor("page"), nullptr);
  EXPECT_EQ(evidence_->actor("page")->inside.size(), 2U);
  EXPECT_EQ(evidence_->actor("page")->browser, GetParam());
}

// Of what a browser shows, for the bundle of a run that fails.
TEST_P(ScenarioPageTest, PicturesOfThePageAreKept) {
  test::TempFolder folder;
  keep_ = folder.path();
  decode(std::string("actors:\n  page: {browser: ") + GetParam() + R"(, verify: all}
  bot: {send: cam, verify: none}
steps:
  - {do: join, who: "*", timeout: 90s}
  - {expect: seen, who: page, from: bot, within: 60s}
  - wait: 12s
  - {do: leave, who: page, timeout: 30s}
)");
  run();
  ASSERT_EQ(media_.size(), 1U) << text();
  EXPECT_EQ(media_[0].actor, "page");
  ASSERT_GE(media_[0].pictures.size(), 2U);
  for (const auto& [at_ns, path] : media_[0].pictures) {
    EXPECT_GT(at_ns, evidence_->began_ns);
    EXPECT_LT(at_ns, evidence_->ended_ns);
    EXPECT_THAT(*read_file(path, 1 << 22), testing::StartsWith("\xff\xd8\xff"));
  }
}

// As users run it; a shorter stretch is looked at.
TEST_P(ScenarioPageTest, TheSamplePasses) {
  test::TempFolder folder;
  const fs::path json = folder.path() / "run.json";
  int status = -1;
  std::string output;
  // Once more where the machine held it up, which the run says of itself.
  for (int attempt = 0; attempt < kAttempts && (attempt == 0 || status == kExitUnmeasured);
       ++attempt) {
    test::Program program(
        loop_,
        {CALLBOT_PROGRAM, "test",
         std::string(CALLBOT_SOURCE_DIR) + "/tests/scenarios/browser-and-bot.yaml", "--var",
         std::string("browser=") + GetParam(), "--var", "steady=5s", "--json", json.string()});
    status = program.wait(kBrowsersTake);
    output = program.output();
  }
  EXPECT_EQ(status, 0) << output;
  const auto text = read_file(json, 64u << 20);
  ASSERT_TRUE(text) << output;
  const auto runs = Json::parse(*text, {64u << 20, 64}).and_then(scenarios::runs_of);
  ASSERT_TRUE(runs) << runs.error().message;
  ASSERT_EQ(runs->size(), 1u);
  const scenarios::Evidence& evidence = runs->front().evidence;
  ASSERT_NE(evidence.actor("browser"), nullptr);
  EXPECT_EQ(evidence.actor("browser")->browser, GetParam());
  const auto pairs_of = [&](const std::string& who) {
    return std::count_if(evidence.pairs.begin(), evidence.pairs.end(),
                         [&](const auto& pair) { return pair.actor == who; });
  };
  EXPECT_GE(pairs_of("browser"), 1);
  EXPECT_GE(pairs_of("bot"), 1);
}

INSTANTIATE_TEST_SUITE_P(Both, ScenarioPageTest, testing::Values("chromium", "firefox"),
                         [](const auto& info) { return std::string(info.param); });

using ScenarioChromiumTest = ScenarioPageTest;

TEST_P(ScenarioChromiumTest, OneThatIsNotLetInEndsTheRun) {
  test::RoomHost host(loop_);
  const std::string url = host.url();
  host.kill();
  decode("url: " + url +
         "\nactors: {page: {browser: chromium}}\nsteps: [{do: join, who: page, timeout: 60s}]\n");
  run();
  EXPECT_FALSE(evidence_->established);
  EXPECT_THAT(evidence_->ended, HasSubstr("page: "));
}

TEST_P(ScenarioChromiumTest, MessagesAndFilesGoBothWays) {
  test::TempFolder folder;
  const fs::path notes = folder.path() / "notes.txt";
  ASSERT_TRUE(write_atomically(notes, std::string(40'000, 'n')));
  decode(R"(
actors: {page: {browser: chromium, send: cam, verify: headers}, bot: {send: cam}}
steps:
  - {do: join, who: bot, timeout: 60s}
  - {do: join, who: page, timeout: 90s}
  - {do: message, who: page, text: "it's \"me\"", timeout: 30s}
  - {expect: message, who: bot, from: page, text: "it's \"me\"", within: 20s}
  - {do: message, who: bot, text: hello, timeout: 30s}
  - {expect: message, who: page, from: bot, text: hello, within: 20s}
  - {do: file, who: page, path: ")" +
         notes.string() + R"(", timeout: 60s}
  - {expect: file, who: bot, from: page, within: 20s}
  - {do: file, who: bot, path: ")" +
         notes.string() + R"(", timeout: 60s}
  - {expect: file, who: page, from: bot, within: 20s}
)");
  run();
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
}

// The marks of whom it echoes are an echo's own.
TEST_P(ScenarioChromiumTest, ReadsWhatAnEchoSends) {
  using test::Program;
  Program server(loop_, Program::callbot({"serve", "--listen", "127.0.0.1:0"}));
  const auto page = server.event("serving").at("url").text();
  ASSERT_TRUE(page) << server.output();
  const std::string room = "ws" + page->substr(4) + "/rooms/demo";
  Program echo(loop_, Program::callbot({"send", room, "--name", "echo", "--echo", "bot"}));
  ASSERT_FALSE(echo.event("joined").is_null()) << echo.output();
  decode("url: " + room + R"(
actors:
  echo: {elsewhere: true, echo: bot}
  page: {browser: chromium, verify: all}
  bot: {send: cam, receive: none}
steps:
  - {do: join, who: bot, timeout: 60s}
  - {do: join, who: page, timeout: 90s}
  - {expect: seen, who: page, from: echo, within: 60s}
  - {expect: seen, who: page, from: bot, within: 60s}
  - mark: steady
  - wait: 3s
  - mark: end
timeline:
  - {between: [steady, end], who: page, must_see: "*", grace: 3s}
thresholds:
  - {metric: video.marked, stat: total, op: ">", value: 30, from: echo, between: [steady, end]}
  - {metric: video.e2e_delay, stat: count, op: ">", value: 30, from: echo, between: [steady, end]}
  - {metric: identity.wrong, stat: total, op: "==", value: 0}
)");
  run();
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text() << echo.output();
}

// Measured by the browser (getStats) on the other side of a relay: less is sent where less fits,
// and all of it again when there is room.
TEST_P(ScenarioChromiumTest, SeesTheBotFallAndClimbWithItsLine) {
  undisturbed([&] {
    decode(R"(
  wide:
    video: {source: pattern, size: 640x360, fps: 30, bitrate: 1500 kbit/s}
    audio: pattern
networks:
  good: {up: {rate: 2 Mbit/s, queue: 300ms, delay: 20ms}}
  narrow: {up: {rate: 300 kbit/s, queue: 300ms, delay: 20ms}}
  lossy: {up: {loss: 5%, delay: 20ms}}
actors: {bot: {send: wide, network: good}, page: {browser: chromium, verify: headers}}
steps:
  - {do: join, who: bot}
  - {do: join, who: page, timeout: 90s}
  - {expect: size, who: page, from: bot, size: 640x360, within: 20s}
  - wait: 5s
  - {do: network, who: bot, set: narrow, verify: true}
  - {expect: size, who: page, from: bot, size: 160x90, within: 10s}
  - mark: settled
  - wait: 5s
  - mark: back
  - {do: network, who: bot, set: good}
  - {expect: size, who: page, from: bot, size: 640x360, within: 10s}
  - {do: network, who: bot, set: lossy, verify: true}
  - mark: loss
  - wait: 10s
  - mark: end
thresholds:
  - {metric: rtp.bitrate, stat: max, op: <=, value: 300 kbit/s, who: page, stream: camera, between: [settled, back]}
  - {metric: rtp.nack, stat: total, op: ">=", value: 1, who: page, between: [loss, end]}
  - {metric: video.freeze, stat: max, op: <=, value: 1s, who: page, between: [loss, end]}
)");
    run();
    if (!evidence_) return;
    EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
  });
}

// Two bots and a browser, whose own line gets narrow: both share it, and have it between themselves
// as it was.
TEST_P(ScenarioChromiumTest, HasALineOfItsOwn) {
  undisturbed([&] {
    decode(R"(
networks:
  wide: {down: {delay: 20ms}, up: {delay: 100ms}}
  lossy: {down: {delay: 20ms}, up: {delay: 100ms, loss: 10%}}
actors:
  bot: {count: 2, send: cam, verify: all}
  page: {browser: chromium, send: cam, network: wide, verify: all}
steps:
  - {do: join, who: bot}
  - {do: join, who: page, timeout: 90s}
  - {expect: seen, who: bot, from: page, within: 20s}
  - mark: seen
  - wait: 5s
  - mark: loss
  - {do: network, who: page, set: lossy, verify: true}
  - wait: 5s
  - mark: end
  - {do: leave, who: "*"}
thresholds:
  - {metric: video.network_delay, stat: p50, op: ">=", value: 80ms, who: bot, from: page, between: [seen, loss]}
  - {metric: video.network_delay, stat: p50, op: <=, value: 60ms, who: bot-1, from: bot-2, between: [seen, loss]}
  - {metric: rtp.nack, stat: total, op: ">=", value: 1, who: bot-2, from: page, between: [loss, end]}
  - {metric: rtp.nack, stat: total, op: "==", value: 0, who: bot-2, from: bot-1, between: [loss, end]}
  - {metric: recovery_time, stat: count, op: ">=", value: 1, who: page, from: bot-1}
  - {metric: recovery_time, stat: count, op: ">=", value: 1, who: bot-1, from: page}
)");
    run();
    if (!evidence_) return;
    EXPECT_EQ(judged().verdict, Verdict::kPass) << text();
    ASSERT_EQ(evidence_->networks.size(), 2u);
    for (const auto& network : evidence_->networks) {
      EXPECT_EQ(network.actor, "page");
      EXPECT_EQ(network.outcome, scenarios::Outcome::kDone) << network.text;
    }
    EXPECT_THAT(evidence_->networks[1].text,
                HasSubstr("seen: up: random loss, delay; down: delay"));
  });
}

// Twice, in its camera's place. It carries no marks: whether it comes is seen by its pictures, and
// what is measured of the camera does not suffer from it.
TEST_P(ScenarioChromiumTest, ItsScreenComesAndGoes) {
  decode(R"(
actors:
  page: {browser: chromium, send: cam, verify: all}
  other: {browser: chromium, verify: all}
  bot: {send: cam, verify: all}
steps:
  - {do: join, who: bot}
  - {do: join, who: "*", timeout: 90s}
  - {expect: seen, who: "*", from: page, stream: camera, within: 60s}
  - {expect: unseen, who: bot, from: page, stream: screen, for: 1s}
  - {do: share-screen, who: page, timeout: 30s}
  - {expect: first-frame, who: "*", from: page, stream: screen, within: 20s}
  - {expect: unseen, who: bot, from: page, stream: camera, for: 2s, grace: 1s}
  - {do: mute, who: page, timeout: 30s}
  - {do: unmute, who: page, timeout: 30s}
  - {do: unshare-screen, who: page, timeout: 30s}
  - {expect: seen, who: "*", from: page, stream: camera, within: 20s}
  - {expect: unseen, who: bot, from: page, stream: screen, for: 2s, grace: 1s}
  - {do: camera-off, who: page, timeout: 30s}
  - {do: share-screen, who: page, timeout: 30s}
  - mark: again
  - {expect: metric, who: bot, from: page, metric: video.decoded, stat: total, op: ">", value: 5, stream: screen, within: 20s}
  - mark: end
  - {do: unshare-screen, who: page, timeout: 30s}
  - {do: camera-on, who: page, timeout: 30s}
  - {expect: seen, who: bot, from: page, stream: camera, within: 20s}
  - {do: leave, who: "*", timeout: 30s}
thresholds:
  - {metric: video.marked, stat: total, op: ">", value: 30, who: bot, from: page, stream: camera}
  - {metric: video.unread, stat: total, op: "==", value: 0, who: bot, from: page, stream: camera}
  - {metric: video.unread, stat: total, op: "==", value: 0, who: other, from: page, stream: camera}
  - {metric: identity.wrong, stat: total, op: "==", value: 0, who: bot, per: stream}
  - {metric: mute_leak, stat: total, op: "==", value: 0, who: bot, from: page, stream: camera}
  - {metric: rtp.packets, stat: total, op: ">", value: 10, who: "*", from: page, stream: screen}
  - {metric: video.decoded, stat: total, op: ">", value: 10, who: "*", from: page, stream: screen}
  - {metric: send.frames, stat: total, op: ">", value: 10, who: page, stream: screen}
)");
  run();
  std::string unread;
  for (const Series& series : evidence_->series)
    for (const Sample& sample : series.samples)
      if (series.metric == "video.unread" && sample.value > 0)
        unread += series.actor + " at " + std::to_string(evidence_->seconds(sample.at_ns)) + " s\n";
  for (const auto& step : evidence_->steps)
    unread += step.what + " from " + std::to_string(evidence_->seconds(step.span.from_ns)) + " s\n";
  EXPECT_EQ(judged().verdict, Verdict::kPass) << text() << "unread:\n" << unread;
}

INSTANTIATE_TEST_SUITE_P(Only, ScenarioChromiumTest, testing::Values("chromium"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace callbot::bot
