#include "bot/pattern.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/files.h"
#include "recordings/probe.h"
#include "tests/support/command_line.h"
#include "tests/support/exported.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using test::Exported;
using ::testing::HasSubstr;

class PatternVerb : public testing::Test {
 protected:
  PatternOptions small(const char* to, const char* audio = "") const {
    PatternOptions o;
    if (*to != 0) o.to = folder_.path() / to;
    if (*audio != 0) o.audio = folder_.path() / audio;
    o.width = 320;
    o.height = 180;
    o.seconds = 2;
    o.seed = 515;
    return o;
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  test::TempFolder folder_;
};

class PatternForm : public PatternVerb, public testing::WithParamInterface<const char*> {};

TEST_P(PatternForm, EveryPictureAndChirpIsReadBackWhereItBelongs) {
  auto options = small(GetParam(), "feed.wav");
  ASSERT_TRUE(write_pattern(options, {}));
  const Exported film(options.to), wav(options.audio);
  ASSERT_EQ(film.video.pictures.size(), 60u);
  for (size_t i = 0; i < film.video.pictures.size(); ++i) {
    const auto& picture = film.video.pictures[i];
    ASSERT_TRUE(picture.mark) << i;
    EXPECT_EQ(picture.mark->counter, i);
    EXPECT_EQ(picture.mark->source, 515);
    EXPECT_EQ(picture.mark->flags, i % 30 == 0 ? kMarkChirp : 0);
  }
  ASSERT_EQ(wav.audio.chirps.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(wav.audio.chirps[i].time, static_cast<double>(i), 0.0001);
    EXPECT_EQ(wav.audio.chirps[i].up, chirp_goes_up(515, i));
  }
  // Where both are in one file: chirp and flagged picture are one moment, but for what the
  // container rounds (a millisecond in Matroska).
  if (!film.audio.chirps.empty()) {
    const auto skews = film.skews();
    EXPECT_EQ(skews.size(), 2u);
    for (const auto& [time, skew] : skews) EXPECT_LT(std::abs(skew), 0.0015) << time;
  }
}

TEST_P(PatternForm, TheSameOptionsGiveTheSameBytes) {
  std::vector<std::string> sums;
  for (const char* name : {"a", "b"}) {
    auto options =
        small((std::string(name) + GetParam()).c_str(), (std::string(name) + ".wav").c_str());
    ASSERT_TRUE(write_pattern(options, {}));
    for (const auto& path : {options.to, options.audio}) sums.push_back(*sha256_file(path));
  }
  EXPECT_EQ(sums[0], sums[2]);
  EXPECT_EQ(sums[1], sums[3]);
  auto other = small((std::string("c") + GetParam()).c_str());
  other.seed = 516;
  ASSERT_TRUE(write_pattern(other, {}));
  EXPECT_NE(*sha256_file(other.to), sums[0]);
}

INSTANTIATE_TEST_SUITE_P(, PatternForm,
                         testing::Values("f.y4m", "f.mjpeg", "f.mkv", "f.webm", "f.nut"),
                         [](const auto& test) { return std::string(test.param).substr(2); });

// What a fake device does at the end of its file.
TEST_F(PatternVerb, PlayedAgainNoPictureAndNoChirpIsCut) {
  auto options = small("feed.y4m", "feed.wav");
  ASSERT_TRUE(write_pattern(options, {}));
  const auto list = (folder_.path() / "list").string();
  const auto twice = (folder_.path() / "twice.wav").string();
  const std::string line = "file '" + options.audio.string() + "'\n";
  ASSERT_TRUE(write_atomically(list, line + line + line));
  const auto said = test::ask(
      {"ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", list, "-c", "copy", twice});
  ASSERT_EQ(said.status, 0) << said.text;
  const Exported sound(twice);
  ASSERT_EQ(sound.audio.chirps.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(sound.audio.chirps[i].time, static_cast<double>(i), 0.0001);
    EXPECT_EQ(sound.audio.chirps[i].up, chirp_goes_up(515, i % 2));
  }
  EXPECT_DOUBLE_EQ(Exported(options.audio).duration, 2);
  EXPECT_DOUBLE_EQ(Exported(options.to).duration, 2);
}

// Chromium's y4m and MJPEG readers: plain 4:2:0, "FRAME" lines; JPEGs one after the other.
TEST_F(PatternVerb, IsWhatChromiumReads) {
  auto options = small("feed.y4m");
  ASSERT_TRUE(write_pattern(options, {}));
  const std::string y4m = *read_file(options.to, 100'000'000);
  const std::string head = y4m.substr(0, y4m.find('\n'));
  EXPECT_THAT(head, HasSubstr("YUV4MPEG2 W320 H180 F30:1 Ip"));
  EXPECT_THAT(head, HasSubstr(" C420"));
  EXPECT_EQ(y4m.size(), head.size() + 1 + 60 * (6 + 320 * 180 * 3 / 2));
  options = small("feed.mjpeg");
  ASSERT_TRUE(write_pattern(options, {}));
  const std::string mjpeg = *read_file(options.to, 100'000'000);
  EXPECT_EQ(mjpeg.substr(0, 3), "\xff\xd8\xff");
  EXPECT_EQ(mjpeg.substr(mjpeg.size() - 2), "\xff\xd9");
  EXPECT_LT(mjpeg.size(), y4m.size() / 4);
}

TEST_F(PatternVerb, WithoutASoundNoPictureClaimsOne) {
  auto options = small("feed.y4m");
  ASSERT_TRUE(write_pattern(options, {}));
  for (const auto& picture : Exported(options.to).video.pictures) EXPECT_EQ(picture.mark->flags, 0);
}

TEST_F(PatternVerb, InterruptedItLeavesNothing) {
  const auto options = small("feed.y4m", "feed.wav");
  const auto done = write_pattern(options, [](double) { return false; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kInterrupted);
  EXPECT_EQ(files(), 0u);
}

TEST_F(PatternVerb, WhatCannotBeWrittenIsSaid) {
  const struct {
    const char *to, *audio;
    std::function<void(PatternOptions&)> change;
    Code code;
    const char* says;
  } cases[] = {
      {"", "", {}, Code::kUsage, "--to"},
      {"feed.avi", "", {}, Code::kUsage, "feed.avi: expected a name that ends in .y4m"},
      {"feed.y4m", "feed.mp3", {}, Code::kUsage, "feed.mp3: expected a name that ends in .wav"},
      {"feed.mjpeg", "", [](auto& o) { o.fps = 25; }, Code::kUsage, "expected --fps 30"},
      {"feed.y4m", "", [](auto& o) { o.width = 20; }, Code::kUsage, "20x180"},
      {"none/feed.y4m", "", {}, Code::kStorage, "none/feed.y4m"},
  };
  for (const auto& one : cases) {
    auto options = small(one.to, one.audio);
    if (one.change) one.change(options);
    const auto done = write_pattern(options, {});
    ASSERT_FALSE(done) << one.says;
    EXPECT_EQ(done.error().code, one.code) << one.says;
    EXPECT_THAT(done.error().message, HasSubstr(one.says));
    EXPECT_EQ(files(), 0u) << one.says;
  }
}

TEST(PatternCommandLine, SaysWhatItIsTold) {
  const auto o = options<PatternOptions>({"pattern", "--to", "f.mjpeg", "--audio", "f.wav",
                                          "--size", "640x360", "--seconds", "15", "--seed", "7",
                                          "--source", "300", "--name", "anna"});
  EXPECT_EQ(o.to, "f.mjpeg");
  EXPECT_EQ(o.audio, "f.wav");
  EXPECT_EQ(o.width, 640);
  EXPECT_EQ(o.seconds, 15);
  EXPECT_EQ(o.seed, 7u);
  EXPECT_EQ(o.source_id(), 300);
  EXPECT_EQ(o.name, "anna");
  EXPECT_EQ(options<PatternOptions>({"pattern", "--to", "f.y4m", "--seed", "9"}).source_id(), 9);
  EXPECT_THAT(complaint({"pattern", "--seconds", "1.5"}), HasSubstr("--seconds"));
}

}  // namespace
}  // namespace callbot::bot
