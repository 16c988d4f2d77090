#include "quality/presence.h"

#include <algorithm>

namespace callbot::quality {
namespace {

constexpr int64_t kPicturesApart_ns = 1'000'000'000;
constexpr int64_t kSoundsApart_ns = 500'000'000;

}  // namespace

void PresenceLog::seen(const TrackInfo& track, uint16_t source, int64_t at_ns) {
  add({track.id, source},
      {track.participant, track.source, MediaKind::kVideo, source, at_ns, at_ns},
      kPicturesApart_ns);
}

void PresenceLog::heard(const TrackInfo& track, int64_t from_ns, int64_t to_ns) {
  add({track.id, -1},
      {track.participant, track.source, MediaKind::kAudio, std::nullopt, from_ns, to_ns},
      kSoundsApart_ns);
}

void PresenceLog::add(const Who& who, const PresenceSpan& span, int64_t most_apart_ns) {
  const std::lock_guard lock(mutex_);
  const auto latest = latest_.find(who);
  if (latest != latest_.end() && span.from_ns - spans_[latest->second].to_ns < most_apart_ns) {
    spans_[latest->second].to_ns = std::max(spans_[latest->second].to_ns, span.to_ns);
    return;
  }
  latest_[who] = spans_.size();
  spans_.push_back(span);
}

std::vector<PresenceSpan> PresenceLog::spans() const {
  const std::lock_guard lock(mutex_);
  return spans_;
}

}  // namespace callbot::quality
