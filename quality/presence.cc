#include "quality/presence.h"

#include <algorithm>

namespace callbot::quality {
namespace {

constexpr int64_t kPicturesApart_ns = 1'000'000'000;
constexpr int64_t kSoundsApart_ns = 500'000'000;
constexpr int64_t kChirp_ns = 80'000'000, kChirpsApart_ns = 1'500'000'000;

}  // namespace

void PresenceLog::seen(const TrackInfo& track, uint16_t source, int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  spans_.add({track.id, source},
             {track.participant, track.source, MediaKind::kVideo, source, at_ns, at_ns},
             kPicturesApart_ns);
}

void PresenceLog::unread(const TrackInfo& track, int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  unread_.add({track.id, -1},
              {track.participant, track.source, MediaKind::kVideo, std::nullopt, at_ns, at_ns + 1},
              kPicturesApart_ns);
}

void PresenceLog::heard(const TrackInfo& track, int64_t from_ns, int64_t to_ns) {
  const std::lock_guard lock(mutex_);
  spans_.add({track.id, -1},
             {track.participant, track.source, MediaKind::kAudio, std::nullopt, from_ns, to_ns},
             kSoundsApart_ns);
}

void PresenceLog::strange(const TrackInfo& track, int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  spans_.add(
      {track.id, kStranger},
      {track.participant, track.source, MediaKind::kAudio, kStranger, at_ns, at_ns + kChirp_ns},
      kChirpsApart_ns);
}

void PresenceLog::looked(const TrackInfo& track, int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  looks_.add({track.id, -1},
             {track.participant, track.source, track.kind, std::nullopt, at_ns, at_ns},
             kPicturesApart_ns);
}

void PresenceLog::decoded(const TrackInfo& track, int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  decoded_.push_back({track.participant, track.source, track.kind, at_ns});
}

void PresenceLog::Spans::add(const Who& who, const PresenceSpan& span, int64_t most_apart_ns) {
  const auto before = latest.find(who);
  if (before != latest.end() && span.from_ns - all[before->second].to_ns < most_apart_ns) {
    all[before->second].to_ns = std::max(all[before->second].to_ns, span.to_ns);
    return;
  }
  latest[who] = all.size();
  all.push_back(span);
}

std::vector<PresenceSpan> PresenceLog::spans() const {
  const std::lock_guard lock(mutex_);
  return spans_.all;
}

std::vector<PresenceSpan> PresenceLog::unread() const {
  const std::lock_guard lock(mutex_);
  return unread_.all;
}

std::vector<PresenceSpan> PresenceLog::looks() const {
  const std::lock_guard lock(mutex_);
  return looks_.all;
}

std::vector<FirstDecoded> PresenceLog::decoded() const {
  const std::lock_guard lock(mutex_);
  return decoded_;
}

}  // namespace callbot::quality
