// quality/sound_band.h: how wide a sound's band is: the frequency below which 99 % of the energy of
// a second lies (Hann windows of 2048 samples, FFmpeg's FFT). A second below -60 dBFS has none.
//
// Thread:  one at a time.
// Owner:   SoundMeter.
// Fails:   never.
#pragma once

#include <complex>
#include <optional>
#include <span>
#include <vector>

#include "quality/av.h"

namespace callbot::quality {

class SoundBand {
 public:
  SoundBand();
  // Of one second of mono sound at 48 kHz; Hz.
  std::optional<double> of(std::span<const float> second);

 private:
  AvTransform transform_;
  av_tx_fn run_ = nullptr;
  std::vector<float> window_;
  std::vector<std::complex<float>> in_, out_;
};

}  // namespace callbot::quality
