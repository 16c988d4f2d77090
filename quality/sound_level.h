// quality/sound_level.h: level, silence and clipping of sound. Plain arithmetic.
//
// Level: RMS of each tenth of a second, dBFS; -120 for digital silence. Silence: below -60 dBFS for
// half a second and more. Clipped: samples at 98 % of full scale or more, three and more in a row
// on the same side (G.711 reaches 98.0 %).
//
// Thread:  one at a time.
// Owner:   SoundMeter.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/audio_mark.h"

namespace callbot::quality {

constexpr double kSilentDb = -60;

class SoundLevel {
 public:
  struct Tenth {
    int64_t begin_ns = 0, end_ns = 0;
    double db = 0;
  };
  struct Silence {
    int64_t begin_ns = 0;
    double seconds = 0;
  };
  std::function<void(const Tenth&)> on_level = {};
  std::function<void(const Silence&)> on_silence = {};

  // Mono, 48 kHz; heard from `at_ns` on. Samples that were clipped.
  size_t add(std::span<const float> samples, int64_t at_ns);
  // So much of nothing.
  void add_silence(int64_t samples, int64_t at_ns);
  // A silence that lasts is told as far as it went.
  void finish();

 private:
  void end_tenth();

  static constexpr int64_t kTenthSamples = kMarkSampleRate / 10;
  int64_t begin_ns_ = 0, count_ = 0;
  double energy_ = 0;
  int64_t silent_since_ns_ = 0, silent_until_ns_ = 0;
  bool silent_ = false;
  int run_ = 0, run_sign_ = 0;
};

// A level in dBFS from a mean square.
double decibel(double mean_square);

}  // namespace callbot::quality
