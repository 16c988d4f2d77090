#include "recordings/media_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "recordings/recording_folder.h"

namespace callbot::recordings {
namespace {

constexpr uint64_t kMostWaitingBytes = 8u << 20;
constexpr uint64_t kMostBatchBytes = 1u << 20;
// How long a track that does not fit waits for the key frame that ends the stretch.
constexpr int64_t kKeyFrameDeadlineNs = 500'000'000;
// A file of a participant without tracks stays open for a rejoin.
constexpr int64_t kIdleNs = 10'000'000'000;
// Frames of another track may come a little later and belong a little earlier.
constexpr int64_t kEarlyMarginNs = 100'000'000;

int64_t ns(std::chrono::nanoseconds d) { return d.count(); }

}  // namespace

Result<> MediaWriter::begin_track(const TrackInfo& info) {
  if (codec_id(info.codec) == AV_CODEC_ID_NONE)
    return fail(Code::kUnsupported, fmt::format("codec \"{}\" cannot be recorded", info.codec));
  // Taken off and put on again: what is left of it goes first.
  if (const auto before = tracks_.find(info.id); before != tracks_.end()) {
    if (before->second.live) return {};
    if (!before->second.waiting.empty()) {
      if (auto written = beside(before->second); !written) return written;
    }
    tracks_.erase(before);
  }
  TrackClockConfig clock;
  clock.clock_rate = std::max(info.clock_rate, 1);
  clock.most_disagreement_ns = ns(config_.recording.most_disagreement);
  sender_clock_.begin(info);
  Track track{info, TrackClock(clock, sender_clock_, info)};
  if (info.kind == MediaKind::kAudio) track.parameters = audio_parameters(info);
  tracks_.emplace(info.id, std::move(track));
  return {};
}

Result<> MediaWriter::write(TrackId id, const Frame& frame) {
  const auto found = tracks_.find(id);
  if (found == tracks_.end()) return {};
  return take(found->second, found->second.clock.push(frame, monotonic_ns()));
}

Result<> MediaWriter::end_track(TrackId id) {
  const auto found = tracks_.find(id);
  if (found == tracks_.end()) return {};
  Track& track = found->second;
  auto taken = take(track, track.clock.finish());
  if (taken && !track.held.empty()) taken = release_held();
  sender_clock_.end(id);
  track.live = false;
  for (auto& stretch : stretches_) stretch->end_track(id);
  journal_end(track);
  if (track.waiting.empty()) tracks_.erase(found);
  const bool others = std::any_of(tracks_.begin(), tracks_.end(),
                                  [](const auto& other) { return other.second.live; });
  return taken && !others ? write_all_waiting() : taken;
}

// Nothing may come for a long time, not even a beat: what there is goes to disk now.
Result<> MediaWriter::write_all_waiting() {
  if (main() == nullptr) {
    if (auto opened = open_stretch(live_with_parameters(), 0); !opened) return opened;
  }
  for (auto& [id, track] : tracks_) {
    if (track.waiting.empty()) continue;
    if (auto written = beside(track); !written) return written;
  }
  tracks_.clear();
  for (auto& stretch : stretches_) {
    if (auto flushed = stretch->flush(); !flushed) return flushed;
  }
  return {};
}

Result<> MediaWriter::beat(int64_t now_ns) {
  for (auto& [id, track] : tracks_) {
    if (auto taken = take(track, track.clock.settle(now_ns)); !taken) return taken;
  }
  return go_on_with_turn(now_ns)
      .and_then([&] { return serve_waiting(now_ns); })
      .and_then([&] { return flush_due(now_ns); })
      .and_then([&] { return close_idle(now_ns); });
}

Result<> MediaWriter::finish(const std::string& reason) {
  Result<> first;
  const auto keep = [&first](Result<> result) {
    if (first && !result) first = std::move(result);
  };
  for (auto& [id, track] : tracks_) {
    keep(take(track, track.clock.finish()));
    if (track.live) journal_end(track);
    track.live = false;
  }
  if (first) keep(release_held());
  if (first) keep(write_all_waiting());
  tracks_.clear();
  while (!stretches_.empty()) keep(close_stretch(0, reason));
  return first;
}

Result<> MediaWriter::take(Track& track, std::vector<TimedFrame> frames) {
  for (TimedFrame& frame : frames) {
    if (auto taken = take_one(track, std::move(frame)); !taken) return taken;
  }
  return {};
}

// Learns what a video key frame says, and refuses what no decoder could use.
bool MediaWriter::usable(Track& track, const TimedFrame& timed) {
  if (track.info.kind == MediaKind::kAudio) return track.parameters.has_value();
  if (timed.frame.key && !track.parameters)
    track.parameters = video_parameters(track.info, timed.frame.bytes);
  if (timed.frame.key) track.waits_for_key = false;
  if (track.waits_for_key) ask_again(track, timed.frame.last_arrival_ns);
  return track.parameters.has_value() && !track.waits_for_key;
}

Result<> MediaWriter::take_one(Track& track, TimedFrame timed) {
  const bool video = track.info.kind == MediaKind::kVideo;
  std::optional<PictureSize> size;
  if (video && timed.frame.key) size = picture_size(track.info.codec, timed.frame.bytes);
  host_.count(track.info.id, timed.frame, size);
  ++track.frames;
  track.key_frames += timed.frame.key ? 1 : 0;
  track.bytes += timed.frame.bytes.size();
  track.last_arrival_ns = timed.frame.last_arrival_ns;
  if (timed.frame.level) host_.heard(config_.participant, *timed.frame.level, timed.time_ns);
  if (!usable(track, timed)) {
    ++track.skipped;
    return {};
  }
  if (track.stretch == nullptr) {
    track.waiting.push_back(std::move(timed));
    return place(track);
  }
  const bool may_cut = track.stretch == main() && (timed.frame.key || !video) &&
                       main()->live_videos(track.info).size() <= (video ? 1u : 0u);
  if (may_cut && video) {
    if (auto done = cut_for_waiting(timed.time_ns - kEarlyMarginNs); !done) return done;
  }
  if (track.stretch == main()) {
    const int64_t now_ns = timed.frame.last_arrival_ns;
    begin_turn(timed.time_ns, now_ns);
    if (turn_ && hold(track, timed)) return go_on_with_turn(now_ns);
  }
  return put(track, std::move(timed));
}

Result<> MediaWriter::put(Track& track, TimedFrame timed) {
  Stretch& stretch = *track.stretch;
  const AnchorReason anchor = timed.anchor;
  const int64_t exact = timed.time_ns - stretch.start_ns();
  const Frame facts = timed.frame;
  std::optional<PictureSize> size;
  if (facts.key && track.info.kind == MediaKind::kVideo)
    size = picture_size(track.info.codec, timed.frame.bytes);
  const bool new_report = timed.new_report;
  const int64_t stalled_from = timed.stalled_from_ns;
  const int64_t time = stretch.add(track.stream, std::move(timed));
  if (anchor != AnchorReason::kNone) {
    host_.journal({.kind = EventKind::kAnchor,
                   .reason = name_of(anchor),
                   .track = track.info.id,
                   .file = stretch.name(),
                   .stream = track.stream,
                   .time_ns = exact,
                   .rtp_time = facts.rtp_time,
                   .arrival_ns = host_.wall_of(facts.first_arrival_ns),
                   .ntp_ns = facts.ntp_ns});
  }
  if (new_report) {
    host_.journal({.kind = EventKind::kSenderReport,
                   .track = track.info.id,
                   .rtp_time = facts.rtp_time,
                   .arrival_ns = host_.wall_of(facts.first_arrival_ns),
                   .ntp_ns = facts.ntp_ns});
  }
  if (stalled_from != 0) {
    host_.journal({.kind = EventKind::kStall,
                   .track = track.info.id,
                   .from_ns = stalled_from - host_.started_ns(),
                   .to_ns = stretch.start_ns() + exact - host_.started_ns()});
  }
  if (facts.after_gap) {
    host_.journal({.kind = EventKind::kGap,
                   .track = track.info.id,
                   .file = stretch.name(),
                   .from_ns = track.last_in_file_ns,
                   .to_ns = time});
  }
  if (size && *size != track.size) {
    track.size = *size;
    host_.journal({.kind = EventKind::kSize,
                   .track = track.info.id,
                   .file = stretch.name(),
                   .time_ns = time,
                   .width = size->width,
                   .height = size->height});
  }
  track.last_in_file_ns = time;
  return stretch.batch_bytes() > kMostBatchBytes ? stretch.flush() : Result<>();
}

Result<> MediaWriter::drain(Track& track) {
  while (!track.waiting.empty()) {
    TimedFrame frame = std::move(track.waiting.front());
    track.waiting.pop_front();
    if (auto done = put(track, std::move(frame)); !done) return done;
  }
  return {};
}

// A track with frames and no file: into an open one if it fits, into the first one when everything
// promised is there, otherwise it waits for serve_waiting().
Result<> MediaWriter::place(Track& track) {
  for (auto& stretch : stretches_) {
    const auto stream = stretch->place(track.info, *track.parameters);
    if (!stream) continue;
    track.stretch = stretch.get();
    track.stream = *stream;
    track.last_in_file_ns = std::max<int64_t>(stretch->streams()[*stream].last_ms, 0) * 1'000'000;
    return drain(track);
  }
  return serve_waiting(track.waiting.back().frame.last_arrival_ns);
}

Result<> MediaWriter::serve_waiting(int64_t now_ns) {
  if (main() == nullptr)
    return ready(now_ns) ? open_stretch(live_with_parameters(), 0) : Result<>();
  for (auto& [id, track] : tracks_) {
    if (track.waiting.empty()) continue;
    if (track.superseded) {  // and yet it goes on
      if (auto done = beside(track); !done) return done;
      continue;
    }
    const auto videos = main()->live_videos(track.info);
    if (videos.empty()) return cut_for_waiting(track.waiting.front().time_ns - kEarlyMarginNs);
    const int64_t waited = now_ns - track.waiting.front().frame.last_arrival_ns;
    if (videos.size() > 1 || waited >= kKeyFrameDeadlineNs) {
      if (auto done = beside(track); !done) return done;
    } else if (!std::exchange(track.asked_for_key_frame, true) &&
               config_.recording.want_key_frame) {
      config_.recording.want_key_frame(videos.front());
    }
  }
  return {};
}

bool MediaWriter::ready(int64_t now_ns) const {
  bool complete = true;
  bool has[2] = {false, false};
  uint64_t bytes = 0;
  std::optional<int64_t> since;
  for (const auto& [id, track] : tracks_) {
    if (track.live && !track.parameters) complete = false;
    if (track.parameters) has[static_cast<int>(track.info.kind)] = true;
    for (const TimedFrame& w : track.waiting) {
      bytes += w.frame.bytes.size();
      since = std::min(since.value_or(w.frame.first_arrival_ns), w.frame.first_arrival_ns);
    }
  }
  if (!since) return false;
  if (bytes > kMostWaitingBytes || now_ns - *since >= ns(config_.recording.header_deadline))
    return true;
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo}) {
    if (!has[static_cast<int>(kind)] && host_.expects(config_.participant, kind)) return false;
  }
  return complete;
}

std::vector<MediaWriter::Track*> MediaWriter::live_with_parameters() {
  std::vector<Track*> tracks;
  for (auto& [id, track] : tracks_) {
    const bool goes_on = track.live && !track.superseded;
    if (track.parameters && (goes_on || !track.waiting.empty())) tracks.push_back(&track);
  }
  return tracks;
}

// A new file for these tracks. `start_ns`: its time 0; 0: that of the first frame that waits.
Result<> MediaWriter::open_stretch(std::vector<Track*> tracks, int64_t start_ns) {
  std::optional<int64_t> first;
  std::vector<Stream> streams;
  std::vector<int> places;
  for (Track* track : tracks) {
    if (!track->waiting.empty())
      first = std::min(first.value_or(INT64_MAX), track->waiting.front().time_ns);
    auto place = find_place(streams, track->info, *track->parameters);
    if (!place) {
      place = static_cast<int>(streams.size());
      streams.push_back({*track->parameters, track->info, track->live});
    }
    streams[*place].live = track->live;
    places.push_back(*place);
  }
  if (start_ns == 0 && !first) return {};  // nothing to write
  const int64_t start = start_ns != 0 ? start_ns : *first;

  MediaFileConfig file;
  file.seal_to = config_.recording.seal_to;
  const auto name = to_path({config_.stem, ++files_}, file.seal_to.has_value());
  file.path = config_.folder / name;
  file.title = config_.name;
  file.start_wall_ns = host_.wall_of(start);
  Event event{.kind = EventKind::kFileOpened,
              .participant = config_.participant,
              .file = name,
              .offset_ns = start - host_.started_ns()};
  for (const Stream& s : streams) {
    file.streams.push_back(s.parameters);
    event.streams.push_back({s.track.id, s.parameters.media, s.parameters.codec});
  }
  auto stretch = Stretch::open(file, name, start, std::move(streams));
  if (!stretch) return tl::unexpected(stretch.error());
  host_.opened(name, (*stretch)->file());
  host_.journal(std::move(event));
  stretches_.push_back(std::move(*stretch));
  for (size_t i = 0; i < tracks.size(); ++i) {
    tracks[i]->stretch = stretches_.back().get();
    tracks[i]->stream = places[i];
    tracks[i]->last_in_file_ns = 0;
  }
  for (Track* track : tracks) {
    if (auto done = drain(*track); !done) return done;
  }
  return stretches_.back()->flush();  // it has waited long enough
}

// Ends the stretch and goes on in a new file with every track there is.
Result<> MediaWriter::cut(const std::string& reason, int64_t start_ns) {
  for (auto& [id, track] : tracks_) {
    if (track.stretch != main()) continue;
    track.stretch = nullptr;
    if (track.held.empty()) continue;
    start_ns = std::min(start_ns, track.held.front().time_ns);
    std::move(track.held.begin(), track.held.end(), std::back_inserter(track.waiting));
    track.held.clear();
  }
  turn_.reset();
  split_asked_ = false;
  if (auto closed = close_stretch(0, reason); !closed) return closed;
  std::vector<Track*> tracks;
  for (Track* track : live_with_parameters()) {
    if (track->stretch == nullptr) tracks.push_back(track);
  }
  auto opened = open_stretch(tracks, start_ns);
  if (opened && !stretches_.empty())
    std::rotate(stretches_.begin(), stretches_.end() - 1, stretches_.end());
  return opened;
}

Result<> MediaWriter::cut_for_waiting(int64_t start_ns) {
  bool waits = false;
  bool change = false;
  for (const auto& [id, track] : tracks_) {
    if (track.waiting.empty()) continue;
    waits = true;
    start_ns = std::min(start_ns, track.waiting.front().time_ns);
    for (auto& [other_id, other] : tracks_) {
      if (other.stretch != main() || !replaces(track.info, other.info)) continue;
      change = true;
      other.superseded = true;
    }
  }
  return waits ? cut(change ? "codec-change" : "new-track", start_ns) : Result<>();
}

Result<> MediaWriter::beside(Track& track) { return open_stretch({&track}, 0); }

Result<> MediaWriter::close_stretch(size_t index, const std::string& reason) {
  auto stretch = std::move(stretches_[index]);
  stretches_.erase(stretches_.begin() + static_cast<std::ptrdiff_t>(index));
  for (auto& [id, track] : tracks_) {
    if (track.stretch == stretch.get()) track.stretch = nullptr;
  }
  auto closed = stretch->close();
  host_.journal({.kind = EventKind::kFileClosed,
                 .reason = closed ? reason : "error",
                 .duration_ns = stretch->duration_ns(),
                 .file = stretch->name(),
                 .bytes = stretch->file()->bytes()});
  return closed;
}

Result<> MediaWriter::flush_due(int64_t now_ns) {
  if (now_ns - flushed_ns_ < ns(config_.recording.flush_every)) return {};
  flushed_ns_ = now_ns;
  for (auto& stretch : stretches_) {
    if (auto flushed = stretch->flush(); !flushed) return flushed;
  }
  return {};
}

Result<> MediaWriter::close_idle(int64_t now_ns) {
  const bool live = std::any_of(stretches_.begin(), stretches_.end(),
                                [](const auto& stretch) { return stretch->has_live(); });
  if (live || stretches_.empty() || !tracks_.empty()) {
    idle_since_ns_ = now_ns;
    return {};
  }
  const bool gone = host_.is_gone(config_.participant);
  if (!gone && now_ns - idle_since_ns_ < kIdleNs) return {};
  while (!stretches_.empty()) {
    if (auto closed = close_stretch(0, gone ? "left" : "tracks-ended"); !closed) return closed;
  }
  return {};
}

bool MediaWriter::too_long(const Stretch& stretch, int64_t time_ns) const {
  const RecordingConfig& limits = config_.recording;
  return (limits.most_file_bytes > 0 && stretch.bytes() >= limits.most_file_bytes) ||
         (limits.most_file_duration.count() > 0 &&
          time_ns - stretch.start_ns() >= ns(limits.most_file_duration));
}

void MediaWriter::journal_end(const Track& track) {
  host_.journal({.kind = EventKind::kTrackEnded,
                 .track = track.info.id,
                 .bytes = track.bytes,
                 .frames = track.frames,
                 .key_frames = track.key_frames,
                 .skipped = track.skipped});
}

}  // namespace callbot::recordings
