#include "bot/scenario_samples.h"

#include <algorithm>

namespace callbot::bot {
namespace {

// A key frame within milliseconds is no bit rate.
constexpr int64_t kLeastInterval = 500'000'000;

}  // namespace

std::string stream_of(const TrackInfo& track) {
  if (!track.source.empty()) return track.source;
  return track.kind == MediaKind::kAudio ? "microphone" : "camera";
}

Series& ScenarioSamples::of(const char* metric, const std::string& from,
                            const std::string& stream) {
  const auto found = std::find_if(series_.begin(), series_.end(), [&](const Series& s) {
    return s.metric == metric && s.from == from && s.stream == stream;
  });
  if (found != series_.end()) return *found;
  Series series;
  series.metric = metric;
  series.actor = actor_;
  series.from = from;
  series.stream = stream;
  series.state = Measured::kOk;
  series_.push_back(std::move(series));
  return series_.back();
}

void ScenarioSamples::measure(const char* metric, const std::string& from,
                              const std::string& stream) {
  of(metric, from, stream);
}

void ScenarioSamples::add(const char* metric, const std::string& from, const std::string& stream,
                          Sample sample) {
  Series& series = of(metric, from, stream);
  series.samples.push_back(sample);
  if (hears_) hears_(series, sample);
}

void ScenarioSamples::deltas(const CallTrack& track, const Last& last, int64_t now_ns) {
  const pipelines::TrackStats& now = track.stats;
  const pipelines::TrackStats& then = last.stats;
  const std::string& from = track.info.name;
  const std::string stream = stream_of(track.info);
  const double seconds = static_cast<double>(now_ns - last.at_ns) / 1e9;
  const auto put = [&](const char* metric, double value) {
    add(metric, from, stream, {now_ns, value});
  };
  const auto packets = static_cast<double>(now.packets - then.packets);
  put("rtp.packets", packets);
  put("rtp.bitrate", static_cast<double>(now.bytes - then.bytes) * 8 / seconds);
  put("rtp.pli", static_cast<double>(now.key_frame_requests - then.key_frame_requests));
  // -1 is unknown; what was unknown a second ago counts from 0.
  if (now.packets_lost >= 0) {
    const auto lost =
        static_cast<double>(now.packets_lost - std::max<int64_t>(then.packets_lost, 0));
    put("rtp.lost", lost);
    if (packets + lost > 0) put("rtp.loss", std::max(lost, 0.0) / (packets + lost));
  }
  if (now.packets_repaired >= 0)
    put("rtp.repaired",
        static_cast<double>(now.packets_repaired - std::max<int64_t>(then.packets_repaired, 0)));
  if (now.jitter_s >= 0) put("rtp.jitter", now.jitter_s);
  if (track.info.kind != MediaKind::kVideo) return;
  put("video.frames", static_cast<double>(now.frames - then.frames));
  put("video.key_frames", static_cast<double>(now.key_frames - then.key_frames));
}

void ScenarioSamples::tracks(const std::vector<CallTrack>& all, int64_t now_ns) {
  for (const CallTrack& track : all) {
    const auto found = last_.find(track.info.id);
    if (found == last_.end()) continue;
    Last& last = found->second;
    if (now_ns - last.at_ns < kLeastInterval) continue;  // the next look counts it
    // A fresh peer connection counts from 0 again.
    if (track.stats.packets < last.stats.packets) last.stats = {};
    deltas(track, last, now_ns);
    last = {track.stats, now_ns};
  }
}

}  // namespace callbot::bot
