#include "bot/scenario_sending.h"

#include <gmock/gmock.h>
#include <gst/gst.h>

#include "bot/scenario_post.h"
#include "tests/support/clips.h"
#include "tests/support/scenario_runs.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using scenarios::Outcome;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ScenarioSendingTest : public test::ScenarioRuns {
 protected:
  void SetUp() override { g_setenv("XDG_CACHE_HOME", folder_.path().c_str(), TRUE); }

  // Alice sends `media`, bob listens.
  void run(const std::string& media, const std::string& steps) {
    const std::string text =
        "callbot: 1\nname: t\nmedia:\n  it: {" + media +
        "}\n  slides: {video: {source: screen, size: 320x240, fps: 5, bitrate: 100 kbit/s}}\n"
        "actors: {alice: {send: it}, bob: }\nsteps:\n  - {do: join, who: '*', timeout: 30s}\n" +
        steps;
    run_text(text);
  }
  void run_text(const std::string& text) {
    auto scenario = scenarios::decode_scenario(text, "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    start(*scenario);
    ASSERT_TRUE(ended());
  }
  // What was not done; nothing: all was.
  std::string undone() const {
    std::string out = evidence_->ended;
    for (const auto& step : evidence_->steps)
      if (step.outcome != Outcome::kDone) out += step.what + ": " + step.text + "\n";
    for (const auto& event : evidence_->events)
      if (event.unexpected) out += "unexpected: " + event.kind + " " + event.text + "\n";
    return out;
  }
  std::string clip(const char* name) {
    return test::pattern_clip(folder_.path() / name, {.seconds = 1}).string();
  }

  test::TempFolder folder_;
};

constexpr const char* kSmall =
    "video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s}, audio: pattern";

TEST_F(ScenarioSendingTest, AFileIsSentAsItIs) {
  const auto file = clip("a.nut");
  run("video: {file: " + file + "}, audio: {file: " + file + "}", R"(
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x180, within: 20s}
  - {expect: codec, who: bob, from: alice, stream: microphone, codec: opus, within: 20s}
  - {do: camera-off, who: alice}
  - {do: camera-on, who: alice}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 0, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, AStillPictureOfAnotherSizeWithSilence) {
  const auto png =
      test::converted(clip("a.nut"), folder_.path() / "a.png", {"-frames:v", "1", "-update", "1"});
  run("video: {file: " + png.string() + ", size: 160x120, codec: h264}, audio: silence", R"(
  - {expect: size, who: bob, from: alice, size: 160x120, within: 20s}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: h264, within: 20s}
  - {expect: codec, who: bob, from: alice, stream: microphone, codec: opus, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, ScreensAreScreensAndKeysAreHeard) {
  run("video: {source: screen, size: 640x360, fps: 5, bitrate: 100 kbit/s}, "
      "audio: {source: dtmf, digits: '12#'}",
      R"(
  - {expect: size, who: bob, from: alice, stream: screen, size: 640x360, within: 20s}
  - {expect: codec, who: bob, from: alice, stream: microphone, codec: opus, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, WordsAreHeardAndBlackIsAPicture) {
  run_text(R"(callbot: 1
name: t
media:
  it:
    video: {source: black, size: 320x180, fps: 10, bitrate: 100 kbit/s}
    audio: {source: say, words: one two three}
actors: {alice: {send: it}, bob: {verify: all}}
steps:
  - {do: join, who: '*', timeout: 30s}
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x180, within: 20s}
  - {expect: metric, who: bob, from: alice, stream: microphone, metric: audio.level, stat: max, op: ">", value: -40dBFS, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, AFileWithoutAPictureEndsTheRunBeforeAnybodyJoins) {
  const fs::path film = folder_.path() / "film.y4m";
  ASSERT_TRUE(write_atomically(film, "YUV4MPEG2 W160 H90 F15:1\nFRAME\nno more"));
  run("video: {file: " + film.string() + "}", "  - wait: 1h\n");
  EXPECT_FALSE(evidence_->established);
  EXPECT_THAT(evidence_->ended, HasSubstr("alice: "));
  EXPECT_THAT(evidence_->ended, HasSubstr("film.y4m"));
  EXPECT_THAT(evidence_->steps, IsEmpty());
}

// In both orders: who comes later offers.
class ScenarioScreen : public ScenarioSendingTest,
                       public ::testing::WithParamInterface<const char*> {};

TEST_P(ScenarioScreen, IsASecondPictureBesideTheCamera) {
  const std::string text = std::string("callbot: 1\nname: t\nmedia:\n  it: {") + kSmall +
                           "}\n  slides: {video: {source: screen, size: 320x240, fps: 5, "
                           "bitrate: 100 kbit/s}}\n";
  const bool alice_first = std::string_view(GetParam()) == "alice";
  const std::string joins =
      alice_first ? "  - {do: join, who: alice, timeout: 30s}\n  - {do: join, who: bob, timeout: "
                    "30s}\n"
                  : "  - {do: join, who: bob, timeout: 30s}\n  - {do: join, who: alice, timeout: "
                    "30s}\n";
  run_text(text + "actors: {alice: {send: it}, bob: {send: it}}\nsteps:\n" + joins + R"(
  - {expect: size, who: bob, from: alice, stream: camera, size: 160x90, within: 20s}
  - {do: share-screen, who: alice, media: slides}
  - {expect: size, who: bob, from: alice, stream: screen, size: 320x240, within: 20s}
  - {expect: size, who: bob, from: alice, stream: camera, size: 160x90, within: 20s}
  - {do: unshare-screen, who: alice}
  - {expect: metric, who: bob, from: alice, stream: screen, metric: rtp.packets, stat: total, op: "==", value: 0, for: 2s, within: 20s}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 0, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(First, ScenarioScreen, ::testing::Values("alice", "bob"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(ScenarioSendingTest, ThePatternSwitches) {
  run(kSmall, R"(
  - {expect: size, who: bob, from: alice, stream: camera, size: 160x90, within: 20s}
  - {do: switch, who: alice, size: 320x180, bitrate: 200 kbit/s}
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x180, within: 20s}
  - {do: switch, who: alice, fps: 20}
)");
  EXPECT_THAT(undone(), IsEmpty());
  for (const size_t at : {2, 4})
    EXPECT_THAT(evidence_->steps[at].text, HasSubstr("from frame ")) << at;
}

// In both orders: who comes later offers.
class ScenarioCodec : public ScenarioSendingTest,
                      public ::testing::WithParamInterface<const char*> {};

TEST_P(ScenarioCodec, ThePatternGoesOnInAnotherAndComesBack) {
  const std::string other = std::string_view(GetParam()) == "alice" ? "bob" : "alice";
  run_text(std::string("callbot: 1\nname: t\nmedia:\n  it: {") + kSmall + R"(}
actors: {alice: {send: it}, bob: {verify: all}}
steps:
  - {do: join, who: )" +
           GetParam() + R"(, timeout: 30s}
  - {do: join, who: )" +
           other + R"(, timeout: 30s}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: vp8, within: 20s}
  - {do: switch, who: alice, size: 320x180}
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x180, within: 20s}
  - {do: switch, who: alice, codec: h264}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: h264, for: 2s, within: 20s}
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x180, within: 20s}
  - {expect: seen, who: bob, from: alice, for: 2s, within: 20s}
  - {do: switch, who: alice, codec: vp8}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: vp8, for: 2s, within: 20s}
  - {expect: seen, who: bob, from: alice, for: 2s, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
  const auto series = [&](const char* metric) -> const Series& {
    for (const Series& one : evidence_->series)
      if (one.metric == metric && one.actor == "bob" && one.stream == "camera") return one;
    ADD_FAILURE() << metric;
    static const Series none;
    return none;
  };
  EXPECT_EQ(series("join.first_frame").samples.size(), 1U);
  EXPECT_GT(series("video.marked").samples.size(), 2U);
  for (const char* none : {"video.missing", "video.duplicate", "video.pause", "identity.wrong"})
    for (const Sample& one : series(none).samples) EXPECT_EQ(one.value, 0) << none;
  ASSERT_FALSE(series("video.psnr").samples.empty());
  for (const Sample& one : series("video.psnr").samples) EXPECT_GT(one.value, 20);
}

INSTANTIATE_TEST_SUITE_P(First, ScenarioCodec, ::testing::Values("alice", "bob"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(ScenarioSendingTest, AFileGoesOnInAnotherCodec) {
  const auto file = clip("a.nut");
  run("video: {file: " + file + "}, audio: {file: " + file + "}", R"(
  - {expect: codec, who: bob, from: alice, stream: camera, codec: vp8, within: 20s}
  - {do: switch, who: alice, codec: h264}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: h264, for: 2s, within: 20s}
  - {expect: codec, who: bob, from: alice, stream: microphone, codec: opus, within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, OneMediaTakesTheOthersPlaceAndGivesItBack) {
  const auto file = clip("a.nut");
  run(std::string(kSmall) + "}\n  film: {video: {file: " + file + "}, audio: {file: " + file + "}",
      R"(
  - {expect: size, who: bob, from: alice, stream: camera, size: 160x90, within: 20s}
  - {do: switch, who: alice, media: film}
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x180, within: 20s}
  - {do: switch, who: alice, media: it}
  - {expect: size, who: bob, from: alice, stream: camera, size: 160x90, within: 20s}
  - {do: switch, who: alice, media: slides}
  - {expect: size, who: bob, from: alice, stream: camera, size: 320x240, within: 20s}
  - {expect: metric, who: bob, from: alice, stream: microphone, metric: rtp.packets, stat: total, op: "==", value: 0, for: 2s, within: 20s}
thresholds: [{metric: call.reconnects, stat: total, op: "==", value: 0, who: "*"}, {metric: rtp.lost, stat: total, op: "==", value: 0, who: bob, from: alice}]
)");
  EXPECT_THAT(undone(), IsEmpty());
  const auto judged = scenarios::judge(scenario_, *evidence_);
  for (const auto& one : judged.cases)
    EXPECT_EQ(one.verdict, scenarios::Verdict::kPass) << one.name << ": " << one.text;
}

TEST_F(ScenarioSendingTest, TwoWhoSendDifferentCodecsSeeEachOther) {
  run_text(R"(callbot: 1
name: t
media:
  his: {video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s}}
  hers: {video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s, codec: h264}}
actors: {alice: {send: hers, verify: all}, bob: {send: his, verify: all}}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: codec, who: bob, from: alice, stream: camera, codec: h264, within: 20s}
  - {expect: codec, who: alice, from: bob, stream: camera, codec: vp8, within: 20s}
  - {expect: seen, who: "*", from: "*", within: 20s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, MessagesAndFilesArrive) {
  // Larger than what a channel takes at once.
  const std::string file = (folder_.path() / "plan.bin").string();
  ASSERT_TRUE(write_atomically(file, std::string(3'000'000, 'x') + "end"));
  run(kSmall, R"(
  - {do: message, who: alice, text: good morning, timeout: 30s}
  - {expect: message, who: bob, from: alice, text: good morning, within: 20s}
  - {do: message, who: bob, to: alice, text: hi, timeout: 30s}
  - {expect: message, who: alice, from: bob, within: 20s}
  - {do: file, who: bob, path: )" +
                  file + R"(, timeout: 60s}
  - {expect: file, who: alice, from: bob, within: 60s}
)");
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(ScenarioSendingTest, WhatNobodyCanGetFails) {
  run(kSmall, R"(
  - {run: ["true"]}
  - {do: file, who: alice, path: /no/such/file}
  - {do: leave, who: bob}
  - {do: message, who: alice, text: anybody there}
)");
  EXPECT_THAT(undone(), HasSubstr("/no/such/file"));
  EXPECT_THAT(undone(), HasSubstr("alice: nobody is there who could get it"));
}

TEST(IncomingFilesTest, OnlyWholeFilesArrive) {
  IncomingFiles files;
  files.begin("a", {"x.txt", 5});
  files.take("a", "hello");
  const FileEnd good{sha256_hex("hello")}, bad{sha256_hex("jello")};
  EXPECT_EQ(files.end("a", &good).value(), "x.txt");
  EXPECT_FALSE(files.end("a", &good));
  for (const FileEnd* end : {&bad, static_cast<const FileEnd*>(nullptr)}) {
    files.begin("a", {"x.txt", 5});
    files.take("a", "hello");
    EXPECT_FALSE(files.end("a", end));
  }
  files.begin("a", {"x.txt", 5});
  files.take("a", "hell");
  const auto shorter = files.end("a", &good);
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().message, "of x.txt came 4 of 5 bytes");
}

}  // namespace
}  // namespace callbot::bot
