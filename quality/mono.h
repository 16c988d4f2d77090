// quality/mono.h: decoded sound -> mono at 48 kHz, for whoever measures it. A sound that is the
// same in both channels keeps its level (FFmpeg's own way would make it 3 dB louder in floats).
//
// Thread:  one at a time.
// Owner:   a meter.
// Fails:   of() is empty where FFmpeg cannot convert, or holds everything back so far.
#pragma once

#include <vector>

#include "quality/av.h"

namespace callbot::quality {

class Mono {
 public:
  std::vector<float> of(const AVFrame& sound);
  // Samples at 48 kHz that were given and have not come out yet: they come before the next ones.
  double held() const;

 private:
  bool open(const AVFrame& sound);

  AvResampler resampler_;
  int rate_ = 0, format_ = -1, channels_ = 0;
};

}  // namespace callbot::quality
