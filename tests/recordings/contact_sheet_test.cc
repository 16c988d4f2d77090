#include "recordings/contact_sheet.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "recordings/sound_shape.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::Each;

constexpr int64_t kSecond = 1'000'000'000;

TimelineParticipant only_one(const Feed& feed) {
  const auto loaded = load(feed.folder());
  EXPECT_TRUE(loaded);
  return Timeline(loaded->manifest).participants.at(0);
}

ContactSheet sheet_of(const Feed& feed, size_t pictures, int64_t duration_ns) {
  auto sheet =
      make_contact_sheet(feed.folder(), only_one(feed).video.pieces,
                         {.pictures = pictures, .columns = 10, .duration_ns = duration_ns}, {});
  EXPECT_TRUE(sheet);
  return sheet ? *sheet : ContactSheet();
}

// A key frame at the beginning only, or one a second: pictures lie at even times all the same.
TEST(ContactSheet, TakesPicturesAtEvenTimes) {
  for (const int key_every : {1000, 30}) {
    for (const char* codec : {"vp8", "vp9", "h264"}) {
      Feed feed;
      feed.member("alice");
      VideoRecipe recipe{.codec = codec, .width = 448, .height = 252, .frames = 240};
      recipe.key_every = key_every;
      feed.add({video_track(1, "alice", codec), make_video(recipe)});
      ASSERT_TRUE(feed.run(8.1));
      const auto sheet = sheet_of(feed, 4, 8 * kSecond);
      ASSERT_EQ(sheet.pictures.size(), 4u) << codec << key_every;
      for (size_t i = 0; i < 4; ++i) {
        const SmallPicture& p = sheet.pictures[i];
        EXPECT_NEAR(static_cast<double>(p.time_ns) / 1e9, 1.0 + 2.0 * static_cast<double>(i), 0.04);
        EXPECT_EQ(p.width, 224);
        EXPECT_EQ(p.height, 126);
        EXPECT_EQ(p.jpeg.substr(0, 3), "\xFF\xD8\xFF");
        EXPECT_LT(p.jpeg.size(), 20000u);
      }
    }
  }
}

// Each picture shows its own moment: brighter every second.
TEST(ContactSheet, APictureIsOfItsOwnTime) {
  Feed feed;
  feed.member("alice");
  VideoRecipe recipe{.width = 192, .height = 108, .frames = 120, .marked = false};
  recipe.paint = [](const PictureView& p, int n) {
    for (int y = 0; y < p.height; ++y)
      std::fill_n(p.luma + static_cast<size_t>(y) * p.luma_stride, p.width, 40 + n / 30 * 50);
  };
  feed.add({video_track(1, "alice"), make_video(recipe)});
  ASSERT_TRUE(feed.run(4.1));
  const auto sheet = sheet_of(feed, 4, 4 * kSecond);
  ASSERT_EQ(sheet.pictures.size(), 4u);
  for (size_t i = 1; i < 4; ++i) EXPECT_NE(sheet.pictures[i].jpeg, sheet.pictures[i - 1].jpeg) << i;
}

TEST(ContactSheet, CountsWhatWasReceivedWhen) {
  Feed feed;
  feed.member("alice");
  auto frames = make_video({.width = 192, .height = 108, .frames = 150, .key_every = 30});
  uint64_t all = 0;
  frames = without(std::move(frames), 2 * kSecond, 3 * kSecond);
  for (const EncodedFrame& f : frames) all += f.bytes.size();
  feed.add({video_track(1, "alice"), frames});
  ASSERT_TRUE(feed.run(5));
  const auto sheet = sheet_of(feed, 0, 5 * kSecond);
  EXPECT_TRUE(sheet.pictures.empty());
  const auto counted = sheet_of(feed, 1, 5 * kSecond);
  uint64_t sum = 0;
  for (const uint64_t b : counted.bytes) sum += b;
  EXPECT_EQ(sum, all);
  EXPECT_EQ(counted.bytes[5], 0u);
  EXPECT_GT(counted.bytes[7], 0u);
}

TEST(SoundShape, KnowsHowLoudItWasAndWhen) {
  for (const char* codec : {"opus", "pcmu"}) {
    Feed feed;
    feed.member("alice");
    const auto quiet = [](std::vector<float>& s, double at) {
      if (at >= 2 && at < 4) std::fill(s.begin(), s.end(), 0.0f);
    };
    feed.add({.info = audio_track(2, "alice", codec),
              .frames = make_audio(
                  {.codec = codec, .seconds = 6, .marked = false, .tone = 0.5, .change = quiet}),
              .start = 1});
    ASSERT_TRUE(feed.run(8));
    const auto shape =
        make_sound_shape(feed.folder(), only_one(feed).audio.pieces,
                         {.columns = 80, .rate_columns = 8, .duration_ns = 8 * kSecond}, {});
    ASSERT_TRUE(shape);
    EXPECT_EQ(shape->peaks[5], 0);
    EXPECT_NEAR(shape->peaks[20], 0.5, 0.1);
    EXPECT_LT(shape->peaks[40], 0.02);
    EXPECT_NEAR(shape->peaks[60], 0.5, 0.1);
    ASSERT_EQ(shape->loud.size(), 2u) << codec;
    EXPECT_NEAR(static_cast<double>(shape->loud[0].from_ns) / 1e9, 1, 0.1);
    EXPECT_NEAR(static_cast<double>(shape->loud[0].to_ns) / 1e9, 3, 0.1);
    EXPECT_NEAR(static_cast<double>(shape->loud[1].from_ns) / 1e9, 5, 0.1);
    EXPECT_EQ(shape->bytes[0], 0u);
    EXPECT_GT(shape->bytes[1], 0u);
  }
}

}  // namespace
}  // namespace callbot::recordings
