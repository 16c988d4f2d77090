#include "base/mark_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace callbot {
namespace {

struct Luma {
  Luma(int width, int height, uint8_t grey = 60)
      : width(width), height(height), pixels(static_cast<size_t>(width) * height, grey) {}
  LumaView view() const { return {pixels.data(), static_cast<size_t>(width), width, height}; }
  uint8_t& at(int x, int y) { return pixels[static_cast<size_t>(y) * width + x]; }
  uint8_t at(int x, int y) const { return pixels[static_cast<size_t>(y) * width + x]; }

  // Bilinear, between pixel centres.
  Luma scaled(int w, int h) const {
    Luma out(w, h);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const double u = std::clamp((x + 0.5) * width / w - 0.5, 0.0, width - 1.0);
        const double v = std::clamp((y + 0.5) * height / h - 0.5, 0.0, height - 1.0);
        const int x0 = static_cast<int>(u), y0 = static_cast<int>(v);
        const int x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
        const double a = u - x0, b = v - y0;
        out.at(x, y) =
            static_cast<uint8_t>(std::lround((1 - b) * ((1 - a) * at(x0, y0) + a * at(x1, y0)) +
                                             b * ((1 - a) * at(x0, y1) + a * at(x1, y1))));
      }
    return out;
  }
  void put(const Luma& other, int left, int top) {
    for (int y = 0; y < other.height; ++y)
      for (int x = 0; x < other.width; ++x) {
        if (left + x >= 0 && left + x < width && top + y >= 0 && top + y < height)
          at(left + x, top + y) = other.at(x, y);
      }
  }
  Luma cut(int left, int top, int w, int h) const {
    Luma out(w, h);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) out.at(x, y) = at(left + x, top + y);
    return out;
  }

  int width, height;
  std::vector<uint8_t> pixels;
};

// A picture with texture and its mark.
Luma marked(int width, int height, const VideoMark& mark) {
  Luma out(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      out.at(x, y) =
          static_cast<uint8_t>(40 + (x * 3 + y * 2 + static_cast<int>(mark.counter)) % 150);
  std::vector<uint8_t> chroma(static_cast<size_t>(width) * height);
  const PictureView view{out.pixels.data(),
                         static_cast<size_t>(width),
                         chroma.data(),
                         chroma.data(),
                         static_cast<size_t>(width),
                         width,
                         height};
  EXPECT_TRUE(write_video_mark(view, mark));
  return out;
}

std::vector<VideoMark> found(const Luma& picture) {
  std::vector<VideoMark> marks;
  for (const MarkReading& r : search_video_marks(picture.view())) marks.push_back(*r.mark);
  return marks;
}

const VideoMark kMark{0x012345, 0x0107, 1};

TEST(MarkFinder, SearchFindsAMarkAtEverySize) {
  const Luma big = marked(1280, 720, kMark);
  for (const auto& [w, h] : std::vector<std::pair<int, int>>{{1920, 1080},
                                                             {1280, 720},
                                                             {960, 540},
                                                             {640, 360},
                                                             {427, 240},
                                                             {320, 180},
                                                             {240, 136},
                                                             {192, 108}}) {
    const auto marks = found(big.scaled(w, h));
    ASSERT_EQ(marks.size(), 1u) << w;
    EXPECT_EQ(marks[0], kMark) << w;
  }
}

TEST(MarkFinder, FindsALetterboxedPicture) {
  for (const auto& [w, h, left, top] : std::vector<std::array<int, 4>>{
           {1280, 720, 0, 120}, {960, 540, 160, 0}, {640, 360, 321, 187}, {500, 281, 33, 55}}) {
    Luma box(1280, 960, 16);
    box.put(marked(1280, 720, kMark).scaled(w, h), left, top);
    const auto readings = search_video_marks(box.view());
    ASSERT_EQ(readings.size(), 1u) << w;
    EXPECT_EQ(readings[0].mark, kMark);
    EXPECT_NEAR(readings[0].place.x, left, 1.0);
    EXPECT_NEAR(readings[0].place.y, top, 1.5);
    EXPECT_NEAR(readings[0].place.cell_width * 48, w, 1.5);
  }
}

TEST(MarkFinder, FindsAPictureCroppedAtOneSide) {
  const Luma whole = marked(640, 360, kMark);
  for (const int cut : {4, 12, 25, 40, 50}) {  // calibration: 53 pixels at each end
    for (const Luma& picture :
         {whole.cut(cut, 0, 640 - cut, 360), whole.cut(0, 0, 640 - cut, 360)}) {
      const auto marks = found(picture);
      ASSERT_EQ(marks.size(), 1u) << cut;
      EXPECT_EQ(marks[0], kMark) << cut;
    }
  }
  for (const int cut : {2, 4, 6})
    EXPECT_EQ(found(whole.cut(0, cut, 640, 360 - cut)), std::vector{kMark})
        << "from the top " << cut;
  EXPECT_EQ(found(whole.cut(0, 0, 640, 120)), std::vector{kMark}) << "from the bottom";
  // Payload that is not there is not guessed.
  EXPECT_TRUE(found(whole.cut(80, 0, 560, 360)).empty());
  EXPECT_TRUE(found(whole.cut(0, 14, 640, 346)).empty());
}

TEST(MarkFinder, FindsACroppedPictureThatWasScaled) {
  const Luma cropped = marked(1280, 720, kMark).cut(60, 0, 1220, 720);
  EXPECT_EQ(found(cropped.scaled(960, 566)), std::vector{kMark});
  EXPECT_EQ(found(cropped.scaled(640, 378)), std::vector{kMark});
}

TEST(MarkFinder, FindsAStretchedPicture) {
  const Luma whole = marked(1280, 720, kMark);
  EXPECT_EQ(found(whole.scaled(640, 540)), std::vector{kMark});
  EXPECT_EQ(found(whole.scaled(1280, 480)), std::vector{kMark});
}

Luma tiles(int count_x, int count_y, int width, int height, uint32_t counter) {
  Luma out(width, height, 20);
  const int w = width / count_x, h = height / count_y;
  for (int i = 0; i < count_x * count_y; ++i)
    out.put(marked(640, 360, {counter + i, static_cast<uint16_t>(i + 1), 0}).scaled(w, h),
            i % count_x * w, i / count_x * h);
  return out;
}

TEST(MarkFinder, FindsEveryTileOfAComposedPicture) {
  for (const int n : {2, 3, 4}) {
    const auto readings = search_video_marks(tiles(n, n, 1280, 720, 100).view());
    ASSERT_EQ(readings.size(), static_cast<size_t>(n * n));
    for (int i = 0; i < n * n; ++i) {
      const auto one = std::find_if(readings.begin(), readings.end(),
                                    [&](auto& r) { return r.mark->source == i + 1; });
      ASSERT_NE(one, readings.end()) << i;
      EXPECT_EQ(one->mark->counter, 100u + static_cast<uint32_t>(i));
      const int x = i % n * (1280 / n), y = i / n * (720 / n);
      EXPECT_NEAR(one->place.x, x, 1.0);
      EXPECT_NEAR(one->place.y, y, 1.5);
    }
  }
}

TEST(MarkFinder, KeepsWhereTheMarkWasAndSearchesWhenItMoves) {
  MarkFinder finder;
  const auto letterboxed = [](uint32_t counter, int top) {
    Luma box(640, 480, 16);
    box.put(marked(640, 360, {counter, 3, 0}), 0, top);
    return box;
  };
  for (uint32_t n = 0; n < 40; ++n) {
    const auto& readings = finder.read(letterboxed(n, n < 20 ? 60 : 90).view());
    ASSERT_EQ(readings.size(), 1u) << n;
    ASSERT_TRUE(readings[0].mark) << n;
    EXPECT_EQ(readings[0].mark->counter, n);
  }
}

TEST(MarkFinder, APictureThatCannotBeReadIsAnUnreadReading) {
  MarkFinder finder;
  const Luma good = marked(640, 360, kMark);
  EXPECT_TRUE(finder.read(Luma(640, 360).view()).empty()) << "nothing was ever there";
  ASSERT_EQ(finder.read(good.view()).size(), 1u);
  const auto& gone = finder.read(Luma(640, 360).view());
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_FALSE(gone[0].mark);
  EXPECT_EQ(gone[0].source, kMark.source);
  EXPECT_EQ(finder.read(good.view())[0].mark, kMark) << "as soon as it is back";
}

TEST(MarkFinder, FollowsTheSizeOfAPicture) {
  MarkFinder finder;
  const Luma big = marked(1280, 720, kMark);
  for (const int width : {1280, 640, 320, 960})
    EXPECT_EQ(finder.read(big.scaled(width, width * 9 / 16).view()).at(0).mark, kMark) << width;
}

TEST(MarkFinder, NoticesTilesThatComeAndGo) {
  MarkFinder finder(Tiles::kMany);
  const auto sources = [&](const Luma& picture) {
    std::vector<uint16_t> all;
    for (const MarkReading& r : finder.read(picture.view())) {
      if (r.mark) all.push_back(r.mark->source);
    }
    std::sort(all.begin(), all.end());
    return all;
  };
  EXPECT_EQ(sources(tiles(1, 1, 640, 360, 1)), (std::vector<uint16_t>{1}));
  EXPECT_EQ(sources(tiles(2, 2, 640, 360, 2)), (std::vector<uint16_t>{1, 2, 3, 4}));
  EXPECT_EQ(sources(tiles(1, 1, 640, 360, 3)), (std::vector<uint16_t>{1}));
  // One beside another that stays where it is: the next search finds it.
  Luma left(640, 180, 20);
  left.put(marked(320, 180, {7, 1, 0}), 0, 0);
  Luma both = left;
  both.put(marked(320, 180, {8, 2, 0}), 320, 0);
  sources(left);
  std::vector<uint16_t> last;
  for (int n = 0; n < 31; ++n) last = sources(both);
  EXPECT_EQ(last, (std::vector<uint16_t>{1, 2}));
}

TEST(MarkFinder, FindsNothingInNoise) {
  std::mt19937 random(5);
  Luma picture(128, 72);
  for (int round = 0; round < 10000; ++round) {
    // From pixels to blocks of 6: as wide as cells are.
    const int block = 1 + round % 6;
    for (int y = 0; y < picture.height; y += block)
      for (int x = 0; x < picture.width; x += block) {
        const auto value = static_cast<uint8_t>(random());
        for (int v = y; v < std::min(y + block, picture.height); ++v)
          for (int u = x; u < std::min(x + block, picture.width); ++u) picture.at(u, v) = value;
      }
    ASSERT_TRUE(search_video_marks(picture.view()).empty()) << round;
  }
}

TEST(MarkFinder, FindsNothingInStripesAndCheckerboards) {
  for (int side = 2; side <= 26; ++side) {
    Luma stripes(1280, 720), board(1280, 720);
    for (int y = 0; y < 720; ++y)
      for (int x = 0; x < 1280; ++x) {
        stripes.at(x, y) = x / side % 2 != 0 ? 235 : 16;
        board.at(x, y) = (x / side + y / side) % 2 != 0 ? 235 : 16;
      }
    EXPECT_TRUE(found(stripes).empty()) << side;
    EXPECT_TRUE(found(board).empty()) << side;
  }
}

}  // namespace
}  // namespace callbot
