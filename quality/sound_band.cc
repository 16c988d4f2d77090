#include "quality/sound_band.h"

#include <cmath>
#include <numbers>

#include "quality/sound_level.h"

namespace callbot::quality {
namespace {

constexpr size_t kSize = 2048;
constexpr double kShare = 0.99;

}  // namespace

SoundBand::SoundBand() : window_(kSize), in_(kSize), out_(kSize) {
  AVTXContext* made = nullptr;
  float scale = 1;
  if (av_tx_init(&made, &run_, AV_TX_FLOAT_FFT, 0, kSize, &scale, AV_TX_UNALIGNED) >= 0)
    transform_.reset(made);
  for (size_t i = 0; i < kSize; ++i)
    window_[i] = static_cast<float>(
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / kSize));
}

std::optional<double> SoundBand::of(std::span<const float> second) {
  if (!transform_ || second.size() < kSize) return std::nullopt;
  double sum = 0;
  for (const float v : second) sum += static_cast<double>(v) * v;
  if (decibel(sum / static_cast<double>(second.size())) < kSilentDb) return std::nullopt;
  std::vector<double> energy(kSize / 2);
  for (size_t at = 0; at + kSize <= second.size(); at += kSize) {
    for (size_t i = 0; i < kSize; ++i) in_[i] = second[at + i] * window_[i];
    run_(transform_.get(), out_.data(), in_.data(), sizeof(std::complex<float>));
    for (size_t i = 0; i < energy.size(); ++i) energy[i] += std::norm(out_[i]);
  }
  double all = 0, below = 0;
  for (const double e : energy) all += e;
  for (size_t i = 0; i < energy.size(); ++i) {
    below += energy[i];
    if (below >= kShare * all)
      return static_cast<double>(i + 1) * kMarkSampleRate / static_cast<double>(kSize);
  }
  return std::nullopt;
}

}  // namespace callbot::quality
