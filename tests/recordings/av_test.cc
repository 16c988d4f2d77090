#include "recordings/av.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace callbot::recordings {
namespace {

constexpr int kRate = 48000;
constexpr int kFrames = 4800;

// 300 Hz, as loud as `peaks` say, a channel each.
AvFrame tone(const std::vector<float>& peaks) {
  AvFrame frame(av_frame_alloc());
  frame->nb_samples = kFrames;
  frame->format = AV_SAMPLE_FMT_FLT;
  frame->sample_rate = kRate;
  av_channel_layout_default(&frame->ch_layout, static_cast<int>(peaks.size()));
  EXPECT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  auto* out = reinterpret_cast<float*>(frame->data[0]);
  for (int i = 0; i < kFrames; ++i) {
    const float wave = std::sin(static_cast<float>(i) * 300 * 6.2831853F / kRate);
    for (const float peak : peaks) *out++ = peak * wave;
  }
  return frame;
}

// The peak of each channel.
std::vector<float> peaks(const AVFrame& from, int channels, Stretches stretches) {
  const AvResampler resampler = open_resampler(from, channels, kRate, stretches);
  if (!resampler) return {};
  std::vector<float> samples(static_cast<size_t>(kFrames * channels));
  auto* out = reinterpret_cast<uint8_t*>(samples.data());
  const int got = swr_convert(resampler.get(), &out, kFrames,
                              const_cast<const uint8_t**>(from.extended_data), from.nb_samples);
  EXPECT_GT(got, kFrames / 2);
  std::vector<float> most(static_cast<size_t>(channels));
  for (size_t i = 0; i < samples.size(); ++i) {
    float& peak = most[i % static_cast<size_t>(channels)];
    peak = std::max(peak, std::abs(samples[i]));
  }
  return most;
}

TEST(AvResampler, ASoundKeepsItsLevel) {
  for (const Stretches stretches : {Stretches::kNo, Stretches::kYes}) {
    const auto told = stretches == Stretches::kYes ? "stretches" : "does not stretch";
    auto got = peaks(*tone({0.9F}), 2, stretches);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_NEAR(got[0], 0.9, 0.01) << told;
    EXPECT_NEAR(got[1], 0.9, 0.01) << told;
    got = peaks(*tone({0.9F, 0.9F}), 1, stretches);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_NEAR(got[0], 0.9, 0.01) << told;
    got = peaks(*tone({0.9F, 0.3F}), 2, stretches);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_NEAR(got[0], 0.9, 0.01) << told;
    EXPECT_NEAR(got[1], 0.3, 0.01) << told;
    got = peaks(*tone({0.9F, 0.9F, 0.9F, 0.9F, 0.9F, 0.9F}), 1, stretches);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_LT(got[0], 1) << told;
  }
}

TEST(AvResampler, OneSideAloneIsHalfAsLoudInMono) {
  const auto got = peaks(*tone({0.8F, 0}), 1, Stretches::kNo);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_NEAR(got[0], 0.4, 0.01);
}

TEST(AvResampler, WhatIsNoSoundIsRefused) {
  AvFrame nothing(av_frame_alloc());
  EXPECT_EQ(open_resampler(*nothing, 1, kRate, Stretches::kNo), nullptr);
}

}  // namespace
}  // namespace callbot::recordings
