#include "quality/skew_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000, kMs = 1'000'000;

class SkewMeterTest : public ::testing::Test {
 protected:
  std::vector<double> values(const std::string& metric) {
    std::vector<double> out;
    for (const Series& s : set_.snapshot()) {
      if (s.metric != metric) continue;
      for (const Sample& sample : s.samples) out.push_back(sample.value);
    }
    return out;
  }
  static bool up(int64_t n) { return chirp_goes_up(static_cast<uint64_t>(n)); }
  SeriesSet set_{"bob", "alice", ""};
};

TEST_F(SkewMeterTest, PairsByTheTimeOfCaptureHoweverFarApart) {
  SkewMeter meter(set_, 30);
  for (int64_t n = 0; n < 12; ++n) {
    meter.flash(1, n * 30, n * kSecond, n * kSecond + 50 * kMs);
    meter.chirp(up(n), n * kSecond, n * kSecond + 1350 * kMs);
  }
  EXPECT_THAT(values("av.skew"), SizeIs(12));
  EXPECT_THAT(values("av.skew"), Each(DoubleNear(1.3, 1e-9)));
}

// A page starts its camera and its microphone each by itself.
TEST_F(SkewMeterTest, WhatWasNotCapturedTogetherIsNotSkewed) {
  SkewMeter meter(set_, 0);
  for (int64_t n = 0; n < 12; ++n) {
    meter.flash(1, n * 30, n * kSecond, n * kSecond + 50 * kMs);
    meter.chirp(up(n), n * kSecond + 370 * kMs, n * kSecond + 450 * kMs, 10 * kMs);
  }
  EXPECT_THAT(values("av.skew"), SizeIs(12));
  EXPECT_THAT(values("av.skew"), Each(DoubleNear(0.03, 1e-9)));
  EXPECT_EQ(set_.snapshot()[1].metric, "av.skew");
  EXPECT_DOUBLE_EQ(set_.snapshot()[1].uncertainty, 0.01);
}

TEST_F(SkewMeterTest, PairsByTheTimeOfCaptureWhateverTheFrameRate) {
  SkewMeter meter(set_, 30);
  int64_t counter = 0;
  for (int64_t n = 0; n < 12; ++n) {
    meter.flash(1, counter, n * kSecond, n * kSecond);
    meter.chirp(up(n), n * kSecond, n * kSecond + 20 * kMs);
    counter += n < 4 ? 30 : 10;
  }
  EXPECT_THAT(values("av.skew"), SizeIs(12));
  EXPECT_THAT(values("av.skew"), Each(DoubleNear(0.02, 1e-9)));
}

TEST_F(SkewMeterTest, PairsByNearnessAndDirectionWithoutNumbers) {
  SkewMeter meter(set_, 0);
  for (int64_t n = 0; n < 12; ++n) {
    meter.chirp(up(n), std::nullopt, n * kSecond - 80 * kMs);
    meter.flash(1, n * 30, {}, n * kSecond);
    meter.chirp(!up(n), std::nullopt, n * kSecond + 10 * kMs);  // somebody else's
  }
  EXPECT_THAT(values("av.skew"), SizeIs(12));
  EXPECT_THAT(values("av.skew"), Each(DoubleNear(-0.08, 1e-9)));
}

TEST_F(SkewMeterTest, DriftIsTheSlopeAMinute) {
  SkewMeter meter(set_, 30);
  for (int64_t n = 0; n < 9; ++n) {
    meter.flash(1, n * 30, n * kSecond, n * kSecond);
    meter.chirp(up(n), n * kSecond, n * kSecond + n * 2 * kMs);
  }
  EXPECT_THAT(values("av.drift"), IsEmpty()) << "too few to say";
  for (int64_t n = 9; n < 40; ++n) {
    meter.flash(1, n * 30, n * kSecond, n * kSecond);
    meter.chirp(up(n), n * kSecond, n * kSecond + n * 2 * kMs);
  }
  EXPECT_THAT(values("av.drift"), ElementsAre(DoubleNear(0.12, 0.001)));
}

}  // namespace
}  // namespace callbot::quality
