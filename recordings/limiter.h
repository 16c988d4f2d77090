// recordings/limiter.h: keeps stereo samples below a ceiling without clipping them.
//
// The gain goes down before a peak comes (it looks ahead), smoothly, and comes back slowly; below
// the ceiling samples stay what they are. The same samples always give the same result.
//
// Thread:  one.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace callbot::recordings {

class Limiter {
 public:
  static constexpr int kLookAhead = 240;    // frames: 5 ms at 48 kHz
  static constexpr float kCeiling = 0.89F;  // -1 dBFS: room for what an encoder adds

  Limiter();
  // In place, interleaved stereo. What comes out is what went in kLookAhead frames before.
  void process(std::span<float> samples);

 private:
  float gain_for(float wanted);

  std::vector<float> delayed_;  // the last kLookAhead frames
  std::vector<double> gains_;   // of the last kLookAhead frames, before they are smoothed
  double gains_sum_;
  size_t at_ = 0;
  double released_ = 1;
  struct Low {
    int64_t frame;
    float gain;
  };
  std::deque<Low> lows_;  // rising: the front is the lowest gain of the window
  int64_t frame_ = 0;
};

}  // namespace callbot::recordings
