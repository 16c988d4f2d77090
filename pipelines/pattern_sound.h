// pipelines/pattern_sound.h: the samples of the test pattern. Plain arithmetic.
//
// A quiet bed (a soft chord that swells like speech, and plucked notes over it, about -34 dBFS) in
// a key of the source's own, and a chirp (base/audio_mark.h) at the beginning of every second, so
// exactly with each frame whose number is a multiple of the frame rate. The same seed and source
// give the same samples, however they are asked for.
//
// Thread:  any; one object belongs to one thread.
// Owner:   the test pattern.
// Fails:   never; samples before the beginning are silence.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace callbot::pipelines {

class PatternSound {
 public:
  PatternSound(uint64_t seed, uint16_t source);
  // Samples number first, first + 1, ... at 48 kHz, mono.
  void render(int64_t first, std::span<int16_t> samples) const;

 private:
  float chord(uint64_t sample) const;
  float melody(uint64_t sample) const;

  uint64_t seed_;
  uint16_t source_;
  // Phases per sample, 2^32 a turn: the chord's notes, how they come and go, the melody's notes.
  std::array<uint32_t, 3> chord_{}, swell_{};
  std::array<uint32_t, 8> scale_{};
};

}  // namespace callbot::pipelines
