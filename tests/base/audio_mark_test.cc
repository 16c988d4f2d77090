#include "base/audio_mark.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <set>

namespace callbot {
namespace {

using Samples = std::vector<float>;

Samples chirps(int seconds, double offset_seconds, uint64_t first = 0) {
  Samples samples(static_cast<size_t>(seconds) * kMarkSampleRate);
  for (int i = 0; i < seconds; ++i) {
    const auto begin = static_cast<size_t>((i + offset_seconds) * kMarkSampleRate);
    if (begin < samples.size()) add_chirp(std::span(samples).subspan(begin), first + i);
  }
  return samples;
}

std::vector<FoundChirp> detect(std::span<const float> samples, size_t slice = 960) {
  ChirpDetector detector;
  std::vector<FoundChirp> found;
  for (; !samples.empty(); samples = samples.subspan(std::min(slice, samples.size()))) {
    const auto more = detector.push(samples.first(std::min(slice, samples.size())));
    found.insert(found.end(), more.begin(), more.end());
  }
  const auto last = detector.finish();
  found.insert(found.end(), last.begin(), last.end());
  return found;
}

// Pulses of a gliding voice through two gliding resonances, in syllables, with hissing between:
// loudness, pitch and formants in the range of speech.
Samples speech_like(int seconds, float level, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::normal_distribution<double> noise(0, 1);
  Samples samples(static_cast<size_t>(seconds) * kMarkSampleRate);
  double phase = 0, pitch = 120, pitch_to = 150, f1 = 500, f2 = 1500, f1_to = 600, f2_to = 1800;
  double a1 = 0, b1 = 0, a2 = 0, b2 = 0, loud = 0, loud_to = 1;
  bool voiced = true;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i % (kMarkSampleRate / 8) == 0) {  // a new sound, about eight a second
      voiced = uniform(random) < 0.7;
      loud_to = uniform(random) < 0.2 ? 0 : uniform(random);
      pitch_to = 90 + 160 * uniform(random);
      f1_to = 300 + 600 * uniform(random);
      f2_to = 800 + 2200 * uniform(random);
    }
    pitch += (pitch_to - pitch) * 3e-4, f1 += (f1_to - f1) * 3e-4, f2 += (f2_to - f2) * 3e-4;
    loud += (loud_to - loud) * 1e-3;
    phase += pitch / kMarkSampleRate;
    const bool pulse = phase >= 1;
    if (pulse) phase -= 1;
    const double drive = voiced ? (pulse ? 20 : 0) : noise(random);
    const auto resonate = [](double in, double& a, double& b, double hz) {
      const double r = 0.993, w = 2 * 3.14159265358979 * hz / kMarkSampleRate;
      const double out = in + 2 * r * std::cos(w) * a - r * r * b;
      b = a, a = out;
      return out;
    };
    const double y = resonate(drive, a1, b1, f1) + resonate(drive, a2, b2, f2);
    samples[i] = static_cast<float>(loud * y);
  }
  double power = 0;
  for (const float s : samples) power += static_cast<double>(s) * s;
  const auto gain = static_cast<float>(level / std::sqrt(power / samples.size()));
  for (float& s : samples) s *= gain;
  return samples;
}

TEST(ChirpSequence, EveryFifteenDirectionsAreUnlikeAllOthers) {
  std::set<uint32_t> windows;
  uint32_t window = 0;
  for (int n = 0; n < 32767 + 14; ++n) {
    window = (window << 1 | (chirp_goes_up(n) ? 1 : 0)) & 0x7fff;
    if (n >= 14) windows.insert(window);
  }
  EXPECT_EQ(windows.size(), 32767U);
  EXPECT_EQ(chirp_goes_up(3), chirp_goes_up(3 + 32767));
}

TEST(ChirpSequence, EachSourceBeginsElsewhere) {
  EXPECT_EQ(chirp_place(1, 5), 5U);
  EXPECT_EQ(chirp_place(9, 7), (chirp_place(9, 0) + 7) % 32767);
  for (const uint16_t source : {0, 1, 515, 40000}) {
    for (uint16_t n = 1; n < 144; ++n) {
      const int64_t apart =
          std::abs(static_cast<int64_t>(chirp_place(static_cast<uint16_t>(source + n), 0)) -
                   static_cast<int64_t>(chirp_place(source, 0)));
      EXPECT_GT(std::min(apart, 32767 - apart), 200) << source << " and " << source + n;
    }
  }
}

TEST(ChirpDetector, FindsEveryChirpWithinATenthOfASample) {
  const auto found = detect(chirps(20, 0.25));
  ASSERT_EQ(found.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    EXPECT_NEAR(found[i].position, (i + 0.25) * kMarkSampleRate, 0.1);
    EXPECT_EQ(found[i].up, chirp_goes_up(i));
    EXPECT_NEAR(found[i].level, 0.166, 0.02);  // a sine at -12 dBFS with faded ends
  }
}

TEST(ChirpDetector, FindsTheVeryFirstSample) {
  const auto found = detect(chirps(2, 0));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NEAR(found[0].position, 0, 0.1);
}

TEST(ChirpDetector, DoesNotCareHowTheSamplesCome) {
  const auto samples = chirps(5, 0.3);
  const auto whole = detect(samples, samples.size()), small = detect(samples, 37);
  ASSERT_EQ(whole.size(), 5U);
  ASSERT_EQ(small.size(), 5U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(whole[i].position, small[i].position);
}

TEST(ChirpDetector, FindsQuietUpsideDownAndNoisyChirps) {
  std::mt19937 random(5);
  std::normal_distribution<float> noise(0, 0.1F);
  auto quiet = chirps(10, 0.1), inverted = quiet, noisy = quiet;
  for (float& s : quiet) s *= 0.02F;
  for (float& s : inverted) s = -s;
  for (float& s : noisy) s += noise(random);
  for (const auto& samples : {quiet, inverted, noisy}) {
    const auto found = detect(samples);
    ASSERT_EQ(found.size(), 10U);
    for (int i = 0; i < 10; ++i) {
      EXPECT_NEAR(found[i].position, (i + 0.1) * kMarkSampleRate, 2);
      EXPECT_EQ(found[i].up, chirp_goes_up(i));
    }
  }
}

TEST(ChirpDetector, FindsAChirpThatLostOnePacket) {
  auto samples = chirps(8, 0.5);
  for (int i = 0; i < 8; ++i) {  // 20 ms of 80, another part each time
    const size_t begin = static_cast<size_t>((i + 0.5) * kMarkSampleRate) + i % 4 * 960;
    std::fill_n(samples.begin() + static_cast<ptrdiff_t>(begin), 960, 0.F);
  }
  const auto found = detect(samples);
  ASSERT_EQ(found.size(), 8U);
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(found[i].position, (i + 0.5) * kMarkSampleRate, 2);
}

TEST(ChirpDetector, ReportsNothingThatIsNoChirp) {
  std::mt19937 random(9);
  std::normal_distribution<float> noise(0, 0.2F);
  Samples silence(60 * kMarkSampleRate), hiss(silence), tones(silence), clicks(silence);
  for (float& s : hiss) s = noise(random);
  for (size_t i = 0; i < tones.size(); ++i) {
    const double t = static_cast<double>(i) / kMarkSampleRate;  // a tone of its own each 100 ms
    tones[i] = static_cast<float>(0.2 * std::sin(2 * 3.14159265 * (300 + i / 4800 % 40 * 90) * t));
  }
  for (size_t i = 0; i < clicks.size(); i += 7001) clicks[i] = 1;
  EXPECT_EQ(detect(silence).size(), 0U);
  EXPECT_EQ(detect(hiss).size(), 0U);
  EXPECT_EQ(detect(tones).size(), 0U);
  EXPECT_EQ(detect(clicks).size(), 0U);
}

TEST(ChirpDetector, ReportsNothingInSpeechAndFindsEveryChirpOverIt) {
  auto samples = speech_like(120, 0.1F, 11);
  EXPECT_EQ(detect(samples).size(), 0U);
  const auto marks = chirps(120, 0.4);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] += marks[i];
  const auto found = detect(samples);
  ASSERT_EQ(found.size(), 120U);
  for (int i = 0; i < 120; ++i) EXPECT_NEAR(found[i].position, (i + 0.4) * kMarkSampleRate, 5) << i;
}

TEST(ChirpDetector, TakesGarbageForSilence) {
  auto samples = chirps(3, 0.5);
  samples[1000] = NAN;
  samples[100000] = INFINITY;
  EXPECT_EQ(detect(samples).size(), 3U);
}

TEST(ChirpNumber, IsKnownFromFifteenOn) {
  const auto found = detect(chirps(30, 0.2, 5000));
  ASSERT_EQ(found.size(), 30U);
  const std::span all(found);
  EXPECT_EQ(chirp_place(all), 5000U);
  EXPECT_EQ(chirp_place(all.subspan(7)), 5007U);
  EXPECT_EQ(chirp_place(all.first(15)), 5000U);
  EXPECT_EQ(chirp_place(all.first(14)), std::nullopt);
}

TEST(ChirpNumber, IsUnknownWhenAnyChirpContradictsOrIsMissing) {
  auto found = detect(chirps(30, 0.2, 77));
  ASSERT_EQ(found.size(), 30U);
  for (size_t i = 0; i < found.size(); ++i) {
    auto wrong = found;
    wrong[i].up = !wrong[i].up;
    EXPECT_EQ(chirp_place(wrong), std::nullopt) << i;
    if (i == 0 || i + 1 == found.size()) continue;
    auto missing = found;
    missing.erase(missing.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(chirp_place(missing), std::nullopt) << i;
  }
}

}  // namespace
}  // namespace callbot
