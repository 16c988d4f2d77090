#include "recordings/tile_painter.h"

#include <gtest/gtest.h>

#include <random>

#include "base/video_mark.h"

namespace callbot::recordings {
namespace {

constexpr int kWidth = 640, kHeight = 360;

AvFrame noise(int width, int height, uint32_t seed) {
  AvFrame frame = make_picture(width, height);
  std::mt19937 random(seed);
  for (int p = 0; p < 3; ++p) {
    for (int y = 0; y < (p == 0 ? height : height / 2); ++y) {
      for (int x = 0; x < (p == 0 ? width : width / 2); ++x)
        frame->data[p][y * frame->linesize[p] + x] = static_cast<uint8_t>(60 + random() % 120);
    }
  }
  return frame;
}

Canvas canvas() { return Canvas{make_picture(kWidth, kHeight)}; }

bool same(const AVFrame& a, const AVFrame& b) {
  for (int p = 0; p < 3; ++p) {
    for (int y = 0; y < (p == 0 ? a.height : a.height / 2); ++y) {
      if (std::memcmp(a.data[p] + y * a.linesize[p], b.data[p] + y * b.linesize[p],
                      static_cast<size_t>(p == 0 ? a.width : a.width / 2)) != 0)
        return false;
    }
  }
  return true;
}

struct Painted {
  std::vector<LanePicture> pictures;
  std::vector<Tile> tiles;

  // `numbers`: a picture's number each, 0: a still; sizes go by number.
  Painted(const std::vector<int>& numbers, int speaking, ComposeLayout layout) {
    const int count = static_cast<int>(numbers.size());
    const auto places =
        arrange(layout, kWidth, kHeight, count, layout == ComposeLayout::kGrid ? -1 : 0);
    pictures.resize(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      Tile tile{places[i], {.member = i}, static_cast<int>(i) == speaking};
      if (numbers[i] > 0) {
        const auto n = static_cast<uint32_t>(numbers[i]);
        const int width = n % 3 == 0 ? 180 : 320;
        pictures[i].frame = noise(width, n % 3 == 1 ? 240 : n % 3 == 0 ? 320 : 180, n + 100 * i);
        tile.role.picture = &pictures[i];
        tile.role.lane = i + 1;
        tile.role.number = n;
      }
      tiles.push_back(tile);
    }
  }
};

const std::vector<std::string> kNames = {"Alice", "Bob", "Carol", "Dave", "Erin"};

// What is copied or left as it was must not differ from what is painted afresh.
TEST(TilePainter, TheWayACanvasCameToBeDoesNotShow) {
  TilePainter painter(kNames, kWidth, kHeight, 3);
  Canvas canvases[3] = {canvas(), canvas(), canvas()};
  std::mt19937 random(7);
  const Canvas* before = nullptr;
  std::vector<int> numbers = {1, 2, 3, 0};
  int speaking = -1;
  auto layout = ComposeLayout::kGrid;
  for (int n = 0; n < 120; ++n) {
    for (int& number : numbers) {
      if (random() % 3 == 0) number = static_cast<int>(random() % 4 == 0 ? 0 : n + 1);
    }
    if (random() % 7 == 0) speaking = static_cast<int>(random() % 4) - 1;
    if (random() % 10 == 0) numbers.resize(1 + random() % 5, n + 1);
    if (random() % 15 == 0)
      layout = layout == ComposeLayout::kGrid ? ComposeLayout::kSpeaker : ComposeLayout::kGrid;
    const Painted what(numbers, speaking, layout);
    Canvas& now = canvases[n % 3];
    painter.paint(now, before, what.tiles);
    before = &now;
    TilePainter fresh_painter(kNames, kWidth, kHeight, 1);
    Canvas fresh = canvas();
    fresh_painter.paint(fresh, nullptr, what.tiles);
    ASSERT_TRUE(same(*now.frame, *fresh.frame)) << n;
  }
}

// libswscale writes up to 14 pixels behind the end of a row.
TEST(TilePainter, NothingIsPaintedOutsideOfItsTile) {
  TilePainter painter(kNames, kWidth, kHeight, 2);
  for (int width = 96; width <= 640; width += 6) {
    LanePicture picture{noise(width, 180, 1)};
    const auto places = arrange(ComposeLayout::kGrid, kWidth, kHeight, 2, -1);
    Tile left{places[0], {.member = 0, .picture = &picture, .lane = 1, .number = 1}};
    Tile still{places[1], {.member = 1}};
    Canvas with = canvas();
    left.role.number = static_cast<uint64_t>(width);
    painter.paint(with, nullptr, {left, still});
    Canvas without = canvas();
    left.role.picture = nullptr;
    painter.paint(without, nullptr, {left, still});
    for (int p = 0; p < 3; ++p) {
      const int shift = p == 0 ? 0 : 1;
      for (int y = 0; y < kHeight >> shift; ++y) {
        for (int x = 0; x < kWidth >> shift; ++x) {
          const bool inside = x >= places[0].x >> shift && y >= places[0].y >> shift &&
                              x < (places[0].x + places[0].width) >> shift &&
                              y < (places[0].y + places[0].height) >> shift;
          if (inside) continue;
          ASSERT_EQ(with.frame->data[p][y * with.frame->linesize[p] + x],
                    without.frame->data[p][y * without.frame->linesize[p] + x])
              << width << " plane " << p << " at " << x << ", " << y;
        }
      }
    }
  }
}

TEST(TilePainter, FullRangeAndHighDefinitionColoursBecomeOnesOfTheCanvas) {
  TilePainter painter(kNames, kWidth, kHeight, 1);
  const auto middle = [&](AVColorRange range, AVColorSpace space, uint8_t y, uint8_t cb,
                          uint8_t cr) {
    LanePicture picture{make_picture(320, 180)};
    fill(*picture.frame, {0, 0, 320, 180}, {y, cb, cr});
    picture.frame->color_range = range;
    picture.frame->colorspace = space;
    Canvas to = canvas();
    painter.paint(
        to, nullptr,
        {{{0, 0, kWidth, kHeight}, {.member = 0, .picture = &picture, .lane = 1, .number = 1}}});
    return Colour{to.frame->data[0][180 * to.frame->linesize[0] + 320],
                  to.frame->data[1][90 * to.frame->linesize[1] + 160],
                  to.frame->data[2][90 * to.frame->linesize[2] + 160]};
  };
  EXPECT_NEAR(middle(AVCOL_RANGE_MPEG, AVCOL_SPC_UNSPECIFIED, 235, 128, 128).y, 235, 1);
  EXPECT_NEAR(middle(AVCOL_RANGE_JPEG, AVCOL_SPC_UNSPECIFIED, 255, 128, 128).y, 235, 2);
  // Pure green: 173, 42, 26 in BT.709, 145, 54, 34 in BT.601.
  const Colour green = middle(AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, 173, 42, 26);
  EXPECT_NEAR(green.y, 145, 3);
  EXPECT_NEAR(green.cb, 54, 3);
  EXPECT_NEAR(green.cr, 34, 3);
}

TEST(TilePainter, ALayoutThatCannotBeReadIsAStill) {
  TilePainter painter(kNames, kWidth, kHeight, 1);
  LanePicture picture{AvFrame(av_frame_alloc())};
  picture.frame->width = 320;
  picture.frame->height = 180;
  picture.frame->format = AV_PIX_FMT_VAAPI;
  Canvas to = canvas();
  Canvas still = canvas();
  const Rect all{0, 0, kWidth, kHeight};
  painter.paint(to, nullptr, {{all, {.member = 0, .picture = &picture, .lane = 1, .number = 1}}});
  painter.paint(still, nullptr, {{all, {.member = 0}}});
  EXPECT_TRUE(same(*to.frame, *still.frame));
}

}  // namespace
}  // namespace callbot::recordings
