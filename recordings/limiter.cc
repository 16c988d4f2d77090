#include "recordings/limiter.h"

#include <algorithm>
#include <cmath>

namespace callbot::recordings {
namespace {

constexpr size_t kWindow = Limiter::kLookAhead;
constexpr double kRelease = 1.0 / (0.15 * 48000);  // 150 ms

}  // namespace

Limiter::Limiter() : delayed_(kWindow * 2), gains_(kWindow, 1.0), gains_sum_(kWindow) {}

// The mean of the lowest gains of the last window: it has come down to a peak's gain when the peak,
// a window later, comes out.
float Limiter::gain_for(float wanted) {
  while (!lows_.empty() && lows_.back().gain >= wanted) lows_.pop_back();
  lows_.push_back({frame_, wanted});
  if (lows_.front().frame <= frame_ - static_cast<int64_t>(kWindow) - 1) lows_.pop_front();
  ++frame_;
  const double lowest = lows_.front().gain;
  released_ = std::min(lowest, released_ + (1 - released_) * kRelease);
  if (lowest >= 1 && released_ > 0.99999) released_ = 1;
  gains_sum_ += released_ - gains_[at_];
  gains_[at_] = released_;
  return static_cast<float>(std::min(1.0, gains_sum_ / static_cast<double>(kWindow)));
}

void Limiter::process(std::span<float> samples) {
  for (size_t i = 0; i + 1 < samples.size(); i += 2) {
    const float peak = std::max(std::abs(samples[i]), std::abs(samples[i + 1]));
    const float gain = gain_for(peak > kCeiling ? kCeiling / peak : 1.0F);
    float* delayed = &delayed_[at_ * 2];
    const float left = delayed[0] * gain;
    const float right = delayed[1] * gain;
    delayed[0] = samples[i];
    delayed[1] = samples[i + 1];
    samples[i] = left;
    samples[i + 1] = right;
    at_ = (at_ + 1) % kWindow;
    // Adding and subtracting leaves a rest, which is not to grow over hours.
    if (at_ == 0) {
      gains_sum_ = 0;
      for (const double g : gains_) gains_sum_ += g;
    }
  }
}

}  // namespace callbot::recordings
