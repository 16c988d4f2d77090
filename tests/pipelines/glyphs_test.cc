#include "pipelines/glyphs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace callbot::pipelines {
namespace {

TEST(Glyphs, EveryPrintableAsciiCharacterHasAShapeOfItsOwn) {
  const TextStyle style{28, 0.1};
  std::set<std::pair<int, std::vector<uint8_t>>> shapes;
  const Mask box = text_mask("\u4e00", style);
  for (char c = '!'; c <= '~'; ++c) {
    const Mask mask = text_mask(std::string(1, c), style);
    EXPECT_GT(*std::max_element(mask.luma.begin(), mask.luma.end()), 200) << c;
    EXPECT_NE(mask.luma, box.luma) << c;
    EXPECT_TRUE(shapes.emplace(mask.width, mask.luma).second) << c;
  }
}

TEST(Glyphs, UnknownCharactersAndBrokenTextAreBoxes) {
  const TextStyle style{28, 0.1};
  const Mask box = text_mask("\u4e00", style);
  for (const char* unknown : {"\u0416", "\U0001f600", "\xff", "\x80", "\xc3", "\x01"})
    EXPECT_EQ(text_mask(unknown, style).luma, box.luma) << unknown;
  EXPECT_EQ(text_mask("\xe4\xb8"
                      "a",
                      style)
                .luma,
            text_mask("\u4e00\u4e01"
                      "a",
                      style)
                .luma);
}

TEST(Glyphs, DigitsAreAllOfOneWidth) {
  for (char c = '0'; c <= '9'; ++c)
    EXPECT_EQ(text_width(std::string(1, c), {}), text_width("0", {}));
}

TEST(Glyphs, CutsTextThatDoesNotFit) {
  const TextStyle style{20, 0.1};
  EXPECT_EQ(fitting("short", style, 500), "short");
  const std::string cut = fitting("something that is much too long", style, 150);
  EXPECT_LE(text_width(cut, style), 150);
  EXPECT_GT(text_width(cut, style), 110);
  EXPECT_EQ(cut.substr(cut.size() - 3), "\u2026");
  EXPECT_EQ(cut.substr(0, 6), "someth");
}

}  // namespace
}  // namespace callbot::pipelines
