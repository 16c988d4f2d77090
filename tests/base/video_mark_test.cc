#include "base/video_mark.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace callbot {
namespace {

struct Picture {
  Picture(int width, int height, uint8_t grey = 90)
      : width(width),
        height(height),
        luma(static_cast<size_t>(width) * height, grey),
        cb(static_cast<size_t>((width + 1) / 2) * ((height + 1) / 2), 60),
        cr(cb.size(), 200) {}
  PictureView view() {
    const size_t half = (width + 1) / 2;
    return {luma.data(), static_cast<size_t>(width), cb.data(), cr.data(), half, width, height};
  }
  std::optional<VideoMark> read() const {
    return read_video_mark(luma.data(), width, width, height);
  }
  // Box filter, by the exact area each new pixel covers in x and y.
  Picture scaled(int new_width, int new_height) const {
    Picture out(new_width, new_height);
    const double fx = static_cast<double>(width) / new_width;
    const double fy = static_cast<double>(height) / new_height;
    for (int y = 0; y < new_height; ++y)
      for (int x = 0; x < new_width; ++x) {
        double sum = 0, area = 0;
        for (int v = static_cast<int>(y * fy); v < std::min<double>((y + 1) * fy, height); ++v)
          for (int u = static_cast<int>(x * fx); u < std::min<double>((x + 1) * fx, width); ++u) {
            const double w = std::min<double>(u + 1, (x + 1) * fx) - std::max<double>(u, x * fx);
            const double h = std::min<double>(v + 1, (y + 1) * fy) - std::max<double>(v, y * fy);
            sum += w * h * luma[static_cast<size_t>(v) * width + u];
            area += w * h;
          }
        out.luma[static_cast<size_t>(y) * new_width + x] =
            static_cast<uint8_t>(std::lround(sum / area));
      }
    return out;
  }

  int width, height;
  std::vector<uint8_t> luma, cb, cr;
};

TEST(VideoMark, ReadsWhatWasWrittenAtEverySize) {
  std::mt19937 random(1);
  for (int width = 96; width <= 1920; width += width < 400 ? 1 : 37) {
    Picture picture(width, std::max(width * 9 / 16, 8));
    const VideoMark mark{static_cast<uint32_t>(random() & 0xffffff),
                         static_cast<uint16_t>(random()), static_cast<uint8_t>(random())};
    ASSERT_TRUE(write_video_mark(picture.view(), mark));
    EXPECT_EQ(picture.read(), mark) << width;
  }
}

TEST(VideoMark, CountsTo24BitsAndWraps) {
  Picture picture(640, 360);
  write_video_mark(picture.view(), {0x1000005, 3, 0});
  EXPECT_EQ(picture.read(), (VideoMark{5, 3, 0}));
}

TEST(VideoMark, SurvivesScaling) {
  const VideoMark mark{0x5a0ff1, 0xbeef, 1};
  Picture picture(1280, 720);
  write_video_mark(picture.view(), mark);
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{
           {1920, 1080}, {960, 540}, {640, 360}, {426, 240}, {320, 180}, {240, 135}, {160, 90}})
    EXPECT_EQ(picture.scaled(width, height).read(), mark) << width;
}

TEST(VideoMark, SurvivesFullRangeAndFadedContrast) {
  const VideoMark mark{77, 2, 1};
  Picture picture(640, 360);
  write_video_mark(picture.view(), mark);
  Picture faded = picture, full = picture, gone = picture;
  for (uint8_t& y : faded.luma) y = static_cast<uint8_t>(80 + y / 4);
  for (uint8_t& y : full.luma) y = static_cast<uint8_t>(std::clamp((y - 16) * 255 / 219, 0, 255));
  for (uint8_t& y : gone.luma) y = static_cast<uint8_t>(100 + y / 8);
  EXPECT_EQ(faded.read(), mark);
  EXPECT_EQ(full.read(), mark);
  EXPECT_EQ(gone.read(), std::nullopt);
}

TEST(VideoMark, TouchesOnlyItsStripAndLeavesItGrey) {
  Picture picture(640, 360);
  write_video_mark(picture.view(), {1, 2, 3});
  const int height = video_mark_height(640);
  EXPECT_EQ(height, 28);  // 2 * 640 / 48, made even
  for (int y = 0; y < 360; ++y)
    for (int x = 0; x < 640; ++x) {
      const uint8_t luma = picture.luma[static_cast<size_t>(y) * 640 + x];
      if (y < height)
        ASSERT_TRUE(luma == 16 || luma == 235);
      else
        ASSERT_EQ(luma, 90);
      const size_t half = static_cast<size_t>(y / 2) * 320 + x / 2;
      ASSERT_EQ(picture.cb[half], y < height ? 128 : 60);
      ASSERT_EQ(picture.cr[half], y < height ? 128 : 200);
    }
}

TEST(VideoMark, LeavesAPictureAloneThatIsTooSmall) {
  Picture narrow(95, 90), low(640, 20);
  EXPECT_FALSE(write_video_mark(narrow.view(), {1, 1, 0}));
  EXPECT_FALSE(write_video_mark(low.view(), {1, 1, 0}));
  EXPECT_EQ(narrow.luma, Picture(95, 90).luma);
  EXPECT_EQ(low.luma, Picture(640, 20).luma);
  EXPECT_EQ(narrow.read(), std::nullopt);
  EXPECT_EQ(low.read(), std::nullopt);
}

// Whatever happens to the cells, an id that was not written is never read.
TEST(VideoMark, NeverReadsAWrongId) {
  std::mt19937 random(7);
  const VideoMark mark{123456, 42, 1};
  int read = 0, unread = 0;
  for (int round = 0; round < 60000; ++round) {
    Picture picture(96, 54);
    write_video_mark(picture.view(), mark);
    const int flips = 1 + static_cast<int>(random() % 12);
    for (int i = 0; i < flips; ++i) {  // whole cells, calibration left alone: the worst case
      const int cell = 4 + static_cast<int>(random() % 40), row = static_cast<int>(random() % 2);
      for (int y = 2 * row; y < 2 * row + 2; ++y)
        for (int x = 2 * cell; x < 2 * cell + 2; ++x) {
          uint8_t& luma = picture.luma[static_cast<size_t>(y) * 96 + x];
          luma = luma == 16 ? 235 : 16;
        }
    }
    if (const auto found = picture.read()) {
      ++read;  // flipped there and back
      ASSERT_EQ(*found, mark) << round;
    } else {
      ++unread;
    }
  }
  EXPECT_GT(read, 20);
  EXPECT_GT(unread, 50000);
}

TEST(VideoMark, ReadsNothingInNoise) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    Picture picture(96, 8);
    for (uint8_t& y : picture.luma) y = static_cast<uint8_t>(random());
    ASSERT_EQ(picture.read(), std::nullopt);
  }
}

}  // namespace
}  // namespace callbot
