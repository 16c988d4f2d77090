#include "pipelines/paint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

TEST(Paint, ColoursAreBt601) {
  const auto is = [](Colour c, int y, int u, int v) {
    EXPECT_EQ(c.y, y);
    EXPECT_EQ(c.u, u);
    EXPECT_EQ(c.v, v);
  };
  is(hsl(0, 0, 1), 235, 128, 128);
  is(hsl(0, 0, 0), 16, 128, 128);
  is(hsl(0, 1, 0.5), 81, 90, 240);          // red
  is(hsl(1.0 / 3, 1, 0.5), 145, 54, 34);    // green
  is(hsl(-1.0 / 3, 1, 0.5), 41, 240, 110);  // blue, a turn lower
}

TEST(Paint, ADiscCoversItsArea) {
  for (const double radius : {1.0, 7.3, 40.0}) {
    const Mask mask = disc(radius);
    double area = 0;
    for (const uint8_t cover : mask.luma) area += cover / 255.0;
    EXPECT_NEAR(area, 3.14159 * radius * radius, 0.15 + 0.2 * radius);
    EXPECT_EQ(mask.width % 2, 0);
    EXPECT_EQ(mask.left % 2, 0);
  }
}

TEST(Paint, StaysInsideThePicture) {
  const Mask mask = rounded_box(50, 40, 8);
  for (const auto& [x, y] : std::vector<std::pair<int, int>>{
           {-30, -30}, {40, -20}, {60, 30}, {-1000, 0}, {1000, 1000}, {63, 47}}) {
    test::PictureBuffer picture(65, 49);  // odd, and under AddressSanitizer a trap
    std::fill(picture.bytes.begin(), picture.bytes.end(), uint8_t{100});
    paint(picture.view(), x, y, mask, Colour{200, 30, 220});
    const auto painted = std::count(picture.bytes.begin(), picture.bytes.end(), 100);
    const bool touches = x > -50 && y > -40 && x < 65 && y < 49;
    EXPECT_EQ(static_cast<size_t>(painted) < picture.bytes.size(), touches) << x << "," << y;
  }
}

TEST(Paint, OpacityMixes) {
  test::PictureBuffer picture(32, 32);
  std::fill(picture.bytes.begin(), picture.bytes.end(), uint8_t{100});
  paint(picture.view(), 16, 16, disc(8), {{200, 100, 100}, 0.5});
  EXPECT_EQ(picture.view().luma[16 * picture.view().luma_stride + 16], 150);
}

}  // namespace
}  // namespace callbot::pipelines
