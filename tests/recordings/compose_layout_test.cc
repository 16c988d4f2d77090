#include "recordings/compose_layout.h"

#include <gtest/gtest.h>

#include <cmath>

namespace callbot::recordings {
namespace {

bool touch(const Rect& a, const Rect& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

int64_t area(const Rect& r) { return static_cast<int64_t>(r.width) * r.height; }

const ComposeLayout kPictured[] = {ComposeLayout::kGrid, ComposeLayout::kSpeaker,
                                   ComposeLayout::kSideBySide};

void expect_apart(const std::vector<Rect>& tiles, int width, int height, int large) {
  for (size_t i = 0; i < tiles.size(); ++i) {
    const Rect& t = tiles[i];
    SCOPED_TRACE(testing::Message() << width << "x" << height << " tile " << i << " of "
                                    << tiles.size() << ", large " << large);
    EXPECT_GE(t.x, 0);
    EXPECT_GE(t.y, 0);
    EXPECT_LE(t.x + t.width, width);
    EXPECT_LE(t.y + t.height, height);
    EXPECT_EQ((t.x | t.y | t.width | t.height) & 1, 0);
    if (tiles.size() > 1) {
      EXPECT_EQ(t.width % 16, 0);
    }
    EXPECT_NEAR(t.height, static_cast<double>(t.width) * height / width, 1.01);
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(touch(t, tiles[j]));
    if (large >= 0 && static_cast<int>(i) != large) {
      EXPECT_GE(area(tiles[static_cast<size_t>(large)]), area(t));
    }
  }
}

TEST(ComposeLayout, EveryTileLiesInsideAndTouchesNoOther) {
  for (const auto layout : kPictured) {
    for (const auto& [width, height] :
         {std::pair{1280, 720}, {1920, 1080}, {640, 360}, {720, 1280}, {640, 480}, {320, 180}}) {
      for (int count = 1; count <= 9; ++count) {
        for (int large = -1; large < count; ++large) {
          const auto tiles = arrange(layout, width, height, count, large);
          ASSERT_EQ(tiles.size(), static_cast<size_t>(count));
          SCOPED_TRACE(name_of(layout));
          expect_apart(tiles, width, height, large);
        }
      }
    }
  }
}

TEST(ComposeLayout, OneAloneHasAllOfIt) {
  for (const auto layout : kPictured)
    EXPECT_EQ(arrange(layout, 1280, 720, 1, 0), (std::vector<Rect>{{0, 0, 1280, 720}}));
}

TEST(ComposeLayout, AGridUsesTheRoom) {
  const double least[] = {0, 0.99, 0.45, 0.65, 0.88, 0.48, 0.58, 0.6, 0.7, 0.8};
  for (int count = 1; count <= 9; ++count) {
    int64_t sum = 0;
    for (const Rect& t : arrange(ComposeLayout::kGrid, 1280, 720, count, -1)) sum += area(t);
    EXPECT_GT(static_cast<double>(sum) / (1280 * 720), least[count]) << count;
  }
}

TEST(ComposeLayout, GapsBetweenTilesAreEven) {
  const auto four = arrange(ComposeLayout::kGrid, 1280, 720, 4, -1);
  const int across = four[1].x - four[0].x - four[0].width;
  EXPECT_EQ(across, four[2].y - four[0].y - four[0].height);
  EXPECT_EQ(across, 12);
  // As much is free on the left as on the right.
  EXPECT_NEAR(four[0].x, 1280 - four[1].x - four[1].width, 2);
  EXPECT_NEAR(four[0].y, 720 - four[2].y - four[2].height, 2);
}

TEST(ComposeLayout, TheLargePlaceIsWhereItIsAskedFor) {
  const auto tiles = arrange(ComposeLayout::kSpeaker, 1280, 720, 5, 3);
  for (size_t i = 0; i < 5; ++i) {
    if (i != 3) {
      EXPECT_GT(area(tiles[3]), 4 * area(tiles[i]));
    }
  }
  EXPECT_LT(tiles[0].x, tiles[1].x);
  EXPECT_LT(tiles[2].x, tiles[4].x);
  EXPECT_EQ(tiles[0].y, tiles[4].y);
}

TEST(ComposeLayout, SideBySideHasTwoHalves) {
  const auto tiles = arrange(ComposeLayout::kSideBySide, 1280, 720, 4, 2);
  EXPECT_LE(tiles[2].x + tiles[2].width, 640);
  for (const size_t i : {0, 1, 3}) EXPECT_GE(tiles[i].x, 640);
}

TEST(ComposeLayout, NamesGoBothWays) {
  for (const char* name : {"grid", "speaker", "side-by-side", "audio"})
    EXPECT_STREQ(name_of(*compose_layout(name)), name);
  EXPECT_FALSE(compose_layout("mosaic"));
}

}  // namespace
}  // namespace callbot::recordings
