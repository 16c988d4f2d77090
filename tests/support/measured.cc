#include "tests/support/measured.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace callbot::test {
namespace {

constexpr double kUsualDelay = 0.04;

}  // namespace

Measuring::Measuring(quality::WatchConfig config)
    : watch_(std::make_unique<quality::Watch>(std::move(config))) {}

void Measuring::add(const Received& track) {
  quality::RehearsedTrack rehearsed{.info = track.info};
  for (const EncodedFrame& f : track.frames) {
    const double delay = track.delay ? track.delay(f) : kUsualDelay;
    rehearsed.frames.push_back(arrived(f, at_second(static_cast<double>(f.time_ns) / 1e9 + delay)));
    rehearsed.frames.back().rtp_time += 777'000;
  }
  if (track.end >= 0) rehearsed.end = track.end;
  rehearsed.dies = track.dies;
  rehearsal_.add(std::move(rehearsed));
}

void Measuring::run(double seconds) { ASSERT_TRUE(rehearsal_.run(*watch_, seconds)); }

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
