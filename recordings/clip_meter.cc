#include "recordings/clip_meter.h"

#include <algorithm>

namespace callbot::recordings {
namespace {

constexpr double kFullScale = 0.98;
constexpr size_t kRun = 3;

template <class Sample>
size_t clipped_in(const Sample* samples, size_t count, size_t step, double full) {
  size_t clipped = 0;
  size_t run = 0;
  int sign = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(samples[i * step]);
    const int now = value >= full ? 1 : value <= -full ? -1 : 0;
    run = now != 0 && now == sign ? run + 1 : now != 0 ? 1 : 0;
    sign = now;
    if (run == kRun)
      clipped += kRun;
    else if (run > kRun)
      ++clipped;
  }
  return clipped;
}

template <class Sample>
size_t clipped_of(const AVFrame& frame, bool planar, double full) {
  const auto channels = static_cast<size_t>(frame.ch_layout.nb_channels);
  const auto count = static_cast<size_t>(frame.nb_samples);
  size_t most = 0;
  for (size_t c = 0; c < channels; ++c) {
    const auto* plane = reinterpret_cast<const Sample*>(frame.extended_data[planar ? c : 0]);
    most = std::max(most, clipped_in(planar ? plane : plane + c, count, planar ? 1 : channels,
                                     full * kFullScale));
  }
  return most;
}

}  // namespace

size_t clipped_samples(const AVFrame& frame) {
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) == 1;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_FLT:
      return clipped_of<float>(frame, planar, 1.0);
    case AV_SAMPLE_FMT_S16:
      return clipped_of<int16_t>(frame, planar, 32768.0);
    default:
      return 0;
  }
}

}  // namespace callbot::recordings
