#include "pipelines/pauses.h"

#include <gtest/gtest.h>

namespace callbot::pipelines {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Pauses, CoverWhatArrivesInThem) {
  Pauses pauses;
  EXPECT_FALSE(pauses.cover("a", 5, 5));
  pauses.begin("a", 10);
  EXPECT_FALSE(pauses.cover("a", 8, 9)) << "it came before";
  EXPECT_TRUE(pauses.cover("a", 9, 10)) << "its last packet did not";
  EXPECT_TRUE(pauses.cover("a", 1000, 1001));
  EXPECT_FALSE(pauses.cover("b", 1000, 1001));
  pauses.end("a", 20);
  EXPECT_TRUE(pauses.cover("a", 19, 25)) << "its first packet came in the pause";
  EXPECT_FALSE(pauses.cover("a", 20, 25));
}

TEST(Pauses, OfEverybodyAndOfOneAreApart) {
  Pauses pauses;
  pauses.begin("", 10);
  pauses.begin("a", 20);
  pauses.end("", 30);
  EXPECT_FALSE(pauses.cover("b", 35, 35));
  EXPECT_TRUE(pauses.cover("a", 35, 35));
  pauses.end("a", 40);
  EXPECT_FALSE(pauses.cover("a", 45, 45));
  EXPECT_TRUE(pauses.cover("", 15, 15)) << "a track without a name";
}

TEST(Pauses, TwiceIsOnce) {
  Pauses pauses;
  pauses.begin("a", 10);
  pauses.begin("a", 50);
  EXPECT_TRUE(pauses.cover("a", 20, 20));
  pauses.end("a", 60);
  pauses.end("a", 90);
  EXPECT_FALSE(pauses.cover("a", 70, 70));
  pauses.end("nobody", 90);
}

TEST(Pauses, EarlierOnesCountAsLongAsAJitterbufferMayHoldAFrameOfThem) {
  Pauses pauses;
  for (int64_t i = 0; i < 50; ++i) {
    pauses.begin("", i * kSecond);
    pauses.end("", i * kSecond + kSecond / 2);
  }
  EXPECT_TRUE(pauses.cover("a", 3 * kSecond, 3 * kSecond));
  EXPECT_FALSE(pauses.cover("a", 3 * kSecond + kSecond / 2, 4 * kSecond - 1));
}

}  // namespace
}  // namespace callbot::pipelines
