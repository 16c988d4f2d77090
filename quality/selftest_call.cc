#include "quality/selftest_call.h"

#include <algorithm>
#include <cmath>

#include "quality/rehearsal.h"

namespace callbot::quality {
namespace {

constexpr int64_t kRtpBegin = 777'000;
constexpr double kTail =
    0.5;  // seconds until all has come; a track that went on would be empty ones

// What was captured when, as the sender would log it.
std::shared_ptr<const SenderLog> log_of(int frames) {
  auto log = std::make_shared<CaptureLog>();
  for (int n = 0; n < frames; ++n)
    log->add(1, static_cast<uint32_t>(n), rehearsal_ns(static_cast<double>(n) / kKnownFps));
  return log;
}

void arrive(Frame& frame, double second) {
  frame.rtp_time += kRtpBegin;
  frame.first_arrival_ns = frame.last_arrival_ns = rehearsal_ns(second);
}

Result<RehearsedTrack> track_of(const SelftestCall::Pictures& pictures) {
  auto known = known_pictures(pictures.media);
  if (!known) return tl::unexpected(known.error());
  RehearsedTrack track{.info = known_picture_track()};
  for (size_t i = 0; i < known->size(); ++i) {
    const int n = static_cast<int>(i);
    auto& [captured, frame] = (*known)[i];
    if (pictures.lost && pictures.lost(n)) continue;
    if (pictures.change) pictures.change(n, frame);
    arrive(frame, captured + (pictures.delay ? pictures.delay(captured) : kTryDelay));
    frame.packets = pictures.spread ? 3 : 1;
    if (pictures.spread) frame.first_arrival_ns -= std::llround(pictures.spread(n) * 1e9);
    track.frames.push_back(std::move(frame));
  }
  track.dies = pictures.lost && pictures.lost(static_cast<int>(known->size()) - 1);
  return track;
}

Result<RehearsedTrack> track_of(const SelftestCall::Sound& sound) {
  auto known = known_sound(sound.media);
  if (!known) return tl::unexpected(known.error());
  RehearsedTrack track{.info = known_sound_track(sound.media.g711)};
  bool gap = false;
  for (auto& [captured, frame] : *known) {
    const bool lost = sound.lost && sound.lost(captured);
    if (!lost) {
      frame.after_gap = gap;
      arrive(frame, captured + (sound.delay ? sound.delay(captured) : kTryDelay));
      track.frames.push_back(std::move(frame));
    }
    gap = lost;
  }
  track.dies = gap;
  return track;
}

// The stream that a metric is of; a few stand for both.
std::string stream_of(std::string_view metric, bool sound_alone) {
  if (metric.starts_with("av.") || metric.starts_with("bot.")) return "";
  return metric.starts_with("audio.") || sound_alone ? "microphone" : "camera";
}

}  // namespace

bool SelftestRow::holds() const {
  if (state != true_state) return false;
  return true_state != Measured::kOk || std::abs(reported - truth) <= tolerance + 1e-9;
}

SelftestCall::SelftestCall(std::string fault, std::vector<SelftestRow>& rows)
    : fault_(std::move(fault)), rows_(rows) {
  config_.actor = "bob";
  config_.verify = Verify::kAll;
  config_.latency_ns = static_cast<int64_t>(kTryLatency * 1e9);
  alice_.sender = {.source = 1, .fps = kKnownFps};
}

Result<> SelftestCall::run(const Pictures* pictures, const Sound* sound) {
  Rehearsal rehearsal;
  double seconds = 0;
  if (pictures != nullptr) {
    auto track = track_of(*pictures);
    if (!track) return tl::unexpected(track.error());
    seconds = static_cast<double>(pictures->media.frames) / kKnownFps;
    track->end = seconds + kTail;
    rehearsal.add(std::move(*track));
  }
  if (sound != nullptr) {
    auto track = track_of(*sound);
    if (!track) return tl::unexpected(track.error());
    track->end = sound->media.seconds + kTail;
    rehearsal.add(std::move(*track));
    seconds = std::max<double>(seconds, sound->media.seconds);
  }
  config_.log = log_of(static_cast<int>(seconds * kKnownFps) + 1);
  Watch watch(config_);
  watch.expect("alice", alice_);
  for (const Told& told : mutes_)
    rehearsal.at(told.at, [&watch, told] {
      watch.muted("alice", told.media, told.muted, rehearsal_ns(told.at));
    });
  auto done = rehearsal.run(watch, seconds + 2 * kTail);
  reported_ = watch.snapshot();
  return done;
}

SelftestRow& SelftestCall::row(const char* metric, const char* stat, double truth, double tolerance,
                               std::vector<double>& values) {
  SelftestRow row{
      .fault = fault_, .metric = metric, .stat = stat, .truth = truth, .tolerance = tolerance};
  const bool pictures = std::any_of(reported_.begin(), reported_.end(),
                                    [](const Series& s) { return s.stream == "camera"; });
  const std::string stream = stream_of(metric, !pictures);
  for (const Series& s : reported_) {
    if (s.metric != metric || s.stream != stream) continue;
    row.state = s.state;
    row.samples = s.samples.size();
    for (const Sample& sample : s.samples) values.push_back(sample.value);
  }
  rows_.push_back(std::move(row));
  return rows_.back();
}

void SelftestCall::each(const char* metric, double truth, double tolerance) {
  std::vector<double> values;
  SelftestRow& made = row(metric, "each", truth, tolerance, values);
  const auto furthest = std::max_element(values.begin(), values.end(), [&](double a, double b) {
    return std::abs(a - truth) < std::abs(b - truth);
  });
  if (furthest == values.end())
    made.state = Measured::kUnmeasured;
  else
    made.reported = *furthest;
}

void SelftestCall::least(const char* metric, double truth, double tolerance) {
  std::vector<double> values;
  SelftestRow& made = row(metric, "least", truth, tolerance, values);
  if (values.empty())
    made.state = Measured::kUnmeasured;
  else
    made.reported = *std::min_element(values.begin(), values.end());
}

void SelftestCall::most(const char* metric, double truth, double tolerance) {
  std::vector<double> values;
  SelftestRow& made = row(metric, "most", truth, tolerance, values);
  if (values.empty())
    made.state = Measured::kUnmeasured;
  else
    made.reported = *std::max_element(values.begin(), values.end());
}

void SelftestCall::total(const char* metric, double truth, double tolerance) {
  std::vector<double> values;
  SelftestRow& made = row(metric, "total", truth, tolerance, values);
  for (const double v : values) made.reported += v;
}

void SelftestCall::count(const char* metric, double truth) {
  std::vector<double> values;
  SelftestRow& made = row(metric, "count", truth, 0, values);
  made.reported = static_cast<double>(values.size());
}

void SelftestCall::state(const char* metric, Measured truth) {
  std::vector<double> values;
  row(metric, "state", 0, 0, values).true_state = truth;
}

}  // namespace callbot::quality
