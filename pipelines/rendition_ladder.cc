#include "pipelines/rendition_ladder.h"

#include <algorithm>
#include <utility>

namespace callbot::pipelines {
namespace {

constexpr int64_t ms(int64_t n) { return n * 1'000'000; }

// An estimate may dip for a moment (a key frame, a receiver that was busy) while all arrives.
constexpr int64_t kDownAfter_ns = ms(1000), kDownSoon_ns = ms(200);
constexpr double kMuchLess = 0.8;  // of what the present rendition needs arrives
constexpr double kMuchLost = 0.1;

// A step up has to be shown to fit with some room, and is tried with a little more than that.
constexpr double kUpRoom = 1.05, kProbeRoom = 1.2;
constexpr int64_t kSettle_ns = ms(1000);  // after a step up until the next
constexpr int64_t kCalm_ns = ms(1000);    // without a growing queue before a probe
constexpr int64_t kAfterDown_ns = ms(2000);
// Each probe that fails costs a moment of delay: seldom, but twice within ten seconds.
constexpr int64_t kFirstProbes_ns = ms(2000), kLastProbes_ns = ms(4000);
// A step up that ends within so long was a mistake.
constexpr int64_t kLasts_ns = ms(10'000);
constexpr int64_t kFirstPenalty_ns = ms(4000), kMostPenalty_ns = ms(32'000);

}  // namespace

void RenditionLadder::set_needs(std::vector<double> needs) {
  needs_ = std::move(needs);
  if (!needs_.empty()) level_ = std::min(level_, needs_.size() - 1);
}

size_t RenditionLadder::fitting(double estimate) const {
  for (size_t i = 0; i < needs_.size(); ++i)
    if (needs_[i] <= estimate) return i;
  return needs_.size() - 1;
}

bool RenditionLadder::look(const PathState& path, int64_t now_ns) {
  if (needs_.size() < 2) return false;
  const size_t fits = fitting(path.estimate);
  if (fits <= level_) {
    below_since_ns_ = 0;
  } else {
    if (below_since_ns_ == 0) below_since_ns_ = now_ns;
    const bool starving = (path.received && *path.received < kMuchLess * needs_[level_] &&
                           path.estimate < kMuchLess * needs_[level_]) ||
                          path.lost_share > kMuchLost;
    if (now_ns - below_since_ns_ < (starving ? kDownSoon_ns : kDownAfter_ns)) return false;
    go(fits, now_ns);
    return true;
  }
  if (level_ == 0 || path.estimate < kUpRoom * needs_[level_ - 1]) return false;
  if (now_ns < up_not_before_ns_) return false;
  go(level_ - 1, now_ns);
  return true;
}

void RenditionLadder::go(size_t level, int64_t now_ns) {
  below_since_ns_ = 0;
  if (level < level_) {
    went_up_ns_ = now_ns;
    up_not_before_ns_ = now_ns + kSettle_ns;
    next_probe_ns_ = now_ns + kSettle_ns;
  } else {
    const bool mistake = went_up_ns_ != 0 && now_ns - went_up_ns_ < kLasts_ns;
    if (mistake)
      penalty_ns_ = std::clamp(2 * penalty_ns_, kFirstPenalty_ns, kMostPenalty_ns);
    else
      penalty_ns_ = 0;
    up_not_before_ns_ = next_probe_ns_ = now_ns + kAfterDown_ns + penalty_ns_;
  }
  probe_every_ns_ = kFirstProbes_ns;
  if (level_ == 0 && level > 0) limited_since_ns_ = now_ns;
  if (level_ > 0 && level == 0) limited_ns_ += now_ns - limited_since_ns_;
  level_ = level;
  ++switches_;
}

std::optional<double> RenditionLadder::probe(const PathState& path, int64_t now_ns) {
  if (level_ == 0 || needs_.size() < 2 || now_ns < next_probe_ns_) return std::nullopt;
  if (path.overused_ns != 0 && now_ns - path.overused_ns < kCalm_ns) return std::nullopt;
  if (path.lost_share > kMuchLost) return std::nullopt;
  next_probe_ns_ = now_ns + probe_every_ns_;
  probe_every_ns_ = std::min(probe_every_ns_ + ms(1000), kLastProbes_ns);
  return kProbeRoom * needs_[level_ - 1];
}

double RenditionLadder::limited_s(int64_t now_ns) const {
  const int64_t now = level_ > 0 ? now_ns - limited_since_ns_ : 0;
  return static_cast<double>(limited_ns_ + now) * 1e-9;
}

}  // namespace callbot::pipelines
