#include "pipelines/pattern_sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/audio_mark.h"
#include "pipelines/pattern_seed.h"

namespace callbot::pipelines {
namespace {

constexpr int kRate = kMarkSampleRate;
constexpr float kChordLevel = 0.011F, kMelodyLevel = 0.035F;  // peaks, of 1
constexpr uint64_t kBeat = kRate / 2;                         // samples from note to note
constexpr uint64_t kUpbeat = kRate / 4;                       // notes keep out of the chirps' way
constexpr uint64_t kRing = 2 * kBeat;                         // a note's length
constexpr int kSineBits = 12;

uint32_t step_of(double hz) {
  return static_cast<uint32_t>(std::llround(hz / kRate * 4294967296.0));
}

// The sine of a phase; 4096 steps are fine enough for something this quiet.
float sine(uint32_t phase) {
  static const std::vector<float> table = [] {
    std::vector<float> made(1U << kSineBits);
    for (size_t i = 0; i < made.size(); ++i)
      made[i] = static_cast<float>(std::sin(2 * std::numbers::pi * i / made.size()));
    return made;
  }();
  return table[phase >> (32 - kSineBits)];
}

// How loud a plucked note is, by its age in samples: up in 4 ms, away in a second.
const std::vector<float>& fading() {
  static const std::vector<float> table = [] {
    std::vector<float> made(kRing);
    for (size_t i = 0; i < made.size(); ++i) {
      const double t = static_cast<double>(i) / kRate;
      const double end = 1 - static_cast<double>(i) / made.size();
      made[i] = static_cast<float>(std::min(1.0, t / 0.004) * std::exp(-5 * t) * end);
    }
    return made;
  }();
  return table;
}

const std::vector<float>& chirp(bool up) {
  static const auto make = [](bool wanted) {
    uint64_t place = 0;
    while (chirp_goes_up(place) != wanted) ++place;
    std::vector<float> samples(kChirpSamples);
    add_chirp(samples, place);
    return samples;
  };
  static const std::vector<float> down_made = make(false), up_made = make(true);
  return up ? up_made : down_made;
}

}  // namespace

PatternSound::PatternSound(uint64_t seed, uint16_t source)
    : seed_(mix_seed(seed, source)), source_(source) {
  // Neighbours get keys far apart: seven half-tones, again and again, visit all twelve.
  const double root = 110 * std::exp2(source * 7 % 12 / 12.0);
  const auto tone = [&](int half_tones) { return root * std::exp2(half_tones / 12.0); };
  chord_ = {step_of(tone(0)), step_of(tone(7)), step_of(tone(16))};
  for (size_t i = 0; i < swell_.size(); ++i)
    swell_[i] = step_of(0.15 + 0.1 * static_cast<double>(i) + 0.05 * seed_unit(seed_, i));
  constexpr std::array kPentatonic = {12, 14, 16, 19, 21, 24, 26, 28};
  for (size_t i = 0; i < scale_.size(); ++i) scale_[i] = step_of(tone(kPentatonic[i] + 12));
}

float PatternSound::chord(uint64_t sample) const {
  float sum = 0;
  for (size_t i = 0; i < chord_.size(); ++i)
    sum += sine(static_cast<uint32_t>(sample * chord_[i])) *
           (0.65F + 0.35F * sine(static_cast<uint32_t>(sample * swell_[i])));
  return sum * kChordLevel;
}

float PatternSound::melody(uint64_t sample) const {
  if (sample < kUpbeat) return 0;
  const uint64_t beat = (sample - kUpbeat) / kBeat;
  const std::vector<float>& fade = fading();
  float sum = 0;
  for (uint64_t note = beat > 0 ? beat - 1 : 0; note <= beat; ++note) {
    const uint64_t choice = mix_seed(seed_, note);
    if (choice % 4 == 0) continue;  // a rest
    const uint64_t age = sample - kUpbeat - note * kBeat;
    const auto phase = static_cast<uint32_t>(age * scale_[choice / 4 % scale_.size()]);
    sum += fade[age] * (sine(phase) + 0.25F * sine(2 * phase));
  }
  return sum * kMelodyLevel;
}

void PatternSound::render(int64_t first, std::span<int16_t> samples) const {
  for (size_t i = 0; i < samples.size(); ++i) {
    const int64_t signed_number = first + static_cast<int64_t>(i);
    if (signed_number < 0) {
      samples[i] = 0;
      continue;
    }
    const auto number = static_cast<uint64_t>(signed_number);
    float value = chord(number) + melody(number);
    const uint64_t second = number / kChirpPeriodSamples, into = number % kChirpPeriodSamples;
    if (into < kChirpSamples) value += chirp(chirp_goes_up(source_, second))[into];
    samples[i] = static_cast<int16_t>(std::lrintf(std::clamp(value, -1.F, 1.F) * 32767));
  }
}

}  // namespace callbot::pipelines
