#include "base/rhythm.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

int64_t ms(double value) { return static_cast<int64_t>(value * 1e6); }

// Frames 20 ms apart, then one interval of `last`.
Rhythm::Interval after(int frames, double last_ms, double apart_ms = 20) {
  Rhythm rhythm;
  double at = 1000;
  for (int n = 0; n < frames; ++n, at += apart_ms) rhythm.add(ms(at));
  return *rhythm.add(ms(at - apart_ms + last_ms));
}

TEST(Rhythm, AFreezeIsThreeTimesTheMeanOr150MsMore) {
  EXPECT_FALSE(after(31, 169).freeze) << "mean 20: from 170 ms on";
  EXPECT_TRUE(after(31, 170.001).freeze);
  EXPECT_FALSE(after(31, 299, 100).freeze) << "mean 100: from 300 ms on";
  EXPECT_TRUE(after(31, 300.001, 100).freeze);
  EXPECT_NEAR(after(31, 500).seconds, 0.5, 1e-9);
  EXPECT_EQ(after(31, 500).begin_ns, ms(1600));
}

TEST(Rhythm, NothingIsAFreezeBeforeThereIsAMean) {
  EXPECT_FALSE(after(5, 900).freeze);
  EXPECT_TRUE(after(6, 900).freeze);
}

TEST(Rhythm, TheMeanIsThatOfTheLastThirty) {
  Rhythm rhythm;
  double at = 0;
  for (int n = 0; n < 30; ++n) rhythm.add(ms(at += 200));
  for (int n = 0; n < 30; ++n) EXPECT_FALSE(rhythm.add(ms(at += 20))->freeze);
  EXPECT_TRUE(rhythm.add(ms(at += 171))->freeze);
}

TEST(Rhythm, MoreThanFiveSecondsAreAPauseAndAFreeze) {
  EXPECT_FALSE(after(31, 5000).pause);
  EXPECT_TRUE(after(31, 5001).pause);
  EXPECT_TRUE(after(31, 5001).freeze);
}

TEST(Rhythm, WhatWasInterruptedIsNoInterval) {
  Rhythm rhythm;
  for (int n = 0; n < 10; ++n) rhythm.add(ms(n * 20));
  rhythm.interrupt();
  EXPECT_FALSE(rhythm.add(ms(9000)));
  EXPECT_FALSE(rhythm.add(ms(9020))->freeze);
}

TEST(Still, IsAFreezeWhereTheSameComesAgainForLong) {
  Still still;
  still.begin(ms(1000));
  EXPECT_FALSE(still.freeze({}));
  for (int n = 1; n <= 4; ++n) still.again(ms(1000 + n * 100));
  EXPECT_FALSE(still.freeze({})) << "seldom";
  still.again(ms(1500));
  ASSERT_TRUE(still.freeze({}));
  EXPECT_EQ(still.freeze({})->begin_ns, ms(1000));
  EXPECT_DOUBLE_EQ(still.freeze({})->seconds, 0.5);
  EXPECT_FALSE(still.freeze({})->pause);
  still.begin(ms(1600));
  EXPECT_FALSE(still.freeze({})) << "it moves again";
  for (int n = 1; n <= 9; ++n) still.again(ms(1600 + n * 10));
  EXPECT_FALSE(still.freeze({})) << "for a tenth of a second";
  still.again(ms(7000));
  EXPECT_TRUE(still.freeze({})->pause);
  still.forget();
  EXPECT_FALSE(still.freeze({}));
}

TEST(ArrivalRhythm, WhatWaitsForTheOneBeforeItComesWithThat) {
  ArrivalRhythm arrivals;
  for (int n = 0; n < 10; ++n) arrivals.add(ms(n * 20.0));
  const auto late = arrivals.add(ms(680));
  ASSERT_TRUE(late && late->freeze);
  EXPECT_DOUBLE_EQ(late->seconds, 0.5);
  EXPECT_EQ(arrivals.add(ms(220))->seconds, 0) << "it was there, behind the late one";
  EXPECT_DOUBLE_EQ(arrivals.add(ms(700))->seconds, 0.02);
  EXPECT_TRUE(arrivals.to_the_end(ms(2000))->freeze);
  arrivals.interrupt();
  EXPECT_FALSE(arrivals.add(ms(5000)));
}

TEST(Still, WhatChangesSeldomStandsStillForLonger) {
  Rhythm slides;
  for (int n = 0; n < 10; ++n) slides.add(ms(n * 250));
  Still still;
  still.begin(ms(2250));
  for (int n = 1; n <= 7; ++n) still.again(ms(2250 + n * 33));
  EXPECT_FALSE(still.freeze(slides)) << "four pictures a second, in thirty frames";
  for (int n = 8; n <= 30; ++n) still.again(ms(2250 + n * 33));
  EXPECT_TRUE(still.freeze(slides));
}

TEST(PerSecond, CountsTheFramesOfEachSecondAlsoWhereThereAreNone) {
  PerSecond seconds;
  int frames = 0;
  for (int n = 0; n < 30; ++n) EXPECT_TRUE(seconds.add(ms(n * 1000.0 / 30)).empty());
  for (const auto& s : seconds.add(ms(3500))) frames = frames * 100 + s.frames;
  EXPECT_EQ(frames, 300000) << "30, 0, 0";
  EXPECT_TRUE(seconds.pass(ms(3991)).empty());
  ASSERT_EQ(seconds.pass(ms(3992)).size(), 1u);
  seconds.interrupt();
  EXPECT_TRUE(seconds.pass(ms(20000)).empty()) << "nothing is expected now";
}

}  // namespace
}  // namespace callbot
