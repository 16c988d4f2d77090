#include "pipelines/live_renditions.h"

#include <algorithm>
#include <map>
#include <utility>

namespace callbot::pipelines {

std::vector<Rendition> usual_renditions(const Rendition& best, int least_width, int least_height) {
  constexpr int kLeastBitrate = 50'000;
  constexpr std::pair<int, int> kDividedBy[] = {{2, 3}, {4, 10}};  // size, rate
  std::vector<Rendition> made = {best};
  for (const auto& [size, rate] : kDividedBy) {
    if (best.bitrate / rate < kLeastBitrate) break;
    Rendition next = {best.width / size / 2 * 2, best.height / size / 2 * 2, best.bitrate / rate};
    if (next.width < least_width || next.height < least_height) {
      next.width = made.back().width;
      next.height = made.back().height;
    }
    made.push_back(next);
  }
  return made;
}

void LiveRenditions::set(size_t count, Make make) {
  const std::lock_guard lock(mutex_);
  make_ = std::move(make);
  made_.resize(count - 1);
}

LiveStream* LiveRenditions::get(size_t rendition) {
  if (rendition == 0 || made_.empty()) return nullptr;
  rendition = std::min(rendition, made_.size());
  auto& there = made_[rendition - 1];
  if (there) return there.get();
  auto made = make_(rendition);
  if (!made) return nullptr;
  (*made)->set_on(on_);
  const std::lock_guard lock(mutex_);
  there = std::move(*made);
  return there.get();
}

void LiveRenditions::each(const std::function<void(size_t rendition, LiveStream& stream)>& what) {
  for (size_t i = 0; i < made_.size(); ++i)
    if (made_[i]) what(i + 1, *made_[i]);
}

void LiveRenditions::detach(TapId tap) {
  for (const auto& one : made_)
    if (one) one->detach(tap);
}

void LiveRenditions::set_on(bool on) {
  on_ = on;
  for (const auto& one : made_)
    if (one) one->set_on(on);
}

void LiveRenditions::stop() {
  for (const auto& one : made_)
    if (one) one->stop();
}

void LiveRenditions::request_key_frame(size_t rendition) {
  const std::lock_guard lock(mutex_);
  if (rendition == 0 || made_.empty()) return;
  const auto& one = made_[std::min(rendition, made_.size()) - 1];
  if (one) one->request_key_frame();
}

std::vector<SentFrame> LiveRenditions::sent(std::vector<SentFrame> best) const {
  std::map<uint64_t, SentFrame> frames;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& one : made_) {
      if (!one) continue;
      for (const SentFrame& frame : one->sent()) frames.emplace(frame.number, frame);
    }
  }
  if (frames.empty()) return best;
  for (const SentFrame& frame : best) frames.insert_or_assign(frame.number, frame);
  best.clear();
  for (const auto& [number, frame] : frames) best.push_back(frame);
  return best;
}

std::vector<LiveStreamStats> LiveRenditions::stats() const {
  const std::lock_guard lock(mutex_);
  std::vector<LiveStreamStats> stats;
  for (const auto& one : made_) stats.push_back(one ? one->stats() : LiveStreamStats());
  return stats;
}

}  // namespace callbot::pipelines
