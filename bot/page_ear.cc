#include "bot/page_ear.h"

#include <algorithm>
#include <cmath>

namespace callbot::bot {
namespace {

constexpr size_t kStretches = 5;              // our choice
constexpr int64_t kMostLate_ns = 30'000'000;  // that a page looks; more, and the sound stood still
constexpr int64_t kBroken_ns = 500'000'000;   // pages keep a second that they do not look at

int64_t ns_of(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

bool PageEar::begins_with(const browsers::HeardSound& sound) const {
  return track_ != sound.track || rate_ != sound.rate || next_ != sound.first ||
         (!begins_ns_.empty() && sound.begin_ns - begins_ns_.back() > kBroken_ns);
}

std::vector<EarChirp> PageEar::push(const browsers::HeardSound& sound) {
  if (begins_with(sound)) {
    track_ = sound.track;
    rate_ = sound.rate;
    begin_ = sound.first;
    begins_ns_.clear();
    thickened_ = std::make_unique<browsers::Thickened>(sound.rate);
    detector_ = std::make_unique<ChirpDetector>();
  }
  next_ = sound.first + static_cast<int64_t>(sound.samples.size());
  if (!begins_ns_.empty() && sound.begin_ns - begins_ns_.back() > kMostLate_ns) begins_ns_.clear();
  begins_ns_.push_back(sound.begin_ns);
  if (begins_ns_.size() > kStretches) begins_ns_.pop_front();
  std::vector<EarChirp> chirps;
  for (const FoundChirp& found : detector_->push(thickened_->push(sound.samples))) {
    const int64_t in_sound_ns =
        ns_of(static_cast<double>(begin_) / rate_ + found.position / kMarkSampleRate);
    chirps.push_back({found.up, begin_ns() + in_sound_ns, in_sound_ns, found.position});
  }
  return chirps;
}

int64_t PageEar::begin_ns() const {
  return *std::min_element(begins_ns_.begin(), begins_ns_.end());
}

int64_t PageEar::heard_until_ns() const {
  return begins_ns_.empty() ? 0 : begin_ns() + ns_of(static_cast<double>(next_) / rate_);
}

}  // namespace callbot::bot
