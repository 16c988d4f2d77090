#include "recordings/clock_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace callbot::recordings {
namespace {

using Heard = ClockEstimate::Heard;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kWall = 1'795'234'842 * kSecond;
constexpr int64_t kEra = (int64_t{1} << 32) * kSecond;

// A sender whose RTP clock is so much too fast, and its reports.
struct Sender {
  double ppm = 0;
  int rate = 48000;
  int64_t rtp_start = 4'000'000'000;
  int64_t wall = kWall;

  int64_t rtp_at(double second) const {
    return rtp_start + std::llround(second * (1 + ppm * 1e-6) * rate);
  }
  SenderReport at(double second, double error_s = 0) const {
    return {rtp_at(second), wall + std::llround((second + error_s) * 1e9)};
  }
};

double off_ms(const ClockEstimate& estimate, const Sender& sender, double second) {
  const int64_t truth = sender.wall + std::llround(second * 1e9);
  return static_cast<double>(estimate.ntp_of(sender.rtp_at(second)) - truth) / 1e6;
}

TEST(ClockEstimate, OneReportGivesALineOfTheNominalRate) {
  ClockEstimate estimate(48000);
  EXPECT_FALSE(estimate.known());
  const Sender sender;
  EXPECT_EQ(estimate.add(sender.at(1)), Heard::kUsed);
  EXPECT_TRUE(estimate.known());
  EXPECT_FALSE(estimate.has_rate());
  EXPECT_NEAR(off_ms(estimate, sender, 11), 0, 0.001);
}

TEST(ClockEstimate, FourReportsGiveTheDrift) {
  for (const int rate : {8000, 48000, 90000}) {
    for (const double ppm : {200.0, -200.0, 40.0}) {
      const Sender sender{.ppm = ppm, .rate = rate};
      ClockEstimate estimate(rate);
      for (int i = 0; i < 3; ++i) estimate.add(sender.at(5 * i));
      EXPECT_FALSE(estimate.has_rate());
      estimate.add(sender.at(15));
      ASSERT_TRUE(estimate.has_rate());
      EXPECT_NEAR(estimate.drift_ppm(), ppm, 10) << rate;
      EXPECT_NEAR(off_ms(estimate, sender, 25), 0, 0.3) << rate << " " << ppm;
    }
  }
}

// RTP time that has wrapped around, many times or not at all, is extended: only its size differs.
TEST(ClockEstimate, FollowsRtpTimeOverItsWrapAround) {
  for (const int64_t start : {int64_t{1} << 32, (int64_t{1} << 32) - 100'000, int64_t{9} << 40}) {
    const Sender sender{.ppm = 100, .rate = 90000, .rtp_start = start};
    ClockEstimate estimate(90000);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(estimate.add(sender.at(i)), Heard::kUsed);
    EXPECT_NEAR(off_ms(estimate, sender, 30), 0, 0.1);
  }
}

TEST(ClockEstimate, GoesByTheLastTwentyReports) {
  const Sender slow{.ppm = -150};
  Sender fast{.ppm = 150};
  ClockEstimate estimate(48000);
  double second = 0;
  for (; second < 30; ++second) estimate.add(slow.at(second));
  fast.rtp_start = slow.rtp_at(second) - (fast.rtp_at(second) - fast.rtp_start);
  for (; second < 56; ++second) estimate.add(fast.at(second));
  EXPECT_NEAR(estimate.drift_ppm(), 150, 15);
}

TEST(ClockEstimate, WhatWasSaidBeforeIsNoNewReport) {
  const Sender sender{.ppm = 100};
  ClockEstimate estimate(48000);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(estimate.add(sender.at(i)), Heard::kUsed);
  EXPECT_EQ(estimate.add(sender.at(5)), Heard::kKnown) << "duplicated";
  EXPECT_EQ(estimate.add(sender.at(3)), Heard::kKnown) << "out of order";
  // On the line of the last report, carried on at the nominal rate, as a jitterbuffer does it.
  SenderReport carried = sender.at(5);
  carried.rtp_time += 48000;
  carried.ntp_ns += kSecond;
  EXPECT_EQ(estimate.add(carried), Heard::kKnown);
  EXPECT_NEAR(estimate.drift_ppm(), 100, 5);
}

TEST(ClockEstimate, AReportOutOfOrderThatIsNewCountsWhereItBelongs) {
  const Sender sender{.ppm = 100};
  ClockEstimate estimate(48000);
  for (const int second : {0, 5, 10, 20, 15, 25}) estimate.add(sender.at(second));
  EXPECT_NEAR(estimate.drift_ppm(), 100, 5);
  EXPECT_NEAR(off_ms(estimate, sender, 30), 0, 0.1);
}

TEST(ClockEstimate, LeavesOutliersOut) {
  const Sender sender;
  ClockEstimate estimate(48000);
  for (int i = 0; i < 10; ++i) estimate.add(sender.at(i, (i * 7 % 10 - 4.5) * 7e-6));
  EXPECT_EQ(estimate.add(sender.at(10, 3)), Heard::kOutlier);
  EXPECT_EQ(estimate.add(sender.at(11, -0.2)), Heard::kOutlier);
  EXPECT_EQ(estimate.add(sender.at(12, 25e-6)), Heard::kUsed);
  EXPECT_NEAR(off_ms(estimate, sender, 13), 0, 0.1);
}

// A sender sets its wall clock, or begins its RTP clock anew.
TEST(ClockEstimate, FiveOutliersInARowBeginANewLine) {
  Sender sender{.ppm = 50};
  ClockEstimate estimate(48000);
  for (int i = 0; i < 20; ++i) estimate.add(sender.at(i));
  for (const bool rtp : {false, true}) {
    const int from = rtp ? 40 : 20;
    if (rtp)
      sender.rtp_start -= 77 * 48000;
    else
      sender.wall -= 3600 * kSecond;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(estimate.add(sender.at(from + i)), Heard::kOutlier);
    EXPECT_EQ(estimate.add(sender.at(from + 4)), Heard::kAnew);
    for (int i = 5; i < 20; ++i) EXPECT_EQ(estimate.add(sender.at(from + i)), Heard::kUsed);
    EXPECT_NEAR(off_ms(estimate, sender, from + 20), 0, 0.1);
    EXPECT_NEAR(estimate.drift_ppm(), 50, 10);
  }
}

// A first report may tell of an RTP clock that stands still just then.
TEST(ClockEstimate, AFewReportsAreNotBelievedAgainstANewOne) {
  const Sender sender{.ppm = 50};
  ClockEstimate estimate(48000);
  EXPECT_EQ(estimate.add(sender.at(0, -2)), Heard::kUsed);
  EXPECT_EQ(estimate.add(sender.at(5)), Heard::kAnew);
  for (int i = 2; i < 5; ++i) EXPECT_EQ(estimate.add(sender.at(5 * i)), Heard::kUsed);
  EXPECT_NEAR(off_ms(estimate, sender, 25), 0, 0.1);
}

TEST(ClockEstimate, ForgetsAndDoesNotTakeTheOldLineForANewReport) {
  const Sender sender{.ppm = 50};
  ClockEstimate estimate(48000);
  for (int i = 0; i < 20; ++i) estimate.add(sender.at(i));
  estimate.forget();
  EXPECT_FALSE(estimate.known());
  EXPECT_EQ(estimate.drift_ppm(), 0);
  EXPECT_EQ(estimate.add(sender.at(19)), Heard::kKnown);
  EXPECT_FALSE(estimate.known());
  EXPECT_EQ(estimate.add(sender.at(20)), Heard::kUsed);
}

// Reports that an SFU writes itself carry the network's jitter.
TEST(ClockEstimate, SmoothsReportsThatScatter) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> jitter(-0.01, 0.01);
  const Sender sender{.ppm = 80, .rate = 90000};
  ClockEstimate estimate(90000);
  double worst = 0;
  for (int i = 0; i < 600; ++i) {
    estimate.add(sender.at(i, jitter(random)));
    if (i >= 10) worst = std::max(worst, std::abs(off_ms(estimate, sender, i + 1)));
  }
  EXPECT_LT(worst, 8);
}

TEST(ClockEstimate, AReportAfterALongMuteIsBelieved) {
  const Sender sender{.ppm = 30};
  ClockEstimate estimate(48000);
  for (int i = 0; i < 10; ++i) estimate.add(sender.at(i, i % 3 * 20e-6));
  EXPECT_EQ(estimate.add(sender.at(600)), Heard::kUsed);
}

TEST(ClockEstimate, GoesOnInTheNextEraOfNtp) {
  EXPECT_EQ(in_era_of(kWall, kWall + 5 - kEra), kWall + 5);
  EXPECT_EQ(in_era_of(kWall, kWall + 5), kWall + 5);
  EXPECT_EQ(in_era_of(-kWall, kEra - kWall), -kWall);
  const Sender sender{.ppm = 100};
  ClockEstimate estimate(48000);
  for (int i = 0; i < 20; ++i) {
    SenderReport report = sender.at(i);
    if (i >= 10) report.ntp_ns -= kEra;  // its 32 bits began again
    EXPECT_EQ(estimate.add(report), Heard::kUsed) << i;
  }
  EXPECT_NEAR(off_ms(estimate, sender, 20), 0, 0.1);
}

TEST(DriftFit, IsOneRateForAllPieces) {
  DriftFit fit;
  Sender sender{.ppm = 123, .rate = 90000};
  const auto hear = [&](double second, double error_s) {
    const SenderReport r = sender.at(second, error_s);
    fit.add(ticks_to_ns(r.rtp_time, 90000), r.ntp_ns);
  };
  for (int i = 0; i < 3; ++i) hear(i, 0);
  EXPECT_FALSE(fit.drift_ppm());
  for (int i = 3; i < 300; ++i) hear(i, i % 5 * 1e-3);
  sender.wall += 10 * kSecond;  // set
  for (int i = 300; i < 400; ++i) hear(i, i % 5 * 1e-3);
  sender.wall -= kEra;
  for (int i = 400; i < 600; ++i) hear(i, i % 5 * 1e-3);
  ASSERT_TRUE(fit.drift_ppm());
  EXPECT_NEAR(*fit.drift_ppm(), 123, 2);
}

}  // namespace
}  // namespace callbot::recordings
