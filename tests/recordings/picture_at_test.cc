#include "recordings/picture_at.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "recordings/lane_view.h"
#include "recordings/manifest.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;

// Dark until 2 s, then bright; from 1 s on, a key frame every second.
class PictureAt : public ::testing::Test {
 protected:
  void SetUp() override {
    feed_.member("alice");
    VideoRecipe recipe{.width = 96, .height = 64, .frames = 90, .key_every = 30, .marked = false};
    recipe.paint = [](const PictureView& picture, int n) {
      for (int y = 0; y < picture.height; ++y)
        std::fill_n(picture.luma + static_cast<size_t>(y) * picture.luma_stride, picture.width,
                    static_cast<uint8_t>(n < 30 ? 40 : 200));
    };
    feed_.add({.info = video_track(1, "alice"), .frames = make_video(recipe), .start = 1});
    ASSERT_TRUE(feed_.run(4.1));
    const auto loaded = load(feed_.folder());
    ASSERT_TRUE(loaded);
    video_ = views_of(Timeline(loaded->manifest).participants.at(0)).at(0).video;
  }
  Result<std::optional<SmallJpeg>> at(double seconds) {
    return picture_at(feed_.folder(), video_, static_cast<int64_t>(seconds * 1e9), 48, 32);
  }
  Feed feed_;
  std::vector<TimelinePiece> video_;
};

TEST_F(PictureAt, IsWhatWasShownThen) {
  const auto dark = at(1.9), bright = at(2.5), again = at(3.99);
  ASSERT_TRUE(dark && *dark && bright && *bright && again && *again);
  EXPECT_EQ((*dark)->width, 48);
  EXPECT_EQ((*dark)->height, 32);
  EXPECT_NE((*dark)->bytes, (*bright)->bytes);
  EXPECT_EQ((*bright)->bytes.substr(0, 2), "\xFF\xD8");
}

TEST_F(PictureAt, BeforeTheFirstThereIsNone) {
  const auto none = at(0.5);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const auto nobody = picture_at(feed_.folder(), {}, 0, 48, 32);
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(*nobody);
}

TEST_F(PictureAt, AfterTheLastItIsTheLast) {
  const auto last = at(60);
  ASSERT_TRUE(last);
  EXPECT_TRUE(*last);
}

}  // namespace
}  // namespace callbot::recordings
