#include "quality/sound_likeness.h"

#include <algorithm>
#include <cmath>

namespace callbot::quality {
namespace {

constexpr double kMostSnr = 100;

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

std::optional<double> sound_snr(std::span<const float> received, uint16_t source, int64_t first,
                                int most_off, const SentSound& sent) {
  std::vector<float> samples(received.size() + 2 * static_cast<size_t>(most_off));
  if (!sent(source, first - most_off, samples)) return std::nullopt;
  double best = 0, energy = 0;
  for (int off = 0; off <= 2 * most_off; ++off) {
    const auto s = std::span(samples).subspan(static_cast<size_t>(off), received.size());
    const double match = dot(received, s);
    if (off != 0 && match <= best) continue;
    best = match;
    energy = dot(s, s);
  }
  if (energy <= 0) return std::nullopt;
  const double all = dot(received, received);
  const double signal = best * best / energy;
  const double noise = std::max(all - signal, 0.0);
  if (signal <= 0) return std::nullopt;
  return noise == 0 ? kMostSnr : std::min(kMostSnr, 10 * std::log10(signal / noise));
}

}  // namespace callbot::quality
