#include "quality/mono.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>

#include "base/audio_mark.h"

namespace callbot::quality {

bool Mono::open(const AVFrame& sound) {
  if (resampler_ && sound.sample_rate == rate_ && sound.format == format_ &&
      sound.ch_layout.nb_channels == channels_)
    return true;
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
  AVChannelLayout given = sound.ch_layout;  // native order: nothing to free
  SwrContext* context = nullptr;
  swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLT, kMarkSampleRate, &given,
                      static_cast<AVSampleFormat>(sound.format), sound.sample_rate, 0, nullptr);
  resampler_.reset(context);
  // The mean of the channels, not their sum over the root of two.
  if (context != nullptr) av_opt_set_double(context, "rematrix_maxval", 1.0, 0);
  if (context == nullptr || swr_init(context) < 0) {
    resampler_.reset();
    return false;
  }
  rate_ = sound.sample_rate;
  format_ = sound.format;
  channels_ = sound.ch_layout.nb_channels;
  return true;
}

double Mono::held() const {
  return resampler_ ? static_cast<double>(swr_get_delay(resampler_.get(), kMarkSampleRate)) : 0;
}

std::vector<float> Mono::of(const AVFrame& sound) {
  if (!open(sound)) return {};
  std::vector<float> samples(static_cast<size_t>(
      av_rescale_rnd(sound.nb_samples, kMarkSampleRate, sound.sample_rate, AV_ROUND_UP) + 64));
  auto* out = reinterpret_cast<uint8_t*>(samples.data());
  const int got = swr_convert(resampler_.get(), &out, static_cast<int>(samples.size()),
                              const_cast<const uint8_t**>(sound.extended_data), sound.nb_samples);
  samples.resize(static_cast<size_t>(std::max(got, 0)));
  return samples;
}

}  // namespace callbot::quality
