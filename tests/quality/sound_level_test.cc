#include "quality/sound_level.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "quality/sound_band.h"

namespace callbot::quality {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000;

std::vector<float> tone(double hz, double amplitude, double seconds) {
  std::vector<float> samples(static_cast<size_t>(seconds * kMarkSampleRate));
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kMarkSampleRate));
  return samples;
}

struct Levels {
  Levels() {
    level.on_level = [this](auto& t) { db.push_back(t.db); };
    level.on_silence = [this](auto& s) { silences.push_back(s); };
  }
  SoundLevel level;
  std::vector<double> db;
  std::vector<SoundLevel::Silence> silences;
};

TEST(SoundLevel, IsTheRmsOfEachTenth) {
  Levels l;
  l.level.add(tone(500, 0.5, 1), 0);
  EXPECT_THAT(l.db, SizeIs(10));
  EXPECT_THAT(l.db, Each(DoubleNear(20 * std::log10(0.5 / std::sqrt(2)), 0.01)));
}

TEST(SoundLevel, SilenceIsASpanFromHalfASecondOn) {
  Levels l;
  int64_t at = kSecond;
  for (const auto& [amplitude, seconds] : std::vector<std::pair<double, double>>{
           {0.5, 1}, {0.0005, 0.4}, {0.5, 1}, {0.0005, 0.7}, {0.5, 0.5}, {0, 2}}) {
    l.level.add(tone(500, amplitude, seconds), at);
    at += static_cast<int64_t>(seconds * 1e9);
  }
  l.level.finish();
  ASSERT_THAT(l.silences, SizeIs(2));
  EXPECT_NEAR(l.silences[0].seconds, 0.7, 1e-6);
  EXPECT_NEAR(static_cast<double>(l.silences[0].begin_ns) / 1e9, 3.4, 1e-6);
  EXPECT_NEAR(l.silences[1].seconds, 2, 1e-6);
}

TEST(SoundLevel, CountsTheSamplesThatAreClipped) {
  Levels l;
  std::vector<float> samples(4800, 0.1F);
  for (size_t i = 100; i < 105; ++i) samples[i] = 1;                          // five in a row
  for (size_t i = 200; i < 202; ++i) samples[i] = -1;                         // two are none
  for (size_t i = 300; i < 303; ++i) samples[i] = i % 2 == 0 ? 1.0F : -1.0F;  // not the same side
  EXPECT_EQ(l.level.add(samples, 0), 5u);
}

TEST(SoundLevel, NothingIsSilence) {
  Levels l;
  l.level.add_silence(kMarkSampleRate, 0);
  l.level.finish();
  EXPECT_THAT(l.db, Each(-120));
  ASSERT_THAT(l.silences, SizeIs(1));
  EXPECT_NEAR(l.silences[0].seconds, 1, 1e-6);
}

TEST(SoundBand, IsWhereTheEnergyEnds) {
  SoundBand band;
  EXPECT_NEAR(*band.of(tone(1000, 0.3, 1)), 1000, 60);
  EXPECT_NEAR(*band.of(tone(7000, 0.3, 1)), 7000, 60);
  auto both = tone(1000, 0.3, 1);
  const auto high = tone(12000, 0.1, 1);  // a tenth of the energy
  for (size_t i = 0; i < both.size(); ++i) both[i] += high[i];
  EXPECT_NEAR(*band.of(both), 12000, 60);
  EXPECT_FALSE(band.of(tone(1000, 0.0005, 1))) << "silence has none";
}

}  // namespace
}  // namespace callbot::quality
