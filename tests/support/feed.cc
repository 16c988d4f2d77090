#include "tests/support/feed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "recordings/event.h"

namespace callbot::test {
namespace {

using recordings::Event;
using recordings::EventKind;
using recordings::Recording;

constexpr int64_t kStartMonotonic = 1'000'000'000'000;
constexpr double kBeat = 0.05;

int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

struct Step {
  double at;
  int order;  // at the same time: begin, frames and events, beats
  std::function<Result<>()> act;
};

Frame to_frame(const FeedTrack& track, const EncodedFrame& f, double at) {
  Frame frame = arrived(f, kStartMonotonic + ns(at));
  frame.rtp_time += track.rtp_start;
  if (track.ntp) frame.ntp_ns = track.ntp(f);
  if (track.level) frame.level = track.level(f);
  return frame;
}

}  // namespace

Feed::Feed(recordings::RecordingConfig config, recordings::Facts facts)
    : clock_(std::make_unique<FakeClock>(kStartMonotonic, kStartWall)) {
  if (facts.room.empty()) facts.room = "room";
  auto made = Recording::create(Log("test"), out_.path(), facts, std::move(config));
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  recording_ = std::move(*made);
  folder_ = recording_->folder();
}

void Feed::member(const std::string& id, double from, double to) {
  at(from, [id](Recording& r) {
    r.note({.kind = EventKind::kMemberJoined, .participant = id, .name = id});
  });
  if (to < 0) return;
  at(to, [id](Recording& r) {
    r.note({.kind = EventKind::kMemberLeft, .participant = id, .reason = "left"});
  });
}

void Feed::says(const std::string& id, double when, MediaKind kind, bool on,
                const std::string& source) {
  at(when, [=](Recording& r) {
    r.note(
        {.kind = EventKind::kState, .participant = id, .source = source, .media = kind, .on = on});
  });
}

void Feed::at(double seconds, std::function<void(Recording&)> happens) {
  events_.push_back({seconds, std::move(happens)});
}

Result<> Feed::run(double seconds, bool finish) {
  std::vector<Step> steps;
  for (const FeedEvent& e : events_) {
    steps.push_back({e.at, 0, [this, &e]() -> Result<> {
                       e.happens(*recording_);
                       return {};
                     }});
  }
  for (const FeedTrack& t : tracks_) {
    steps.push_back({std::max(0.0, t.start - t.begin_early), 1,
                     [this, &t] { return recording_->begin_track(t.info); }});
    double latest = 0;
    for (const EncodedFrame& f : t.frames) {
      const double at = t.start + static_cast<double>(f.time_ns) / 1e9 + (t.delay ? t.delay(f) : 0);
      latest = std::max(latest, at);  // frames of one track come in order
      steps.push_back({latest, 2, [this, &t, &f, at] {
                         return recording_->write(t.info.id, to_frame(t, f, at));
                       }});
    }
    if (t.end >= 0)
      steps.push_back({t.end, 3, [this, &t] { return recording_->end_track(t.info.id); }});
  }
  for (double at = kBeat; at <= seconds; at += kBeat)
    steps.push_back({at, 4, [this] { return recording_->beat(); }});
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return a.at != b.at ? a.at < b.at : a.order < b.order;
  });
  double now = 0;
  Result<> first;
  for (const Step& step : steps) {
    if (step.at > seconds) break;
    clock_->advance(std::chrono::nanoseconds(ns(step.at) - ns(now)));
    now = step.at;
    if (auto done = step.act(); !done && first) first = std::move(done);
  }
  clock_->advance(std::chrono::nanoseconds(ns(seconds) - ns(now)));
  if (!finish) return first;
  auto finished = recording_->finish();
  return first ? finished : first;
}

}  // namespace callbot::test
