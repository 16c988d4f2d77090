#include "recordings/lanes.h"

#include <algorithm>

namespace callbot::recordings {
namespace {

constexpr double kTouching = 0.1;

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

std::vector<Interval> intervals_of(const std::vector<Span>& spans, double end) {
  std::vector<Interval> out;
  out.reserve(spans.size());
  for (const Span& s : spans)
    out.push_back({seconds(s.from_ns), s.to_ns ? seconds(*s.to_ns) : end});
  return out;
}

std::vector<Interval> paused_of(const Manifest& m, const std::string& participant, double end) {
  std::vector<Interval> out;
  for (const Pause& p : m.pauses) {
    if (p.participant.empty() || p.participant == participant)
      out.push_back({seconds(p.from_ns), p.to_ns ? seconds(*p.to_ns) : end});
  }
  return out;
}

// What the member said of this kind; empty optional: nothing at all.
std::optional<std::vector<Interval>> said_on(const Participant& p, MediaKind media, double end) {
  std::optional<std::vector<Interval>> out;
  for (const Said& s : p.said) {
    if (s.media != media) continue;
    if (!out) out.emplace();
    if (s.on) out->push_back({seconds(s.from_ns), s.to_ns ? seconds(*s.to_ns) : end, s.source});
  }
  return out;
}

// A new track of the same line continues the one before it.
std::vector<Interval> tracks_of(const Manifest& m, const std::string& participant, MediaKind media,
                                double end) {
  std::vector<Interval> out;
  for (const Track& t : m.tracks) {
    if (t.participant != participant || t.media != media) continue;
    const Interval next{seconds(t.from_ns), t.to_ns ? seconds(*t.to_ns) : end, t.source};
    if (!out.empty() && next.from <= out.back().to + kTouching)
      out.back().to = std::max(out.back().to, next.to);
    else
      out.push_back(next);
  }
  return out;
}

std::string source_of(const Manifest& m, const MediaFileFacts& file, size_t stream) {
  for (const Track& t : m.tracks) {
    if (stream < file.streams.size() && t.id == file.streams[stream].track) return t.source;
  }
  return {};
}

void shift(ProbedStream& s, double by) {
  for (auto* times : {&s.packets, &s.undecodable, &s.backwards}) {
    for (double& time : *times) time += by;
  }
  for (auto& picture : s.pictures) picture.time += by;
  for (auto& level : s.levels) level.time += by;
  for (auto& chirp : s.chirps) chirp.time += by;
}

}  // namespace

std::vector<Interval> intersect(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  std::vector<Interval> out;
  for (const Interval& x : a) {
    for (const Interval& y : b) {
      const Interval both{std::max(x.from, y.from), std::min(x.to, y.to), x.source};
      if (both.length() > 0) out.push_back(both);
    }
  }
  return out;
}

std::vector<Interval> without(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  std::vector<Interval> out = a;
  for (const Interval& hole : b) {
    std::vector<Interval> next;
    for (const Interval& x : out) {
      const Interval before{x.from, std::min(x.to, hole.from), x.source};
      const Interval after{std::max(x.from, hole.to), x.to, x.source};
      if (before.length() > 0) next.push_back(before);
      if (after.length() > 0) next.push_back(after);
    }
    out = std::move(next);
  }
  return out;
}

std::vector<Interval> expected_of(const Manifest& m, const Participant& p, MediaKind media,
                                  double end) {
  const bool recorded = media == MediaKind::kAudio ? m.facts.audio : m.facts.video;
  if (p.recorder || !recorded) return {};
  auto on = said_on(p, media, end);
  auto expected = on ? std::move(*on) : tracks_of(m, p.id, media, end);
  if (on && !p.present.empty()) expected = intersect(expected, intervals_of(p.present, end));
  for (const auto* left_out : {&p.refused, &p.excluded})
    expected = without(expected, intervals_of(*left_out, end));
  return without(expected, paused_of(m, p.id, end));
}

double total(const std::vector<Interval>& intervals) {
  double sum = 0;
  for (const Interval& i : intervals) sum += i.length();
  return sum;
}

const Interval* at_time(const std::vector<Interval>& intervals, double time) {
  for (const Interval& i : intervals) {
    if (time >= i.from - kTouching && time <= i.to + kTouching) return &i;
  }
  return nullptr;
}

std::vector<double> Lane::packet_times() const {
  std::vector<double> times;
  for (const LanePiece& p : pieces)
    times.insert(times.end(), p.stream.packets.begin(), p.stream.packets.end());
  std::sort(times.begin(), times.end());
  return times;
}

double duration_of(const Manifest& m, const std::vector<ProbedMedia>& media) {
  if (m.ended_wall_ns) return seconds(m.duration_ns());
  double end = 0;
  for (const ProbedMedia& file : media) {
    for (const ProbedStream& s : file.file.streams) {
      for (const double time : s.packets)
        end = std::max(end, time + seconds(file.facts->offset_ns));
    }
  }
  return end > 0 ? end : seconds(m.duration_ns());
}

namespace {

// What was sent first, first; what has no packets last.
void sort_by_start(std::vector<LanePiece>& pieces) {
  const auto start = [](const LanePiece& piece) {
    const auto& packets = piece.stream.packets;
    return packets.empty() ? 1e18 : packets.front();
  };
  std::stable_sort(pieces.begin(), pieces.end(),
                   [&](const LanePiece& a, const LanePiece& b) { return start(a) < start(b); });
}

// The participant's streams of this kind, out of their files.
std::vector<LanePiece> take_pieces(const Manifest& m, const std::string& participant,
                                   MediaKind kind, std::vector<ProbedMedia>& media) {
  std::vector<LanePiece> pieces;
  for (ProbedMedia& file : media) {
    if (file.facts->participant != participant) continue;
    for (size_t i = 0; i < file.file.streams.size(); ++i) {
      ProbedStream& stream = file.file.streams[i];
      if (stream.media != kind) continue;
      shift(stream, seconds(file.facts->offset_ns));
      pieces.push_back({file.facts->path, std::move(stream), source_of(m, *file.facts, i)});
    }
  }
  sort_by_start(pieces);
  return pieces;
}

}  // namespace

std::vector<Lane> make_lanes(const LoadedRecording& recording, std::vector<ProbedMedia> media,
                             double duration) {
  const Manifest& m = recording.manifest;
  std::vector<Lane> lanes;
  for (const Participant& p : m.participants) {
    for (const MediaKind kind : {MediaKind::kVideo, MediaKind::kAudio}) {
      Lane lane{p.id, p.name, kind, expected_of(m, p, kind, duration), {}, 0};
      lane.pieces = take_pieces(m, p.id, kind, media);
      for (const Track& t : m.tracks) {
        if (t.participant == p.id && t.media == kind) lane.overflow += t.overflow;
      }
      lane.harm = harm_of(recording, p.id, kind, duration);
      if (!lane.expected.empty() || !lane.pieces.empty()) lanes.push_back(std::move(lane));
    }
  }
  return lanes;
}

}  // namespace callbot::recordings
