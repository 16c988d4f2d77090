#include "quality/sound_likeness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace callbot::quality {
namespace {

float sample(int64_t n) {
  return static_cast<float>(0.3 * std::sin(static_cast<double>(n) * 0.031));
}
bool sent(uint16_t source, int64_t first, std::span<float> samples) {
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = sample(first + static_cast<int64_t>(i));
  return source == 1;
}
std::vector<float> received(int64_t first, double gain, double noise) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal(0, noise);
  std::vector<float> out(48000);
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(gain * sample(first + static_cast<int64_t>(i)) +
                                (noise > 0 ? normal(random) : 0));
  return out;
}

TEST(SoundLikeness, IsTheRatioOfSignalToNoiseThatWasMade) {
  const double power = 0.3 * 0.3 / 2;
  for (const double db : {0.0, 10.0, 20.0, 40.0}) {
    const double noise = std::sqrt(power / std::pow(10, db / 10));
    EXPECT_NEAR(*sound_snr(received(5000, 1, noise), 1, 5000, 4, sent), db, 0.2) << db;
  }
}

TEST(SoundLikeness, GainIsNoNoiseAndAFewSamplesOffNeither) {
  EXPECT_GT(*sound_snr(received(5000, 0.2, 0), 1, 5000, 4, sent), 80);
  EXPECT_GT(*sound_snr(received(5003, 1, 0), 1, 5000, 4, sent), 80);
  EXPECT_LT(*sound_snr(received(5050, 1, 0), 1, 5000, 4, sent), 20);
}

TEST(SoundLikeness, NothingSentIsUnmeasured) {
  EXPECT_FALSE(sound_snr(received(0, 1, 0), 2, 0, 4, sent));
  EXPECT_FALSE(sound_snr(received(0, 1, 0), 1, 0, 4, [](uint16_t, int64_t, std::span<float> s) {
    std::fill(s.begin(), s.end(), 0.0F);
    return true;
  }));
}

}  // namespace
}  // namespace callbot::quality
