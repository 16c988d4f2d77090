#include "recordings/timeline.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "recordings/lanes.h"

namespace callbot::recordings {
namespace {

std::vector<TimeSpan> spans_of(const std::vector<Span>& spans, int64_t end_ns) {
  std::vector<TimeSpan> out;
  out.reserve(spans.size());
  for (const Span& s : spans) out.push_back({s.from_ns, s.to_ns.value_or(end_ns)});
  return out;
}

std::vector<TimeSpan> spans_of(const std::vector<Interval>& intervals) {
  std::vector<TimeSpan> out;
  out.reserve(intervals.size());
  for (const Interval& i : intervals)
    out.push_back({std::llround(i.from * 1e9), std::llround(i.to * 1e9), i.source});
  return out;
}

Track track_of(const Manifest& m, TrackId id) {
  for (const Track& t : m.tracks) {
    if (t.id == id) return t;
  }
  return {};
}

std::vector<TimelinePiece> pieces_of(const Manifest& m, const std::string& participant,
                                     MediaKind kind, int64_t end_ns) {
  std::vector<TimelinePiece> pieces;
  for (const MediaFileFacts& file : m.media) {
    if (file.participant != participant) continue;
    for (size_t i = 0; i < file.streams.size(); ++i) {
      const StreamFacts& s = file.streams[i];
      if (s.media != kind) continue;
      const int64_t duration =
          file.duration_ns.value_or(std::max<int64_t>(0, end_ns - file.offset_ns));
      const Track track = track_of(m, s.track);
      pieces.push_back({file.path, static_cast<int>(i), s.track, s.codec, track.source,
                        track.channels, file.offset_ns, duration});
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const auto& a, const auto& b) { return a.offset_ns < b.offset_ns; });
  return pieces;
}

int64_t end_of(const Manifest& m) {
  int64_t end = m.duration_ns();
  if (m.ended_wall_ns) return end;
  for (const MediaFileFacts& f : m.media)
    end = std::max(end, f.offset_ns + f.duration_ns.value_or(0));
  return end;
}

int64_t joined_at(const TimelineParticipant& p) {
  return p.present.empty() ? std::numeric_limits<int64_t>::max() : p.present.front().from_ns;
}

}  // namespace

TimeSpan TimelineParticipant::whole() const {
  TimeSpan all{std::numeric_limits<int64_t>::max(), 0};
  const auto add = [&](int64_t from, int64_t to) {
    all.from_ns = std::min(all.from_ns, from);
    all.to_ns = std::max(all.to_ns, to);
  };
  for (const TimeSpan& s : present) add(s.from_ns, s.to_ns);
  for (const TimelineLane* lane : {&video, &audio}) {
    for (const TimelinePiece& p : lane->pieces) add(p.offset_ns, p.offset_ns + p.duration_ns);
  }
  if (all.to_ns < all.from_ns) return {};
  return all;
}

Timeline::Timeline(const Manifest& m) : duration_ns(end_of(m)), started_wall_ns(m.started_wall_ns) {
  const double end = static_cast<double>(duration_ns) / 1e9;
  for (const Participant& p : m.participants) {
    TimelineParticipant out{p.id, p.name, p.recorder};
    for (const MediaKind kind : {MediaKind::kVideo, MediaKind::kAudio}) {
      TimelineLane& lane = kind == MediaKind::kVideo ? out.video : out.audio;
      lane.pieces = pieces_of(m, p.id, kind, duration_ns);
      lane.on = spans_of(expected_of(m, p, kind, end));
    }
    out.present = spans_of(p.present, duration_ns);
    out.refused = spans_of(p.refused, duration_ns);
    for (const TimeSpan& s : spans_of(p.excluded, duration_ns)) out.refused.push_back(s);
    for (const Pause& pause : m.pauses) {
      if (pause.participant.empty() || pause.participant == p.id)
        out.paused.push_back({pause.from_ns, pause.to_ns.value_or(duration_ns)});
    }
    participants.push_back(std::move(out));
  }
  std::stable_sort(participants.begin(), participants.end(),
                   [](const auto& a, const auto& b) { return joined_at(a) < joined_at(b); });
}

}  // namespace callbot::recordings
