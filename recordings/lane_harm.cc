#include "recordings/lane_harm.h"

#include <algorithm>
#include <map>
#include <set>

namespace callbot::recordings {
namespace {

// The loss counters are looked at so often (bot/record), so a loss lies at most so far back.
constexpr double kLossBeat = 5.0;

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

class Reading {
 public:
  Reading(const Manifest& m, std::set<TrackId> tracks, double end)
      : m_(m), tracks_(std::move(tracks)), end_(end) {}

  void event(const Event& e) {
    if (tracks_.count(e.track) == 0) return;
    const double at = seconds(e.wall_ns - m_.started_wall_ns);
    switch (e.kind) {
      case EventKind::kKeyFrameWait:
        waiting_.try_emplace(e.track, at);
        return;
      case EventKind::kKeyFrameFound:
        waiting_.erase(e.track);
        harm_.key_frame_waits.push_back({at - seconds(e.duration_ns), at});
        return;
      case EventKind::kTrackEnded:
        return end_wait(e.track, at);
      case EventKind::kStall:
        harm_.stalls.push_back({seconds(e.from_ns), seconds(e.to_ns)});
        return;
      case EventKind::kGap:
        return missing(e);
      case EventKind::kLoss:
        return loss(e, at);
      default:
        return;
    }
  }

  LaneHarm finish() {
    while (!waiting_.empty()) end_wait(waiting_.begin()->first, end_);
    for (auto* spans : {&harm_.losses, &harm_.missing, &harm_.key_frame_waits, &harm_.stalls}) {
      for (HarmSpan& s : *spans) {
        s.from = std::clamp(s.from, 0.0, end_);
        s.to = std::clamp(s.to, s.from, end_);
      }
      std::stable_sort(spans->begin(), spans->end(),
                       [](const HarmSpan& a, const HarmSpan& b) { return a.from < b.from; });
    }
    place_losses();
    return std::move(harm_);
  }

 private:
  void end_wait(TrackId track, double at) {
    const auto wait = waiting_.find(track);
    if (wait == waiting_.end()) return;
    harm_.key_frame_waits.push_back({wait->second, at});
    waiting_.erase(wait);
  }

  void missing(const Event& e) {
    for (const MediaFileFacts& f : m_.media) {
      if (f.path != e.file) continue;
      const double offset = seconds(f.offset_ns);
      harm_.missing.push_back({offset + seconds(e.from_ns), offset + seconds(e.to_ns)});
    }
  }

  // The count may go back when packets come late (RFC 3550, A.3).
  void loss(const Event& e, double at) {
    int64_t& before = counted_[e.track];
    if (e.count <= before) return;
    harm_.losses.push_back({at - kLossBeat, at, e.count - before});
    harm_.packets_lost += e.count - before;
    before = e.count;
  }

  // Where frames are missing says better when the packets were lost.
  void place_losses() {
    for (HarmSpan& loss : harm_.losses) {
      HarmSpan exact{loss.to, loss.from};
      for (const HarmSpan& gap : harm_.missing) {
        if (gap.to < loss.from || gap.from > loss.to) continue;
        exact.from = std::min(exact.from, gap.from);
        exact.to = std::max(exact.to, gap.to);
      }
      if (exact.to > exact.from) loss = {exact.from, exact.to, loss.packets};
    }
  }

  const Manifest& m_;
  std::set<TrackId> tracks_;
  double end_;
  std::map<TrackId, double> waiting_;
  std::map<TrackId, int64_t> counted_;
  LaneHarm harm_;
};

}  // namespace

LaneHarm harm_of(const LoadedRecording& recording, const std::string& participant, MediaKind media,
                 double end) {
  std::set<TrackId> tracks;
  for (const Track& t : recording.manifest.tracks) {
    if (t.participant == participant && t.media == media) tracks.insert(t.id);
  }
  Reading reading(recording.manifest, std::move(tracks), end);
  for (const Event& e : recording.events) reading.event(e);
  return reading.finish();
}

}  // namespace callbot::recordings
