#include "quality/file_skew.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

constexpr int kMostShift = 7;   // seconds
constexpr double kBin = 0.05;   // seconds: how far distances of one sender scatter, at most
constexpr double kReach = 0.5;  // around a shift
constexpr size_t kLeastPairs = 3;
constexpr size_t kLeastPairsShifted = 15;  // fewer directions say no absolute number
constexpr double kLeastRight = 0.9;
constexpr double kLeastShare = 0.5;  // of the frames that have to have their chirp
constexpr double kDriftPairs = 10, kDriftSeconds = 10;

struct Pair {
  double time, skew;
  uint32_t number;  // of the chirp
};

// Frames between two chirps: what the counters differ by most often.
uint32_t step_of(const std::vector<FileFlash>& flashes) {
  std::map<uint32_t, int> steps;
  for (size_t i = 1; i < flashes.size(); ++i) {
    if (flashes[i].counter > flashes[i - 1].counter)
      ++steps[flashes[i].counter - flashes[i - 1].counter];
  }
  const auto most = std::max_element(steps.begin(), steps.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == steps.end() ? 0 : most->first;
}

template <class Each>
void chirps_near(const std::vector<FileChirp>& chirps, double time, double reach, Each each) {
  auto chirp = std::lower_bound(chirps.begin(), chirps.end(), time - reach,
                                [](const FileChirp& c, double t) { return c.time < t; });
  for (; chirp != chirps.end() && chirp->time <= time + reach; ++chirp) each(*chirp);
}

// The distance, near `shift`, at which most frames have a chirp that goes right.
std::optional<double> distance(uint16_t source, const std::vector<FileFlash>& flashes,
                               const std::vector<FileChirp>& chirps, uint32_t step, int shift) {
  std::map<int, int> votes;
  for (const FileFlash& flash : flashes) {
    const bool up = chirp_goes_up(source, flash.counter / step);
    chirps_near(chirps, flash.time + shift, kReach, [&](const FileChirp& c) {
      if (c.up == up) ++votes[static_cast<int>(std::floor((c.time - flash.time) / kBin))];
    });
  }
  int best = 0;
  std::optional<double> at;
  for (const auto& [bin, count] : votes) {
    // Two bins side by side: a distance may lie between them.
    const auto next = votes.find(bin + 1);
    const int both = count + (next == votes.end() ? 0 : next->second);
    if (both <= best) continue;
    best = both;
    at = next == votes.end() ? (bin + 0.5) * kBin : (bin + 1) * kBin;
  }
  return at;
}

std::vector<Pair> pairs_at(uint16_t source, const std::vector<FileFlash>& flashes,
                           const std::vector<FileChirp>& chirps, uint32_t step, double distance,
                           size_t& wrong) {
  std::vector<Pair> pairs;
  for (const FileFlash& flash : flashes) {
    const FileChirp* nearest = nullptr;
    const double wanted = flash.time + distance;
    chirps_near(chirps, wanted, 2 * kBin, [&](const FileChirp& c) {
      if (nearest == nullptr || std::abs(c.time - wanted) < std::abs(nearest->time - wanted))
        nearest = &c;
    });
    if (nearest == nullptr) continue;
    if (nearest->up != chirp_goes_up(source, flash.counter / step)) {
      ++wrong;
      continue;
    }
    // It follows a drift.
    distance += 0.25 * (nearest->time - wanted);
    pairs.push_back({flash.time, nearest->time - flash.time, flash.counter / step});
  }
  return pairs;
}

SkewStatistics statistics(const std::vector<Pair>& pairs) {
  std::vector<double> values, absolute;
  double n = 0, t = 0, s = 0, tt = 0, ts = 0;
  for (const Pair& p : pairs) {
    values.push_back(p.skew);
    absolute.push_back(std::abs(p.skew));
    const double time = p.time - pairs.front().time;
    ++n, t += time, s += p.skew, tt += time * time, ts += time * p.skew;
  }
  std::sort(values.begin(), values.end());
  std::sort(absolute.begin(), absolute.end());
  SkewStatistics out{.pairs = pairs.size(),
                     .median = values[values.size() / 2],
                     .least = values.front(),
                     .most = values.back(),
                     .p95 = absolute[(absolute.size() - 1) * 95 / 100]};
  if (n >= kDriftPairs && pairs.back().time - pairs.front().time >= kDriftSeconds)
    out.drift = (n * ts - t * s) / (n * tt - t * t) * 60;
  return out;
}

}  // namespace

std::optional<HeardSound> file_sound(uint16_t source, const std::vector<FileFlash>& flashes,
                                     const std::vector<FileChirp>& chirps) {
  const uint32_t step = step_of(flashes);
  if (step == 0) return std::nullopt;
  // A few may fit anywhere by chance: where most do not, the shift with the most of them.
  std::optional<HeardSound> best;
  for (int n = 0; n <= 2 * kMostShift; ++n) {
    const int shift = n % 2 == 0 ? n / 2 : -(n + 1) / 2;
    const auto at = distance(source, flashes, chirps, step, shift);
    if (!at) continue;
    size_t wrong = 0;
    const auto pairs = pairs_at(source, flashes, chirps, step, *at, wrong);
    if (pairs.size() < (n == 0 ? kLeastPairs : kLeastPairsShifted)) continue;
    const auto right = static_cast<double>(pairs.size());
    if (right < kLeastRight * (right + static_cast<double>(wrong))) continue;
    HeardSound sound{.skew = statistics(pairs)};
    for (const Pair& p : pairs) sound.chirps.push_back({p.time + p.skew, p.number});
    if (has_most(sound, flashes.size())) return sound;
    if (!best || sound.skew.pairs > best->skew.pairs) best = std::move(sound);
  }
  return best;
}

bool has_most(const HeardSound& sound, size_t flashes) {
  return static_cast<double>(sound.skew.pairs) >= kLeastShare * static_cast<double>(flashes);
}

std::optional<SkewStatistics> file_skew(uint16_t source, const std::vector<FileFlash>& flashes,
                                        const std::vector<FileChirp>& chirps) {
  const auto sound = file_sound(source, flashes, chirps);
  if (!sound || !has_most(*sound, flashes.size())) return std::nullopt;
  return sound->skew;
}

}  // namespace callbot::quality
