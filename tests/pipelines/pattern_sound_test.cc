#include "pipelines/pattern_sound.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/audio_mark.h"
#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

constexpr int kRate = kMarkSampleRate;
constexpr int kPacket = kRate / 50;

std::vector<int16_t> rendered(const PatternSound& sound, int64_t first, size_t count,
                              size_t slice) {
  std::vector<int16_t> samples(count);
  for (size_t i = 0; i < count; i += slice)
    sound.render(first + static_cast<int64_t>(i),
                 std::span(samples).subspan(i, std::min(slice, count - i)));
  return samples;
}

std::vector<float> as_float(const std::vector<int16_t>& samples) {
  std::vector<float> made(samples.size());
  std::transform(samples.begin(), samples.end(), made.begin(),
                 [](int16_t s) { return static_cast<float>(s) / 32768; });
  return made;
}

// Through Opus as a call would send it; what libopus looks ahead (312 samples) is still in front.
std::vector<float> through_opus(const std::vector<int16_t>& samples, int bitrate) {
  const auto caps = GRef<GstCaps>::adopt(
      gst_caps_from_string("audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1"));
  // Through RTP, as in a call: what Opus says about its look-ahead does not go along.
  test::Transcoder opus("opusenc frame-size=20 bitrate=" + std::to_string(bitrate) +
                            " ! rtpopuspay ! " + test::decoder_of("opus"),
                        caps.get());
  for (size_t i = 0; i + kPacket <= samples.size(); i += kPacket) {
    auto buffer = GRef<GstBuffer>::adopt(
        gst_buffer_new_memdup(samples.data() + i, kPacket * sizeof(int16_t)));
    GST_BUFFER_PTS(buffer.get()) = i * GST_SECOND / kRate;
    GST_BUFFER_DURATION(buffer.get()) = 20 * GST_MSECOND;
    opus.push(buffer);
  }
  opus.finish();
  return opus.samples();
}

TEST(PatternSound, IsTheSameForTheSameSeedHoweverItIsAskedFor) {
  const PatternSound one(7, 3), two(7, 3), other_seed(8, 3), other_source(7, 4);
  const size_t count = 5 * kRate;
  const auto whole = rendered(one, 0, count, count);
  EXPECT_EQ(whole, rendered(two, 0, count, 960));
  EXPECT_EQ(whole, rendered(two, 0, count, 37));
  EXPECT_NE(whole, rendered(other_seed, 0, count, count));
  EXPECT_NE(whole, rendered(other_source, 0, count, count));
}

TEST(PatternSound, IsSilentBeforeItBegins) {
  const PatternSound sound(1, 1);
  const auto samples = rendered(sound, -960, 960, 960);
  EXPECT_EQ(std::count(samples.begin(), samples.end(), 0), 960);
}

TEST(PatternSound, ChirpsAtEverySecondOverAQuietBed) {
  for (const uint16_t source : {1, 2, 77, 65535}) {
    const PatternSound sound(1, source);
    const auto samples = as_float(rendered(sound, 0, 20 * kRate, kRate));
    const auto found = test::chirps_of(samples);
    ASSERT_EQ(found.size(), 20U);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i].position, static_cast<double>(i) * kRate, 0.5);
    EXPECT_EQ(chirp_place(found), chirp_place(source, 0));
    double power = 0, peak = 0;
    size_t count = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (i % kRate < kChirpSamples) continue;
      power += samples[i] * samples[i];
      peak = std::max<double>(peak, std::abs(samples[i]));
      ++count;
    }
    const double level = 10 * std::log10(power / static_cast<double>(count));
    EXPECT_GT(level, -42) << source;  // heard, and no silence to a verdict
    EXPECT_LT(level, -30) << source;  // and no mask over the chirps
    EXPECT_LT(peak, 0.12) << source;
  }
}

TEST(PatternSound, ChirpsSurviveOpusAt24kToAFractionOfAMillisecond) {
  const PatternSound sound(1, 5);
  const auto heard = through_opus(rendered(sound, 0, 60 * kRate, kRate), 24000);
  const auto found = test::chirps_of(heard);
  ASSERT_EQ(found.size(), 60U);
  for (size_t i = 0; i < found.size(); ++i)  // 0.1 ms
    EXPECT_NEAR(found[i].position, static_cast<double>(i) * kRate + 312, 4.8) << i;
  EXPECT_EQ(chirp_place(found), chirp_place(5, 0));
}

TEST(PatternSound, TheBedItselfIsNeverTakenForAChirp) {
  const PatternSound sound(1, 5);
  auto samples = rendered(sound, 0, 300 * kRate, kRate);
  for (size_t i = 0; i < samples.size(); ++i)
    if (i % kRate < kChirpSamples) samples[i] = 0;
  EXPECT_EQ(test::chirps_of(as_float(samples)).size(), 0U);
  samples.resize(60 * kRate);
  EXPECT_EQ(test::chirps_of(through_opus(samples, 24000)).size(), 0U);
}

TEST(PatternSound, NoChirpIsFoundInDecodedSilenceOrNoise) {
  std::vector<int16_t> silence(60 * kRate), noise(60 * kRate);
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0, 2500);
  float slow = 0;  // low frequencies prevail, as in a room, and come in bursts
  for (size_t i = 0; i < noise.size(); ++i) {
    slow += (normal(random) - slow) * 0.2F;
    noise[i] = static_cast<int16_t>(slow * (i / 9000 % 3 == 0 ? 0.1F : 2.0F));
  }
  EXPECT_EQ(test::chirps_of(through_opus(silence, 24000)).size(), 0U);
  EXPECT_EQ(test::chirps_of(through_opus(noise, 24000)).size(), 0U);
}

}  // namespace
}  // namespace callbot::pipelines
