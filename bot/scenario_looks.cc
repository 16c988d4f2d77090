#include "bot/scenario_looks.h"

#include <algorithm>
#include <utility>

namespace callbot::bot {

bool PatternLook::chirps(uint32_t frame) const {
  return sound && (frame - picture.since_frame) % static_cast<uint64_t>(picture.fps) == 0;
}

void PatternLooks::change(uint32_t frame, std::optional<PatternLook> look) {
  const std::lock_guard lock(mutex_);
  std::erase_if(all_, [frame](const Stretch& s) { return s.first >= frame; });
  all_.push_back({frame, std::move(look)});
}

std::optional<PatternLook> PatternLooks::at(uint32_t frame) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(all_.rbegin(), all_.rend(),
                                  [frame](const Stretch& s) { return s.first <= frame; });
  return found == all_.rend() ? std::nullopt : found->look;
}

std::optional<PatternLook> PatternLooks::newest() const {
  const std::lock_guard lock(mutex_);
  return all_.empty() ? std::nullopt : all_.back().look;
}

PatternLook at_rate(PatternLook look, int fps, uint32_t since) {
  pipelines::PictureConfig& picture = look.picture;
  picture.since_second += (since - picture.since_frame) / static_cast<uint64_t>(picture.fps);
  picture.since_frame = since;
  picture.fps = fps;
  return look;
}

}  // namespace callbot::bot
