#include "tests/support/measured.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace callbot::test {
namespace {

constexpr double kUsualDelay = 0.04;
constexpr double kBeat = 0.05;

struct Step {
  double at;
  int order;
  std::function<void()> act;
};

Frame to_frame(const EncodedFrame& f, double arrival) {
  auto owner = std::make_shared<std::vector<uint8_t>>(f.bytes);
  Frame frame;
  frame.bytes = *owner;
  frame.owner = owner;
  frame.key = f.key;
  frame.after_gap = f.after_gap;
  frame.rtp_time = 777'000 + f.rtp_time;
  frame.first_arrival_ns = frame.last_arrival_ns = at_second(arrival);
  return frame;
}

}  // namespace

Measuring::Measuring(quality::WatchConfig config)
    : clock_(kCallStart_ns, 1'795'234'842'000'000'000),
      watch_(std::make_unique<quality::Watch>(std::move(config))) {}

void Measuring::at(double second, std::function<void()> happens) {
  events_.emplace_back(second, std::move(happens));
}

void Measuring::run(double seconds) {
  const auto writer = quality::make_watcher(*watch_);
  std::vector<Step> steps;
  for (const Received& track : tracks_) {
    double handed = 0;
    for (const EncodedFrame& f : track.frames) {
      const double arrival =
          static_cast<double>(f.time_ns) / 1e9 + (track.delay ? track.delay(f) : kUsualDelay);
      if (handed == 0)
        steps.push_back({arrival, 0, [&] { ASSERT_TRUE(writer->begin_track(track.info)); }});
      handed = std::max(handed, arrival);
      steps.push_back({handed, 1, [&writer, &track, &f, arrival] {
                         ASSERT_TRUE(writer->write(track.info.id, to_frame(f, arrival)));
                       }});
    }
    if (track.end >= 0)
      steps.push_back({track.end, 2, [&] { ASSERT_TRUE(writer->end_track(track.info.id)); }});
  }
  for (const auto& [at, happens] : events_) steps.push_back({at, 0, happens});
  for (double at = kBeat; at <= seconds; at += kBeat)
    steps.push_back({at, 3, [&] { ASSERT_TRUE(writer->beat()); }});
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return a.at != b.at ? a.at < b.at : a.order < b.order;
  });
  for (const Step& step : steps) {
    if (step.at > seconds) break;
    clock_.advance(
        std::chrono::nanoseconds(std::max<int64_t>(at_second(step.at) - monotonic_ns(), 0)));
    step.act();
  }
  ASSERT_TRUE(writer->finish());
}

std::shared_ptr<quality::CaptureLog> log_of(uint16_t source, int frames, int fps) {
  auto log = std::make_shared<quality::CaptureLog>();
  for (int n = 0; n < frames; ++n)
    log->add(source, static_cast<uint32_t>(n), at_second(static_cast<double>(n) / fps));
  return log;
}

const Series& Snapshot::of(const std::string& metric, const std::string& stream,
                           const std::string& from) const {
  static const Series none;
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Series& s) {
    return s.metric == metric && s.stream == stream && s.from == from;
  });
  EXPECT_NE(found, all_.end()) << metric << " of " << from << "'s " << stream;
  return found == all_.end() ? none : *found;
}

double Snapshot::total(const std::string& metric, const std::string& stream,
                       const std::string& from) const {
  const Series& series = of(metric, stream, from);
  EXPECT_EQ(series.state, Measured::kOk) << metric << ": " << series.why;
  double sum = 0;
  for (const Sample& s : series.samples) sum += s.value;
  return sum;
}

std::vector<double> Snapshot::values(const std::string& metric, const std::string& stream,
                                     const std::string& from) const {
  const Series& series = of(metric, stream, from);
  EXPECT_EQ(series.state, Measured::kOk) << metric << ": " << series.why;
  std::vector<double> values;
  for (const Sample& s : series.samples) values.push_back(s.value);
  return values;
}

}  // namespace callbot::test
