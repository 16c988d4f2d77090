#include "quality/playout.h"

#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int kRate = 90000;
int64_t rtp(int64_t ms) { return 1000 + ms * 90; }

TEST(Playout, PlaysEvenlyWhatComesWithinTheLatency) {
  Playout playout(100 * kMs, kRate);
  const int64_t first = playout.of(rtp(0), 5000 * kMs, 5000 * kMs);
  EXPECT_EQ(first, 5100 * kMs);
  for (int n = 1; n < 300; ++n) {
    const int64_t arrival = (5000 + n * 20 + n * 37 % 90) * kMs;
    EXPECT_EQ(playout.of(rtp(n * 20), arrival, arrival), (5100 + n * 20) * kMs) << n;
  }
}

TEST(Playout, WhatIsLateIsPlayedWhenItsLastPacketCame) {
  Playout playout(50 * kMs, kRate);
  playout.of(rtp(0), 1000 * kMs, 1000 * kMs);
  EXPECT_EQ(playout.of(rtp(20), 1030 * kMs, 1200 * kMs), 1200 * kMs);
  EXPECT_EQ(playout.of(rtp(40), 1060 * kMs, 1060 * kMs), 1200 * kMs) << "not before the one before";
  EXPECT_EQ(playout.of(rtp(200), 1210 * kMs, 1210 * kMs), 1250 * kMs) << "and on time again";
}

TEST(Playout, WithoutLatencyEveryFrameIsPlayedAsItComes) {
  Playout playout(0, kRate);
  for (int n = 0; n < 100; ++n) {
    const int64_t arrival = (1000 + n * 33 + n % 7) * kMs;
    EXPECT_EQ(playout.of(rtp(n * 33), arrival, arrival), arrival) << n;
  }
}

TEST(Playout, AWayThatStaysLongerIsTheNewFastestOne) {
  Playout playout(100 * kMs, kRate);
  int64_t delay = 0;
  for (int s = 0; s < 30; ++s) {
    const int64_t arrival = (s * 1000 + (s < 5 ? 10 : 70)) * kMs;
    delay = playout.of(rtp(s * 1000), arrival, arrival) - s * 1000 * kMs;
    if (s < 14) {
      EXPECT_EQ(delay, 110 * kMs) << s;
    }
  }
  EXPECT_EQ(delay, 170 * kMs);
}

TEST(Playout, RtpTimeThatJumpsBeginsAnew) {
  Playout playout(100 * kMs, kRate);
  playout.of(rtp(0), 1000 * kMs, 1000 * kMs);
  EXPECT_EQ(playout.of(rtp(900'000), 1020 * kMs, 1020 * kMs), 1120 * kMs);
  EXPECT_EQ(playout.of(rtp(20), 1040 * kMs, 1040 * kMs), 1140 * kMs);
}

}  // namespace
}  // namespace callbot::quality
