#include "quality/sender_log.h"

#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

TEST(CaptureLog, KnowsWhatWasAddedAndNothingElse) {
  CaptureLog log;
  EXPECT_FALSE(log.captured(1, 0));
  for (uint32_t n = 0; n < 10; ++n) log.add(1, 0xfffffa + n, 1000 + n * 10);
  EXPECT_EQ(log.captured(1, 0xfffffb)->at_ns, 1010);
  EXPECT_EQ(log.captured(1, 2)->at_ns, 1080) << "over the wrap";
  EXPECT_EQ(log.captured(1, 2)->uncertainty_ns, 0);
  EXPECT_FALSE(log.captured(2, 2));
  EXPECT_FALSE(log.captured(1, 100));
  EXPECT_EQ(log.newest(1, 1085), 2u);
  EXPECT_EQ(log.newest(1, 1010), 0xfffffbu);
  EXPECT_EQ(log.newest(1, 5000), 3u);
  EXPECT_FALSE(log.newest(1, 999));
}

TEST(CaptureLog, ForgetsWhatIsOld) {
  CaptureLog log;
  for (uint32_t n = 0; n < 10000; ++n) log.add(1, n, 1 + n);
  EXPECT_FALSE(log.captured(1, 1000));
  EXPECT_TRUE(log.captured(1, 9000));
}

TEST(PlannedLog, AnotherRateFollowsFromItsFrameOn) {
  PlannedLog log;
  log.change_rate(7, 30, 10);  // nobody's
  EXPECT_FALSE(log.captured(7, 30));
  constexpr int64_t kSecond = 1'000'000'000;
  log.set(7, {.start_ns = 100 * kSecond, .fps = 30});
  log.change_rate(7, 60, 10);
  log.change_rate(7, 80, 20);
  EXPECT_EQ(log.captured(7, 0)->at_ns, 100 * kSecond);
  EXPECT_EQ(log.captured(7, 60)->at_ns, 102 * kSecond);
  EXPECT_EQ(log.captured(7, 70)->at_ns, 103 * kSecond);
  EXPECT_EQ(log.captured(7, 90)->at_ns, 104 * kSecond + kSecond / 2);
  EXPECT_FALSE(log.newest(7, 99 * kSecond));
  EXPECT_EQ(log.newest(7, 101 * kSecond), 30u);
  EXPECT_EQ(log.newest(7, 102 * kSecond), 60u);
  EXPECT_EQ(log.newest(7, 103 * kSecond), 70u);
  EXPECT_EQ(log.newest(7, 105 * kSecond), 100u);
  // Chirps come once a second all the same.
  EXPECT_EQ(log.captured_chirp(7, 1, 30)->at_ns, 101 * kSecond);
  EXPECT_EQ(log.captured_chirp(7, 5, 30)->at_ns, 105 * kSecond);
  EXPECT_EQ(log.newest_chirp(7, 105 * kSecond, 30), 5);
  EXPECT_EQ(log.newest_chirp(7, 105 * kSecond - 1, 30), 4);
  EXPECT_FALSE(log.newest_chirp(7, 99 * kSecond, 30));
}

TEST(PlannedLog, ChirpsCountFromFrameNought) {
  PlannedLog log;
  constexpr int64_t kSecond = 1'000'000'000;
  EXPECT_FALSE(log.captured_chirp(7, 3, 30));
  log.set(7, {.start_ns = 100 * kSecond, .fps = 30, .uncertainty_ns = 5, .first = 60});
  EXPECT_EQ(log.captured_chirp(7, 3, 30)->at_ns, 101 * kSecond);
  EXPECT_EQ(log.captured_chirp(7, 3, 30)->uncertainty_ns, 5);
  EXPECT_EQ(log.newest_chirp(7, 100 * kSecond, 30), 2);
}

TEST(PlannedLog, CountsFromTheStartWithItsUncertainty) {
  PlannedLog log;
  EXPECT_FALSE(log.captured(1, 0));
  log.set(1, {.start_ns = 5'000'000'000, .fps = 30, .uncertainty_ns = 7});
  EXPECT_EQ(log.captured(1, 60)->at_ns, 7'000'000'000);
  EXPECT_EQ(log.captured(1, 60)->uncertainty_ns, 7);
  EXPECT_EQ(log.newest(1, 7'000'000'000), 60u);
  EXPECT_EQ(log.newest(1, 6'999'000'000), 59u);
  EXPECT_FALSE(log.newest(1, 4'000'000'000));
}

TEST(JoinedLog, IsWhatOneOfThemKnows) {
  auto ours = std::make_shared<CaptureLog>();
  auto theirs = std::make_shared<PlannedLog>();
  ours->add(1, 5, 100);
  theirs->set(2, {.start_ns = 1000, .fps = 10});
  const JoinedLog log({ours, theirs});
  EXPECT_EQ(log.captured(1, 5)->at_ns, 100);
  EXPECT_EQ(log.captured(2, 10)->at_ns, 1'000'001'000);
  EXPECT_EQ(log.newest(2, 1'000'001'000), 10u);
  EXPECT_FALSE(log.captured(3, 0));
  EXPECT_FALSE(log.newest(3, 5000));
}

}  // namespace
}  // namespace callbot::quality
