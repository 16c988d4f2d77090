#include "feeds/prepare.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "tests/support/clips.h"
#include "tests/support/temp_folder.h"

namespace callbot::feeds {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PrepareTest : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  fs::path cache() const { return at("cache"); }
  fs::path film() const {
    return converted(pattern_clip(at("a.nut"), {.seconds = 3}), at("film.mkv"),
                     {"-c:v", "libx264", "-bf", "2", "-g", "250", "-c:a", "aac"});
  }
  std::vector<fs::path> cached() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(cache())) all.push_back(entry.path());
    return all;
  }
  PreparedClip one(const FeedItem& item, const FeedWish& wish = {}) {
    auto clips = prepare({item}, wish, ClipCache(cache()), {});
    EXPECT_TRUE(clips) << clips.error().message;
    return clips ? std::move(clips->front()) : PreparedClip();
  }
  TempFolder folder_;
};

TEST_F(PrepareTest, WhatDoesNotFitIsEncodedOnceAndReadable) {
  const auto path = film();
  int encodings = 0;
  const FeedProgress count = [&](const std::string& what, double) {
    encodings += what.starts_with("encoding") ? 1 : 0;
    return true;
  };
  auto clips = prepared({path}, cache(), {}, count);
  ASSERT_TRUE(clips) << clips.error().message;
  const PreparedClip& clip = clips->front();
  EXPECT_THAT(clip.video_encoded, HasSubstr("expected constrained baseline"));
  EXPECT_THAT(clip.audio_encoded, HasSubstr("aac"));
  EXPECT_EQ(clip.facts.video->codec, "vp8");
  EXPECT_THAT(clip.facts.video->why_not, IsEmpty());
  EXPECT_LE(clip.facts.video->key_distance_ns, 1'034'000'000);  // the second, and a frame
  EXPECT_NEAR(static_cast<double>(clip.facts.length_ns), 3e9, 5e7);
  EXPECT_GT(encodings, 0);
  ASSERT_EQ(cached().size(), 1u);
  const Exported found(cached()[0]);
  EXPECT_EQ(found.counters().size(), 90u);
  for (size_t i = 0; i < 90; ++i) EXPECT_EQ(found.counters()[i], static_cast<int64_t>(i));
  // As far apart as they were: AAC in Matroska is some milliseconds off already.
  const auto before = Exported(path).skews(), after = found.skews();
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i].skew, before[i].skew, 0.001) << i;

  encodings = 0;
  ASSERT_TRUE(prepared({path}, cache(), {}, count));
  EXPECT_EQ(encodings, 0);
  EXPECT_EQ(cached().size(), 1u);
  // Another name, the same content; then other settings.
  fs::copy_file(path, at("same.mkv"));
  ASSERT_TRUE(prepared({at("same.mkv")}, cache()));
  EXPECT_EQ(cached().size(), 1u);
  ASSERT_TRUE(prepared({path}, cache(), {.width = 160, .height = 90}));
  EXPECT_EQ(cached().size(), 2u);
}

class PrepareCodec : public PrepareTest, public testing::WithParamInterface<const char*> {};

TEST_P(PrepareCodec, EncodesAsAskedWithAKeyFrameASecond) {
  auto clips = prepared({film()}, cache(), {.codec = GetParam(), .fps = 15});
  ASSERT_TRUE(clips) << clips.error().message;
  const TrackFacts& video = *clips->front().facts.video;
  EXPECT_EQ(video.codec, GetParam());
  EXPECT_THAT(video.why_not, IsEmpty());
  EXPECT_EQ(video.packets, 45u);
  EXPECT_LE(video.key_distance_ns, 1'070'000'000);  // the second, and a frame
  EXPECT_EQ(video.key_ns.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(, PrepareCodec, testing::Values("vp8", "vp9", "h264"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(PrepareTest, InterruptedItLeavesNothingInTheCache) {
  auto clips = prepared({film()}, cache(), {}, [](const std::string& what, double) {
    return !what.starts_with("encoding");
  });
  ASSERT_FALSE(clips);
  EXPECT_EQ(clips.error().code, Code::kInterrupted);
  EXPECT_THAT(cached(), IsEmpty());
}

TEST_F(PrepareTest, TheCacheForgetsWhatWasNotUsedForTheLongestTime) {
  const ClipCache small(cache(), 2500);
  const auto put = [&](const std::string& name) {
    return small.get(name, [](const fs::path& part) -> Result<> {
      std::ofstream(part) << std::string(1000, 'x');
      return {};
    });
  };
  ASSERT_TRUE(put("a"));
  ASSERT_TRUE(put("b"));
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(cache() / "a.nut", long_ago - std::chrono::hours(1));
  fs::last_write_time(cache() / "b.nut", long_ago);
  ASSERT_TRUE(put("a"));  // used: now b is the oldest
  std::ofstream(cache() / "c.nut.0123456789abcdef.part") << "left behind";
  ASSERT_TRUE(put("c"));
  EXPECT_TRUE(fs::exists(cache() / "a.nut"));
  EXPECT_FALSE(fs::exists(cache() / "b.nut"));
  EXPECT_TRUE(fs::exists(cache() / "c.nut"));
  EXPECT_EQ(cached().size(), 2u);
}

TEST_F(PrepareTest, AStillPictureIsAFilm) {
  const auto png =
      converted(pattern_clip(at("a.nut")), at("still %d.png"), {"-frames:v", "1", "-update", "1"});
  const auto clip = one({FeedItem::Kind::kFile, png});
  ASSERT_TRUE(clip.facts.video);
  EXPECT_EQ(clip.facts.video->width, 320);
  EXPECT_NEAR(static_cast<double>(clip.facts.length_ns), 5e9, 1e5);
  EXPECT_EQ(clip.facts.video->packets, 50u);
  const Exported found(cached()[0]);
  for (const int64_t counter : found.counters()) EXPECT_EQ(counter, 0);
}

TEST_F(PrepareTest, LargePicturesAreMadeSmallerAndKeepTheirShape) {
  const auto png = converted(pattern_clip(at("a.nut")), at("big.jpg"),
                             {"-frames:v", "1", "-vf", "scale=3001:999", "-update", "1"});
  const auto clip = one({FeedItem::Kind::kFile, png});
  EXPECT_EQ(clip.facts.video->width, 1920);
  EXPECT_NEAR(clip.facts.video->height, 1920.0 * 999 / 3001, 2);
}

TEST_F(PrepareTest, BlackAndSilence) {
  const auto black = one({FeedItem::Kind::kBlack, ""}, {.width = 320, .height = 180});
  EXPECT_EQ(black.facts.video->width, 320);
  for (const auto& picture : Exported(cached()[0]).video.pictures) EXPECT_LT(picture.mean, 18);
  fs::remove_all(cache());
  const auto silence = one({FeedItem::Kind::kSilence, ""});
  EXPECT_EQ(silence.facts.audio->codec, "opus");
  for (const auto& level : Exported(cached()[0]).audio.levels) EXPECT_LT(level.db, -80);
}

TEST_F(PrepareTest, APlaylistHasOneCodec) {
  const auto h264 = converted(pattern_clip(at("a.nut"), {.seconds = 1}), at("a.mp4"),
                              {"-an", "-c:v", "libx264", "-profile:v", "baseline", "-g", "30"});
  const auto vp8 = pattern_clip(at("b.nut"), {.seconds = 1});
  auto clips = prepared({h264, vp8}, cache());
  ASSERT_TRUE(clips) << clips.error().message;
  EXPECT_THAT((*clips)[0].video_encoded, IsEmpty());
  EXPECT_THAT((*clips)[1].video_encoded, HasSubstr("vp8, and h264 is sent"));
  EXPECT_EQ((*clips)[1].facts.video->codec, "h264");
  EXPECT_THAT((*clips)[1].audio_encoded, IsEmpty());
}

TEST_F(PrepareTest, AFileWithoutWhatIsWantedIsNamed) {
  const auto wav = converted(pattern_clip(at("a.nut")), at("a.wav"), {"-vn"});
  const auto clips = prepared({wav}, cache(), {.audio = false});
  ASSERT_FALSE(clips);
  EXPECT_EQ(clips.error().code, Code::kBadInput);
  EXPECT_THAT(clips.error().message, HasSubstr("a.wav: has no picture"));
}

}  // namespace
}  // namespace callbot::feeds
