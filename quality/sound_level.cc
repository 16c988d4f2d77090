#include "quality/sound_level.h"

#include <algorithm>
#include <cmath>

namespace callbot::quality {
namespace {

constexpr double kQuietest = 1e-12;  // -120 dBFS
constexpr float kFullScale = 0.98F;
constexpr int kClippedRun = 3;
constexpr double kLeastSilence = 0.5;  // seconds

int64_t ns_of(int64_t samples) { return samples * 1'000'000'000 / kMarkSampleRate; }

}  // namespace

double decibel(double mean_square) { return 10 * std::log10(std::max(mean_square, kQuietest)); }

size_t SoundLevel::add(std::span<const float> samples, int64_t at_ns) {
  size_t clipped = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const float v = samples[i];
    if (count_ == 0) begin_ns_ = at_ns + ns_of(static_cast<int64_t>(i));
    energy_ += static_cast<double>(v) * v;
    if (++count_ == kTenthSamples) end_tenth();
    const int sign = v >= kFullScale ? 1 : v <= -kFullScale ? -1 : 0;
    run_ = sign == 0 ? 0 : sign == run_sign_ ? run_ + 1 : 1;
    run_sign_ = sign;
    if (run_ == kClippedRun) clipped += kClippedRun;
    if (run_ > kClippedRun) ++clipped;
  }
  return clipped;
}

void SoundLevel::add_silence(int64_t samples, int64_t at_ns) {
  run_ = 0;
  for (int64_t done = 0; done < samples;) {
    if (count_ == 0) begin_ns_ = at_ns + ns_of(done);
    const int64_t take = std::min(samples - done, kTenthSamples - count_);
    count_ += take;
    done += take;
    if (count_ == kTenthSamples) end_tenth();
  }
}

void SoundLevel::end_tenth() {
  const Tenth tenth{begin_ns_, begin_ns_ + ns_of(count_),
                    decibel(energy_ / static_cast<double>(count_))};
  count_ = 0;
  energy_ = 0;
  if (on_level) on_level(tenth);
  if (tenth.db >= kSilentDb) return finish();
  if (!silent_) silent_since_ns_ = tenth.begin_ns;
  silent_ = true;
  silent_until_ns_ = tenth.end_ns;
}

void SoundLevel::finish() {
  if (!silent_) return;
  silent_ = false;
  const double seconds = static_cast<double>(silent_until_ns_ - silent_since_ns_) / 1e9;
  // Times come in nanoseconds that were rounded.
  if (seconds >= kLeastSilence - 1e-6 && on_silence) on_silence({silent_since_ns_, seconds});
}

}  // namespace callbot::quality
