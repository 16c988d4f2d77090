#include "recordings/limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace callbot::recordings {
namespace {

std::vector<float> tone(double level, double hz, size_t frames) {
  std::vector<float> out(frames * 2);
  for (size_t i = 0; i < frames; ++i)
    out[2 * i] = out[2 * i + 1] = static_cast<float>(
        level * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 48000));
  return out;
}

float peak(std::span<const float> samples) {
  float most = 0;
  for (const float s : samples) most = std::max(most, std::abs(s));
  return most;
}

TEST(Limiter, BelowTheCeilingSamplesComeOutAsTheyWere) {
  const auto in = tone(0.8, 440, 48000);
  auto out = in;
  Limiter().process(out);
  const size_t delay = Limiter::kLookAhead * 2;
  for (size_t i = delay; i < out.size(); ++i) ASSERT_EQ(out[i], in[i - delay]) << i;
  for (size_t i = 0; i < delay; ++i) ASSERT_EQ(out[i], 0.0F);
}

TEST(Limiter, NothingIsEverAboveTheCeiling) {
  for (const double level : {0.95, 1.5, 4.0, 30.0}) {
    auto samples = tone(level, 197, 48000);
    // And clicks out of silence.
    for (size_t i = 20000; i < 30000; ++i) samples[i] = 0;
    samples[25000] = 7;
    samples[25400] = -9;
    Limiter().process(samples);
    EXPECT_LE(peak(samples), Limiter::kCeiling * 1.0001F) << level;
    EXPECT_GT(peak(samples), 0.6F) << level;
  }
}

// A clipped tone has strong odd harmonics; one that was turned down has none.
TEST(Limiter, ALoudToneStaysATone) {
  auto samples = tone(3.0, 480, 96000);
  Limiter().process(samples);
  const auto share = [&](double hz) {
    double re = 0;
    double im = 0;
    for (size_t i = 48000; i < 96000; ++i) {
      const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / 48000;
      re += samples[2 * i] * std::cos(angle);
      im += samples[2 * i] * std::sin(angle);
    }
    return std::hypot(re, im);
  };
  EXPECT_LT(share(1440) / share(480), 0.01);
}

TEST(Limiter, ComesBackAfterAPeak) {
  auto samples = tone(0.5, 440, 96000);
  samples[2000] = 10;
  Limiter().process(samples);
  EXPECT_NEAR(peak(std::span(samples).subspan(96000)), 0.5F, 0.01F);
}

TEST(Limiter, TheSizeOfThePiecesChangesNothing) {
  auto whole = tone(2.0, 313, 20000);
  auto pieces = whole;
  Limiter().process(whole);
  Limiter limiter;
  for (size_t at = 0, size = 2; at < pieces.size(); at += size, size = size % 700 + 34)
    limiter.process(std::span(pieces).subspan(at, std::min(size, pieces.size() - at)));
  EXPECT_EQ(whole, pieces);
}

}  // namespace
}  // namespace callbot::recordings
