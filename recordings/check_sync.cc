#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/audio_mark.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

constexpr double kOpusLookahead = 0.0065;  // seconds the libopus encoder adds (RFC 6716, 2.1.4)
constexpr double kNearest = 0.5;
constexpr double kWindow = 10;
constexpr int kMostShift = 7;  // seconds that the offset is looked for
constexpr size_t kLeastPairs = 3;
constexpr size_t kLeastPairsForShift = 15;  // fewer chirps say no absolute number
constexpr double kLeastAgreement = 0.9;

struct Flash {
  double time;
  uint16_t source;
  uint32_t counter;
};
struct Pair {
  double time, offset;
  bool agrees;
};

std::vector<Flash> flashes_of(const Lane& video) {
  std::vector<Flash> out;
  for (const LanePiece& piece : video.pieces) {
    for (const ProbedPicture& p : piece.stream.pictures) {
      if (!p.mark || (p.mark->flags & 1) == 0) continue;
      if (out.empty() || out.back().counter != p.mark->counter)
        out.push_back({p.time, p.mark->source, p.mark->counter});
    }
  }
  return out;
}

std::vector<ProbedChirp> chirps_of(const Lane& audio) {
  std::vector<ProbedChirp> out;
  for (const LanePiece& piece : audio.pieces) {
    const double delay = piece.stream.codec == "opus" ? kOpusLookahead : 0;
    for (const ProbedChirp& chirp : piece.stream.chirps)
      out.push_back({chirp.time - delay, chirp.up});
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.time < b.time; });
  return out;
}

// Frames between two chirps: what the counters differ by most often.
uint32_t step_of(const std::vector<Flash>& flashes) {
  std::vector<uint32_t> steps;
  for (size_t i = 1; i < flashes.size(); ++i) {
    if (flashes[i].counter > flashes[i - 1].counter)
      steps.push_back(flashes[i].counter - flashes[i - 1].counter);
  }
  if (steps.empty()) return 0;
  std::nth_element(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(steps.size() / 2),
                   steps.end());
  return steps[steps.size() / 2];
}

std::vector<Pair> pair_up(const std::vector<Flash>& flashes, const std::vector<ProbedChirp>& chirps,
                          uint32_t step, int shift) {
  std::vector<Pair> pairs;
  for (const Flash& flash : flashes) {
    const double wanted = flash.time + shift;
    const auto next = std::lower_bound(chirps.begin(), chirps.end(), wanted,
                                       [](const ProbedChirp& c, double t) { return c.time < t; });
    const ProbedChirp* nearest = nullptr;
    if (next != chirps.end()) nearest = &*next;
    if (next != chirps.begin() &&
        (nearest == nullptr || wanted - (next - 1)->time < nearest->time - wanted))
      nearest = &*(next - 1);
    if (nearest == nullptr || std::abs(nearest->time - wanted) > kNearest) continue;
    const bool up = chirp_goes_up(flash.source, flash.counter / step);
    pairs.push_back({flash.time, nearest->time - flash.time, nearest->up == up});
  }
  return pairs;
}

bool believable(const std::vector<Pair>& pairs, int shift) {
  if (pairs.size() < (shift == 0 ? kLeastPairs : kLeastPairsForShift)) return false;
  const auto agreeing = std::count_if(pairs.begin(), pairs.end(), [](auto& p) { return p.agrees; });
  return static_cast<double>(agreeing) >= kLeastAgreement * static_cast<double>(pairs.size());
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Window {
  double from = 0, to = 0, offset = 0;
};

// The stretch of ten seconds in which the offset is worst.
Window worst_window(const std::vector<Pair>& pairs) {
  Window worst;
  for (size_t first = 0; first < pairs.size();) {
    std::vector<double> offsets;
    size_t i = first;
    for (; i < pairs.size() && pairs[i].time < pairs[first].time + kWindow; ++i)
      offsets.push_back(pairs[i].offset);
    const double offset = median(offsets);
    if (offsets.size() >= kLeastPairs && std::abs(offset) > std::abs(worst.offset))
      worst = {pairs[first].time, pairs[i - 1].time, offset};
    first = i;
  }
  return worst;
}

}  // namespace

std::optional<double> check_sync(const Lane& video, const Lane& audio, const VerifyConfig& config,
                                 Findings& out) {
  const auto flashes = flashes_of(video);
  const auto chirps = chirps_of(audio);
  const uint32_t step = step_of(flashes);
  if (step == 0) return std::nullopt;
  std::vector<Pair> pairs;
  for (int n = 0; n <= 2 * kMostShift && pairs.empty(); ++n) {
    const int shift = n % 2 == 0 ? n / 2 : -(n + 1) / 2;
    auto candidate = pair_up(flashes, chirps, step, shift);
    if (believable(candidate, shift)) pairs = std::move(candidate);
  }
  if (pairs.empty()) return std::nullopt;
  std::vector<double> offsets;
  offsets.reserve(pairs.size());
  for (const Pair& p : pairs) offsets.push_back(p.offset);
  const Window worst = worst_window(pairs);
  if (std::abs(worst.offset) > config.av_offset_warn) {
    const bool fails = std::abs(worst.offset) > config.av_offset_fail;
    out.add(audio, {.code = "av-offset",
                    .severity = fails ? Severity::kFail : Severity::kWarn,
                    .start = worst.from,
                    .end = worst.to,
                    .value = worst.offset,
                    .threshold = fails ? config.av_offset_fail : config.av_offset_warn,
                    .text = fmt::format("sound comes {:.0f} ms {} the picture",
                                        std::abs(worst.offset) * 1000,
                                        worst.offset > 0 ? "after" : "before")});
  }
  return median(offsets);
}

}  // namespace callbot::recordings
