#include "recordings/live_facts.h"

#include <algorithm>

namespace callbot::recordings {

void LiveFacts::began(const TrackInfo& track) {
  std::lock_guard lock(mutex_);
  tracks_[track.id].info = track;
  tracks_[track.id].live = true;
  said_[track.participant].gone = false;
}

void LiveFacts::ended(TrackId track) {
  std::lock_guard lock(mutex_);
  if (const auto found = tracks_.find(track); found != tracks_.end()) found->second.live = false;
}

void LiveFacts::count(TrackId track, const Frame& frame, std::optional<PictureSize> size) {
  std::lock_guard lock(mutex_);
  TrackCounters& c = tracks_[track];
  ++c.frames;
  c.key_frames += frame.key ? 1 : 0;
  c.gaps += frame.after_gap ? 1 : 0;
  c.bytes += frame.bytes.size();
  c.last_arrival_ns = frame.last_arrival_ns;
  if (size) {
    c.width = size->width;
    c.height = size->height;
  }
}

void LiveFacts::dropped(TrackId track, uint64_t frames) {
  std::lock_guard lock(mutex_);
  if (const auto found = tracks_.find(track); found != tracks_.end())
    found->second.overflow += frames;
}

void LiveFacts::remember(const Event& event) {
  std::lock_guard lock(mutex_);
  if (event.kind == EventKind::kState && event.media)
    said_[event.participant].on[static_cast<int>(*event.media)] = event.on;
  if (event.kind == EventKind::kMemberJoined) said_[event.participant].gone = false;
  if (event.kind == EventKind::kMemberLeft) said_[event.participant].gone = true;
}

bool LiveFacts::expects(const std::string& participant, MediaKind kind) const {
  std::lock_guard lock(mutex_);
  const auto found = said_.find(participant);
  return found == said_.end() || found->second.on[static_cast<int>(kind)].value_or(true);
}

bool LiveFacts::is_gone(const std::string& participant) const {
  std::lock_guard lock(mutex_);
  const auto found = said_.find(participant);
  return found != said_.end() && found->second.gone;
}

std::optional<SpeechDetector::Span> LiveFacts::heard(const std::string& participant,
                                                     AudioLevel level, int64_t time_ns) {
  std::lock_guard lock(mutex_);
  Talker& t = talkers_[participant];
  const auto span = t.speech.heard(level, time_ns);
  t.heard_ns = std::max(t.heard_ns, time_ns);
  if (t.speech.speaks()) t.spoke_ns = t.heard_ns;
  return span;
}

std::vector<LiveFacts::Speech> LiveFacts::settle(std::optional<int64_t> until_ns) {
  std::vector<Speech> ended;
  std::lock_guard lock(mutex_);
  for (auto& [participant, t] : talkers_) {
    const auto span = until_ns ? t.speech.quiet(*until_ns) : t.speech.finish();
    if (span) ended.emplace_back(participant, *span);
  }
  return ended;
}

void LiveFacts::file(const std::string& name, std::weak_ptr<MediaFile> open, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  files_.push_back({name, std::move(open), bytes});
}

void LiveFacts::closed(const std::string& file, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  for (File& f : files_) {
    if (f.name == file) f.bytes = bytes;
  }
}

RecordingStats LiveFacts::stats() const {
  std::lock_guard lock(mutex_);
  RecordingStats stats;
  for (const auto& [id, counters] : tracks_) {
    stats.tracks.push_back(counters);
    stats.tracks.back().info.id = id;
  }
  for (const File& file : files_) {
    const auto open = file.open.lock();
    stats.files.push_back(file.name);
    stats.bytes += open ? open->bytes() : file.bytes;
  }
  for (const auto& [participant, t] : talkers_)
    stats.talkers.push_back({participant, t.speech.speaks(), t.heard_ns, t.spoke_ns});
  return stats;
}

}  // namespace callbot::recordings
