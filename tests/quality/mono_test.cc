#include "quality/mono.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

// A tone of 300 Hz in every channel, as 16 bit.
AvFrame tone(int rate, int channels, double level, int samples) {
  AvFrame frame(av_frame_alloc());
  frame->nb_samples = samples;
  frame->format = AV_SAMPLE_FMT_S16;
  frame->sample_rate = rate;
  av_channel_layout_default(&frame->ch_layout, channels);
  EXPECT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  for (int i = 0; i < samples; ++i)
    for (int c = 0; c < channels; ++c)
      reinterpret_cast<int16_t*>(frame->data[0])[i * channels + c] =
          static_cast<int16_t>(32767 * level * std::sin(2 * std::numbers::pi * 300 * i / rate));
  return frame;
}

TEST(Mono, KeepsTheLevelWhateverComes) {
  Mono mono;
  for (const int channels : {1, 2, 1})
    for (const int rate : {48000, 8000, 16000}) {
      const auto samples = mono.of(*tone(rate, channels, 0.5, rate));
      EXPECT_NEAR(static_cast<double>(samples.size()) + mono.held(), kMarkSampleRate, 2);
      EXPECT_NEAR(*std::max_element(samples.begin(), samples.end()), 0.5, 0.01)
          << channels << " channels at " << rate;
    }
}

}  // namespace
}  // namespace callbot::quality
