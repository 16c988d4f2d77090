#include "bot/page_log.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

TEST(PageLog, KnowsWhenAFrameWasSent) {
  PageLog log;
  log.begin(7, 100, 5);
  for (uint32_t n = 10; n < 20; ++n) log.add(7, n, 1000 + n);
  const auto captured = log.captured(7, 15);
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->at_ns, 1015);
  EXPECT_EQ(captured->uncertainty_ns, 5);
  EXPECT_FALSE(log.captured(7, 20));
  EXPECT_FALSE(log.captured(7, 100)) << "more than the file has";
  EXPECT_FALSE(log.captured(8, 15)) << "somebody else";
  EXPECT_EQ(log.newest(7, 1012), 12U);
  EXPECT_EQ(log.newest(7, 5000), 19U);
  EXPECT_FALSE(log.newest(7, 5));
}

TEST(PageLog, ForgetsTheRoundBefore) {
  PageLog log;
  log.begin(7, 100, 0);
  for (uint32_t n = 0; n < 200; ++n) {
    if (n == 130) continue;  // left out: what was sent a round ago is not it
    log.add(7, n % 100, 1000 + n);
  }
  EXPECT_EQ(log.captured(7, 99)->at_ns, 1199);
  EXPECT_FALSE(log.captured(7, 30));
  EXPECT_FALSE(log.captured(7, 40)) << "half a round ago";
  EXPECT_EQ(log.captured(7, 60)->at_ns, 1160);
  log.add(7, 3, 1203);
  EXPECT_FALSE(log.captured(7, 1)) << "left out";
  EXPECT_EQ(log.newest(7, 1202), 99U);
}

// The file begins anew when the camera is put on again.
TEST(PageLog, AFileThatBeginsAnewForgetsAsWell) {
  PageLog log;
  log.begin(7, 100, 0);
  for (uint32_t n = 0; n < 40; ++n) log.add(7, n, 1000 + n);
  log.add(7, 0, 2000);
  log.add(7, 1, 2001);
  EXPECT_EQ(log.captured(7, 0)->at_ns, 2000);
  EXPECT_FALSE(log.captured(7, 30));
}

TEST(PageLog, ChirpsHaveTimesAndNoNumbers) {
  PageLog log;
  EXPECT_EQ(log.chirps_told_until(7), 0);
  EXPECT_FALSE(log.chirp_before(7, true, 5000));
  for (int64_t n = 0; n < 100; ++n) log.chirp(7, n % 3 == 0, {1000 + n * 10, 4});
  log.told_until(7, 2000);
  EXPECT_EQ(log.chirps_told_until(7), 2000);
  EXPECT_EQ(log.chirps_told_until(8), 0) << "somebody else";
  const auto up = log.chirp_before(7, true, 1985);
  ASSERT_TRUE(up);
  EXPECT_EQ(up->at_ns, 1960) << "the last one that went up";
  EXPECT_EQ(up->uncertainty_ns, 4);
  EXPECT_EQ(log.chirp_before(7, false, 1985)->at_ns, 1980);
  EXPECT_EQ(log.chirp_before(7, false, 1980)->at_ns, 1980);
  EXPECT_FALSE(log.chirp_before(7, true, 1100)) << "too long ago";
}

}  // namespace
}  // namespace callbot::bot
