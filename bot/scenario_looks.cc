#include "bot/scenario_looks.h"

#include <algorithm>
#include <utility>

namespace callbot::bot {
namespace {

constexpr uint32_t kOfEither = 2;  // frames

}  // namespace

bool PatternLook::chirps(uint32_t frame) const {
  return sound && (frame - picture.since_frame) % static_cast<uint64_t>(picture.fps) == 0;
}

void PatternLooks::begin(std::optional<PatternLook> look) {
  const std::lock_guard lock(mutex_);
  last_ = look;
  change(0, std::move(look));
}

void PatternLooks::change_media(uint32_t frame, std::optional<PatternLook> look) {
  const std::lock_guard lock(mutex_);
  if (look && last_) {
    look->picture.fps = last_->picture.fps;
    look->picture.since_frame = last_->picture.since_frame;
    look->picture.since_second = last_->picture.since_second;
  }
  if (look) last_ = look;
  change(frame, std::nullopt);
  change(frame + kOfEither, std::move(look));
}

void PatternLooks::change_rate(uint32_t frame, int fps) {
  const std::lock_guard lock(mutex_);
  if (!last_) return;
  last_->picture.change_rate(frame, fps);
  if (all_.back().look) change(frame, last_);
}

void PatternLooks::change_size(uint32_t frame, int width, int height) {
  const std::lock_guard lock(mutex_);
  if (!last_ || !all_.back().look) return;
  last_->picture.width = width;
  last_->picture.height = height;
  change(frame, last_);
}

// What was to come later does not.
void PatternLooks::change(uint32_t frame, std::optional<PatternLook> look) {
  std::erase_if(all_, [frame](const Stretch& s) { return s.first >= frame; });
  all_.push_back({frame, std::move(look)});
}

std::optional<PatternLook> PatternLooks::at(uint32_t frame) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(all_.rbegin(), all_.rend(),
                                  [frame](const Stretch& s) { return s.first <= frame; });
  return found == all_.rend() ? std::nullopt : found->look;
}

}  // namespace callbot::bot
