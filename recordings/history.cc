// How the manifest follows from the journal.
#include <algorithm>

#include "base/clock.h"
#include "recordings/manifest.h"

namespace callbot::recordings {
namespace {

// As base/clock reads times.
int64_t readable(int64_t wall_ns) { return std::clamp(wall_ns, kEarliestWallNs, kLatestWallNs); }

template <class T>
void close_last(std::vector<T>& spans, int64_t now) {
  if (!spans.empty() && !spans.back().to_ns) spans.back().to_ns = now;
}

// Where the list is full its last span goes on.
void open_span(std::vector<Span>& spans, Span span) {
  if (!spans.empty() && !spans.back().to_ns) return;
  if (spans.size() < kMostListed)
    spans.push_back(std::move(span));
  else
    spans.back().to_ns.reset();
}

template <class T>
void add_bounded(std::vector<T>& list, T value) {
  if (list.size() < kMostListed) list.push_back(std::move(value));
}

void member_joined(Manifest& m, const Event& e, int64_t now) {
  Participant& p = m.participant(e.participant);
  p.name = e.name;
  p.recorder = e.recorder.value_or(false);
  open_span(p.present, {.from_ns = now});
}

void member_left(Manifest& m, const Event& e, int64_t now) {
  Participant& p = m.participant(e.participant);
  if (!p.present.empty() && !p.present.back().to_ns) {
    p.present.back().to_ns = now;
    p.present.back().reason = e.reason;
  }
  for (Said& said : p.said) {
    if (!said.to_ns) said.to_ns = now;
  }
}

// The list is full: from its last word on the track is judged rather than not.
void take_for_on(Participant& p, MediaKind media) {
  const auto last = std::find_if(p.said.rbegin(), p.said.rend(),
                                 [&](const Said& said) { return said.media == media; });
  if (last == p.said.rend()) return;
  last->on = true;
  last->to_ns.reset();
}

void state(Manifest& m, const Event& e, int64_t now) {
  Participant& p = m.participant(e.participant);
  const MediaKind media = e.media.value_or(MediaKind::kAudio);
  const auto open = std::find_if(p.said.begin(), p.said.end(), [&](const Said& said) {
    return said.media == media && !said.to_ns;
  });
  if (open != p.said.end() && open->on == e.on && open->source == e.source) return;
  if (p.said.size() >= kMostListed) return take_for_on(p, media);
  if (open != p.said.end()) open->to_ns = now;
  p.said.push_back({media, e.on.value_or(false), e.source, now, {}});
}

void consent(Manifest& m, const Event& e, int64_t now) {
  Participant& p = m.participant(e.participant);
  if (e.allowed.value_or(true))
    close_last(p.refused, now);
  else
    open_span(p.refused, {.from_ns = now});
}

void excluded(Manifest& m, const Event& e, int64_t now) {
  Participant& p = m.participant(e.participant);
  if (!e.on.value_or(true))
    close_last(p.excluded, now);
  else
    open_span(p.excluded, {.from_ns = now, .reason = e.reason});
}

Pause* open_pause(Manifest& m, const std::string& participant) {
  const auto found = std::find_if(m.pauses.begin(), m.pauses.end(), [&](const Pause& p) {
    return p.participant == participant && !p.to_ns;
  });
  return found == m.pauses.end() ? nullptr : &*found;
}

void paused(Manifest& m, const Event& e, int64_t now) {
  if (open_pause(m, e.participant) == nullptr)
    m.pauses.push_back({now, {}, e.participant, e.policy, e.by});
}

void resumed(Manifest& m, const Event& e, int64_t now) {
  if (Pause* pause = open_pause(m, e.participant)) pause->to_ns = now;
}

void speech(Manifest& m, const Event& e) {
  std::vector<Span>& spoke = m.participant(e.participant).spoke;
  if (spoke.empty() || spoke.back().to_ns) {
    if (spoke.size() < kMostSpoken) spoke.push_back({.from_ns = e.from_ns});
  }
  if (!spoke.empty() && !spoke.back().to_ns && e.to_ns != 0) spoke.back().to_ns = e.to_ns;
}

void track_began(Manifest& m, const Event& e, int64_t now) {
  Participant& p = m.participant(e.participant);
  if (p.name.empty()) p.name = e.name;
  Track t;
  t.id = e.track;
  t.participant = e.participant;
  t.media = e.media.value_or(MediaKind::kAudio);
  t.codec = e.codec;
  t.source = e.source;
  t.mid = e.mid;
  t.clock_rate = e.clock_rate;
  t.channels = e.channels;
  t.ssrc = e.ssrc;
  t.from_ns = now;
  m.tracks.push_back(std::move(t));
}

void track_ended(Track& t, const Event& e, int64_t now) {
  t.to_ns = now;
  t.frames = e.frames;
  t.key_frames = e.key_frames;
  t.bytes = e.bytes;
  t.skipped = e.skipped;
}

// The first anchor says when the track started by arrival; the first with the sender's clock says
// it better, and what the two clocks differ by.
void anchor(Manifest& m, Track& t, const Event& e) {
  MediaFileFacts* file = m.file(e.file);
  if (file == nullptr) return;
  const int64_t by_arrival = m.started_wall_ns + file->offset_ns + e.time_ns;
  if (!t.start_wall_ns) {
    t.start_wall_ns = readable(by_arrival);
    t.start_source = "arrival";
  } else if (e.reason == "disagreement") {
    ++t.anchors;
  }
  if (!e.ntp_ns || t.ntp_offset_ns) return;
  t.ntp_offset_ns = *e.ntp_ns - by_arrival;
  t.start_wall_ns = readable(*t.start_wall_ns + *t.ntp_offset_ns);
  t.start_source = "rtcp-ntp";
  if (file->start_source == "arrival") {
    file->start_source = "rtcp-ntp";
    file->start_wall_ns = readable(file->start_wall_ns + *t.ntp_offset_ns);
  }
}

void sender_report(Track& t, const Event& e) {
  ++t.sender_reports;
  t.drift.add(ticks_to_ns(e.rtp_time, std::max(t.clock_rate, 1)), e.ntp_ns.value_or(0));
  t.drift_ppm = t.drift.drift_ppm();
}

void gap(Track& t, const Event& e) {
  ++t.gap_count;
  t.gap_ns = std::min(t.gap_ns + e.to_ns - e.from_ns, kMostNs);
  add_bounded(t.gaps, {e.file, e.from_ns, e.to_ns});
}

void apply_to_track(Manifest& m, Track& t, const Event& e, int64_t now) {
  switch (e.kind) {
    case EventKind::kTrackEnded:
      return track_ended(t, e, now);
    case EventKind::kAnchor:
      return anchor(m, t, e);
    case EventKind::kSenderReport:
      return sender_report(t, e);
    case EventKind::kStall:
      return add_bounded(t.stalls, {.from_ns = e.from_ns, .to_ns = e.to_ns});
    case EventKind::kGap:
      return gap(t, e);
    case EventKind::kOverflow:
      t.overflow += static_cast<uint64_t>(e.count);
      return;
    case EventKind::kSize:
      return add_bounded(t.sizes, {e.file, e.time_ns, e.width, e.height});
    case EventKind::kLoss:
      t.packets_lost = e.count;
      t.packets_repaired = e.repaired.value_or(t.packets_repaired);
      return;
    case EventKind::kKeyFrameWait:
      ++t.key_frame_waits;
      return;
    case EventKind::kKeyFrameFound:
      t.key_frame_wait_ns = std::min(t.key_frame_wait_ns + e.duration_ns, kMostNs);
      return;
    default:
      return;
  }
}

void file_opened(Manifest& m, const Event& e) {
  MediaFileFacts f;
  f.path = e.file;
  f.participant = e.participant;
  f.offset_ns = e.offset_ns;
  f.start_wall_ns = readable(m.started_wall_ns + e.offset_ns);
  f.streams = e.streams;
  m.media.push_back(std::move(f));
}

void file_closed(Manifest& m, const Event& e) {
  MediaFileFacts* file = m.file(e.file);
  if (file == nullptr) return;
  file->duration_ns = e.duration_ns;
  file->bytes = e.bytes;
  file->reason = e.reason;
  file->sha256 = e.sha256;
}

void ended(Manifest& m, const Event& e, int64_t now) {
  m.ended_wall_ns = e.wall_ns;
  m.ending = Ending{e.reason, e.by, e.text};
  m.state = e.reason == "error" ? "failed" : "finished";
  for (Participant& p : m.participants) {
    close_last(p.present, now);
    close_last(p.refused, now);
    close_last(p.excluded, now);
    close_last(p.spoke, now);
    for (Said& said : p.said) {
      if (!said.to_ns) said.to_ns = now;
    }
  }
  close_last(m.interruptions, now);
  for (Pause& pause : m.pauses) {
    if (!pause.to_ns) pause.to_ns = now;
  }
}

// Nobody was recorded meanwhile; who is still there is said again.
void reopened(Manifest& m, const Event& e, int64_t now) {
  for (Participant& p : m.participants) {
    close_last(p.present, e.from_ns);
    close_last(p.refused, e.from_ns);
    close_last(p.excluded, e.from_ns);
    close_last(p.spoke, e.from_ns);
    for (Said& said : p.said) {
      if (!said.to_ns) said.to_ns = e.from_ns;
    }
  }
  for (Track& t : m.tracks) {
    if (!t.to_ns) t.to_ns = e.from_ns;
  }
  // A pause goes on: it was asked for, and nobody has resumed.
  close_last(m.interruptions, e.from_ns);
  // It may have come back and found the call out of reach: one gap.
  const bool on = !m.interruptions.empty() && m.interruptions.back().to_ns &&
                  std::none_of(m.tracks.begin(), m.tracks.end(), [&](const Track& t) {
                    return t.from_ns >= m.interruptions.back().from_ns;
                  });
  if (on)
    m.interruptions.back().to_ns = now;
  else
    add_bounded(m.interruptions, {e.from_ns, now, e.reason});
  m.state = "running";
  m.ended_wall_ns.reset();
  m.ending.reset();
}

}  // namespace

bool is_inside(const std::string& path) {
  const std::filesystem::path p(path);
  return !path.empty() && p.is_relative() && path.find('\0') == std::string::npos &&
         std::none_of(p.begin(), p.end(), [](const auto& part) { return part == ".."; });
}

Participant& Manifest::participant(const std::string& id) {
  for (Participant& p : participants) {
    if (p.id == id) return p;
  }
  participants.push_back({.id = id});
  return participants.back();
}

// The last of that number: who may be recorded again goes on under the same one.
Track* Manifest::track(TrackId id) {
  const auto found =
      std::find_if(tracks.rbegin(), tracks.rend(), [id](const Track& t) { return t.id == id; });
  return found == tracks.rend() ? nullptr : &*found;
}

MediaFileFacts* Manifest::file(const std::string& path) {
  const auto found = std::find_if(media.begin(), media.end(),
                                  [&](const MediaFileFacts& f) { return f.path == path; });
  return found == media.end() ? nullptr : &*found;
}

int64_t Manifest::duration_ns() const {
  return ended_wall_ns ? *ended_wall_ns - started_wall_ns : last_known_ns;
}

void apply(Manifest& m, const Event& e) {
  // A damaged line may say any year, and the manifest is to be readable all the same.
  const int64_t now = std::clamp(e.wall_ns - m.started_wall_ns, -kMostNs, kMostNs);
  m.last_known_ns = std::max(m.last_known_ns, now);
  switch (e.kind) {
    case EventKind::kMemberJoined:
      return member_joined(m, e, now);
    case EventKind::kMemberLeft:
      return member_left(m, e, now);
    case EventKind::kMemberRenamed:
      m.participant(e.participant).name = e.name;
      return;
    case EventKind::kState:
      return state(m, e, now);
    case EventKind::kConsent:
      return consent(m, e, now);
    case EventKind::kExcluded:
      return excluded(m, e, now);
    case EventKind::kPaused:
      return paused(m, e, now);
    case EventKind::kResumed:
      return resumed(m, e, now);
    case EventKind::kMarker:
      if (m.markers.size() < kMostMarkers) m.markers.push_back({now, e.text, e.by, e.participant});
      return;
    case EventKind::kSpeech:
      return speech(m, e);
    case EventKind::kSignalingInterrupted:
      return open_span(m.interruptions, {.from_ns = now, .reason = e.reason});
    case EventKind::kSignalingResumed:
      return close_last(m.interruptions, now);
    case EventKind::kPeerLost:
      ++m.participant(e.participant).peers_lost;
      return;
    case EventKind::kChat:
      ++m.chat_messages;
      return;
    case EventKind::kError:
      return add_bounded(m.failures, {now, e.code, e.text, e.participant});
    case EventKind::kTrackBegan:
      return track_began(m, e, now);
    case EventKind::kFileOpened:
      return file_opened(m, e);
    case EventKind::kFileClosed:
      return file_closed(m, e);
    case EventKind::kFileReceived:
      return add_bounded(m.received, {e.path, e.participant, e.name, e.sha256, e.bytes});
    case EventKind::kReopened:
      return reopened(m, e, now);
    case EventKind::kEnded:
      return ended(m, e, now);
    default:
      if (Track* t = m.track(e.track)) apply_to_track(m, *t, e, now);
  }
}

}  // namespace callbot::recordings
