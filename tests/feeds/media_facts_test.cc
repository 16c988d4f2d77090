#include "feeds/media_facts.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/clips.h"
#include "tests/support/temp_folder.h"

namespace callbot::feeds {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MediaFactsTest : public testing::Test {
 protected:
  Result<MediaFacts> facts(const fs::path& path) const {
    auto file = InputFile::open(path);
    if (!file) return tl::unexpected(file.error());
    return examine(**file);
  }
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  fs::path source() const {
    const auto path = at("source.nut");
    return fs::exists(path) ? path : pattern_clip(path, {.seconds = 3});
  }
  TempFolder folder_;
};

TEST_F(MediaFactsTest, OurOwnClipsAreSentAsTheyAre) {
  const auto found = facts(source());
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(found->video && found->audio);
  EXPECT_EQ(found->video->codec, "vp8");
  EXPECT_THAT(found->video->why_not, IsEmpty());
  EXPECT_EQ(found->video->width, 320);
  EXPECT_EQ(found->video->fps, 30);
  EXPECT_EQ(found->video->packets, 90u);
  EXPECT_EQ(found->video->key_ns.size(), 3u);
  EXPECT_LE(found->video->key_distance_ns, 1'000'000'000);
  EXPECT_EQ(found->audio->codec, "opus");
  EXPECT_THAT(found->audio->why_not, IsEmpty());
  EXPECT_EQ(found->audio->packet_ns, 20'000'000);
  EXPECT_NEAR(static_cast<double>(found->length_ns), 3e9, 1e5);
}

struct Fit {
  const char* name;
  const char* file;
  std::vector<std::string> how;
  bool video;
  const char* obstacle;  // null: none
};
class MediaFit : public MediaFactsTest, public testing::WithParamInterface<Fit> {};

TEST_P(MediaFit, SaysWhyNot) {
  const Fit& fit = GetParam();
  const auto found = facts(converted(source(), at(fit.file), fit.how));
  ASSERT_TRUE(found) << found.error().message;
  const auto& track = fit.video ? found->video : found->audio;
  ASSERT_TRUE(track);
  if (fit.obstacle != nullptr)
    EXPECT_THAT(track->why_not, HasSubstr(fit.obstacle));
  else
    EXPECT_THAT(track->why_not, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    , MediaFit,
    testing::Values(
        Fit{"BaselineInMp4",
            "a.mp4",
            {"-an", "-c:v", "libx264", "-profile:v", "baseline", "-g", "30"},
            true,
            nullptr},
        Fit{"BFrames",
            "a.mp4",
            {"-an", "-c:v", "libx264", "-bf", "2", "-g", "30"},
            true,
            "expected constrained baseline"},
        Fit{"FarKeyFrames",
            "a.webm",
            {"-an", "-c:v", "libvpx", "-g", "1000"},
            true,
            "key frames up to 3.0 s apart, expected at most 2 s"},
        Fit{"NearKeyFrames", "a.webm", {"-an", "-c:v", "libvpx", "-g", "30"}, true, nullptr},
        Fit{"Vp9",
            "a.webm",
            {"-an", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "30"},
            true,
            nullptr},
        Fit{"Vp9OfTenBits",
            "a.webm",
            {"-an", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "yuv420p10le"},
            true,
            "VP9 profile 2"},
        Fit{"Mpeg4", "a.avi", {"-an", "-c:v", "mpeg4"}, true, "mpeg4 is not sent in calls"},
        Fit{"OpusInOgg", "a.opus", {"-vn", "-c:a", "copy"}, false, nullptr},
        Fit{"Pcmu", "a.wav", {"-vn", "-c:a", "pcm_mulaw", "-ar", "8000"}, false, nullptr},
        Fit{"PcmuTooFast",
            "a.wav",
            {"-vn", "-c:a", "pcm_mulaw", "-ar", "16000"},
            false,
            "expected 8000 Hz mono"},
        Fit{"Aac", "a.m4a", {"-vn", "-c:a", "aac"}, false, "aac is not sent in calls"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(MediaFactsTest, WhatIsNoMediaIsSaidWithItsName) {
  const auto write = [&](const char* name, const std::string& bytes) {
    std::ofstream(at(name), std::ios::binary) << bytes;
    return at(name);
  };
  const auto whole = *read_file(source(), 100'000'000);
  const auto mp4 =
      *read_file(converted(source(), at("b.mp4"), {"-an", "-c:v", "libx264"}), 1 << 28);
  const auto mkv = *read_file(converted(source(), at("b.mkv"), {"-c", "copy"}), 1 << 28);
  fs::create_directory(at("folder"));
  const struct {
    fs::path path;
    Code code;
    const char* says;
  } cases[] = {
      {write("notes.txt", std::string(3000, 'a') + "\nhello\n"), Code::kBadInput,
       "notes.txt: Invalid data found when processing input; expected a media file"},
      {write("empty.mkv", ""), Code::kBadInput, "empty.mkv: is empty; expected a media file"},
      {write("half.mp4", mp4.substr(0, mp4.size() / 2)), Code::kBadInput, "half.mp4: "},
      {write("half.mkv", mkv.substr(0, mkv.size() / 2)), Code::kBadInput,
       "s of 3.0 s: it is cut off; expected a whole file"},
      {at("none.mkv"), Code::kStorage, "none.mkv"},
      {at("folder"), Code::kBadInput, "folder"},
  };
  for (const auto& one : cases) {
    const auto found = facts(one.path);
    ASSERT_FALSE(found) << one.path;
    EXPECT_EQ(found.error().code, one.code) << found.error().message;
    EXPECT_THAT(found.error().message, HasSubstr(one.says));
    EXPECT_THAT(found.error().message, HasSubstr(one.path.filename().string()));
  }
}

TEST_F(MediaFactsTest, AnInterruptedLookSaysSo) {
  auto file = InputFile::open(source());
  ASSERT_TRUE(file);
  const auto found = examine(**file, [](double) { return false; });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kInterrupted);
}

}  // namespace
}  // namespace callbot::feeds
