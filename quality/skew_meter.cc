#include "quality/skew_meter.h"

#include <algorithm>
#include <cstdlib>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

constexpr size_t kMostWaiting = 20;
constexpr int64_t kNearest_ns = 500'000'000;
constexpr double kLeastPairs = 10, kLeastSeconds = 10;

}  // namespace

void SkewMeter::flash(uint16_t source, int64_t counter, std::optional<int64_t> captured_ns,
                      int64_t playout_ns) {
  // Two chirps in a row are a second apart.
  if (fps_ == 0 && last_flash_ && counter > *last_flash_) fps_ = counter - *last_flash_;
  last_flash_ = counter;
  flashes_.push_back({source, counter, captured_ns, playout_ns});
  if (flashes_.size() > kMostWaiting) flashes_.pop_front();
  pair_up();
}

void SkewMeter::chirp(bool up, std::optional<int64_t> captured_ns, int64_t playout_ns,
                      int64_t uncertainty_ns) {
  if (uncertainty_ns > 0)
    out_.set_uncertainty("av.skew", static_cast<double>(uncertainty_ns) / 1e9);
  chirps_.push_back({up, captured_ns, playout_ns});
  if (chirps_.size() > kMostWaiting) chirps_.pop_front();
  pair_up();
}

bool SkewMeter::belong(const Flash& flash, const Chirp& chirp) const {
  if (chirp.captured_ns)
    return flash.captured_ns && std::abs(*chirp.captured_ns - *flash.captured_ns) <= kNearest_ns;
  if (fps_ == 0) return false;
  constexpr int64_t kCounters = int64_t{1} << 24;
  const int64_t number = flash.counter % kCounters / fps_;
  return std::abs(chirp.at_ns - flash.at_ns) <= kNearest_ns &&
         chirp_goes_up(flash.source, static_cast<uint64_t>(number)) == chirp.up;
}

void SkewMeter::pair_up() {
  for (auto chirp = chirps_.begin(); chirp != chirps_.end();) {
    const auto flash = std::find_if(flashes_.begin(), flashes_.end(),
                                    [&](const Flash& f) { return belong(f, *chirp); });
    if (flash == flashes_.end()) {
      ++chirp;
      continue;
    }
    found(*flash, *chirp);
    flashes_.erase(flash);
    chirp = chirps_.erase(chirp);
  }
}

void SkewMeter::found(const Flash& flash, const Chirp& chirp) {
  // What was not captured at the same time was not sent so.
  const int64_t apart_ns =
      chirp.captured_ns && flash.captured_ns ? *chirp.captured_ns - *flash.captured_ns : 0;
  const double skew = static_cast<double>(chirp.at_ns - flash.at_ns - apart_ns) / 1e9;
  const int64_t at = std::max(chirp.at_ns, flash.at_ns);
  out_.sample("av.skew", at, skew);
  if (n_ == 0) first_ns_ = at;
  const double t = static_cast<double>(at - first_ns_) / 1e9;
  ++n_, t_ += t, s_ += skew, tt_ += t * t, ts_ += t * skew;
  last_ = std::max(last_, t);
  if (n_ < kLeastPairs || last_ < kLeastSeconds) return;
  const double slope = (n_ * ts_ - t_ * s_) / (n_ * tt_ - t_ * t_);  // seconds a second
  out_.replace("av.drift", at, slope * 60);
}

}  // namespace callbot::quality
