#include "bot/scenario_samples.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

CallTrack camera(uint64_t packets, int64_t lost) {
  CallTrack track;
  track.info.id = 7;
  track.info.kind = MediaKind::kVideo;
  track.info.name = "alice";
  track.stats.packets = packets;
  track.stats.bytes = packets * 1000;
  track.stats.packets_lost = lost;
  return track;
}

const Series* find(const ScenarioSamples& samples, const std::string& metric) {
  for (const Series& s : samples.series()) {
    if (s.metric == metric) return &s;
  }
  return nullptr;
}
std::vector<double> values(const ScenarioSamples& samples, const std::string& metric) {
  std::vector<double> out;
  if (const Series* series = find(samples, metric)) {
    for (const Sample& s : series->samples) out.push_back(s.value);
  }
  return out;
}
using Values = std::vector<double>;

TEST(ScenarioSamples, CountersAreDeltas) {
  ScenarioSamples samples("bob", {});
  samples.track_began(7, 0);
  samples.tracks({camera(100, -1)}, kSecond);
  samples.tracks({camera(150, 0)}, 2 * kSecond);
  samples.tracks({camera(240, 10)}, 4 * kSecond);
  EXPECT_EQ(values(samples, "rtp.packets"), (Values{100, 50, 90}));
  EXPECT_EQ(values(samples, "rtp.bitrate"), (Values{800e3, 400e3, 360e3}));
  // What is not known is no 0.
  EXPECT_EQ(values(samples, "rtp.lost"), (Values{0, 10}));
  EXPECT_EQ(values(samples, "rtp.loss"), (Values{0, 0.1}));
  EXPECT_EQ(find(samples, "rtp.jitter"), nullptr);
  const Series* series = find(samples, "rtp.packets");
  EXPECT_EQ(series->actor, "bob");
  EXPECT_EQ(series->from, "alice");
  EXPECT_EQ(series->stream, "camera");
}

TEST(ScenarioSamples, AMomentIsNoSecond) {
  ScenarioSamples samples("bob", {});
  samples.track_began(7, kSecond * 99 / 100);
  samples.tracks({camera(100, 0)}, kSecond);
  EXPECT_TRUE(samples.series().empty());
  samples.tracks({camera(200, 0)}, kSecond * 199 / 100);
  EXPECT_EQ(values(samples, "rtp.packets"), (Values{200}));
  EXPECT_EQ(values(samples, "rtp.bitrate"), (Values{1600e3}));
}

TEST(ScenarioSamples, AFreshConnectionCountsAnew) {
  ScenarioSamples samples("bob", {});
  samples.track_began(7, 0);
  samples.tracks({camera(100, 0)}, kSecond);
  samples.tracks({camera(30, 0)}, 2 * kSecond);
  EXPECT_EQ(values(samples, "rtp.packets"), (Values{100, 30}));
}

TEST(ScenarioSamples, TracksThatAreNotThereAreNotMeasured) {
  ScenarioSamples samples("bob", {});
  samples.tracks({camera(100, 0)}, kSecond);  // it never began
  EXPECT_TRUE(samples.series().empty());
  samples.track_began(7, kSecond);
  samples.track_ended(7);
  samples.tracks({camera(100, 0)}, 2 * kSecond);
  EXPECT_TRUE(samples.series().empty());
}

TEST(ScenarioSamples, EverySampleIsHeard) {
  int heard = 0;
  ScenarioSamples samples("bob", [&](const Series& series, const Sample& sample) {
    EXPECT_EQ(series.metric, "join.signaling");
    EXPECT_EQ(sample.value, 0.5);
    ++heard;
  });
  samples.measure("call.reconnects");
  samples.add("join.signaling", "", "", {kSecond, 0.5});
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(find(samples, "call.reconnects")->state, Measured::kOk);
}

}  // namespace
}  // namespace callbot::bot
