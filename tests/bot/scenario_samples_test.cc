#include "bot/scenario_samples.h"

#include <gmock/gmock.h>

#include <algorithm>

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

Series measured(const std::string& metric, Measured state, std::vector<Sample> samples = {}) {
  Series series;
  series.metric = metric;
  series.actor = "bob";
  series.from = "alice";
  series.stream = "camera";
  series.state = state;
  series.why = state == Measured::kOk ? "" : "because";
  series.samples = std::move(samples);
  return series;
}

TEST(ScenarioSamples, CountersAreDeltas) {
  ScenarioSamples samples("bob", {});
  samples.tracks({camera(100, -1)}, kSecond);
  samples.tracks({camera(150, 0)}, 2 * kSecond);
  samples.tracks({camera(240, 10)}, 4 * kSecond);
  EXPECT_EQ(values(samples, "rtp.packets"), (Values{100, 50, 90}));
  EXPECT_EQ(values(samples, "rtp.bitrate"), (Values{400e3, 360e3}));
  // What is not known is no 0.
  EXPECT_THAT(values(samples, "rtp.lost"), ::testing::Contains(10));
  EXPECT_EQ(find(samples, "rtp.jitter"), nullptr);
  EXPECT_EQ(find(samples, "rtp.repaired"), nullptr);
  EXPECT_EQ(find(samples, "rtp.discarded"), nullptr);
  const Series* series = find(samples, "rtp.packets");
  EXPECT_EQ(series->actor, "bob");
  EXPECT_EQ(series->from, "alice");
  EXPECT_EQ(series->stream, "camera");
  EXPECT_EQ(series->state, Measured::kOk);
}

TEST(ScenarioSamples, AFreshConnectionCountsAnew) {
  ScenarioSamples samples("bob", {});
  samples.tracks({camera(100, 0)}, kSecond);
  samples.tracks({camera(30, 0)}, 2 * kSecond);
  samples.tracks({}, 3 * kSecond);
  samples.tracks({camera(20, 0)}, 4 * kSecond);
  EXPECT_EQ(values(samples, "rtp.packets"), (Values{100, 30, 20}));
}

TEST(ScenarioSamples, WhatIsMadeIsCounted) {
  ScenarioSamples samples("bob", {});
  samples.made(
      "camera",
      {{"cam", {{.key_frames = 1, .left_out = 0, .sent = 30, .late_ns = 300'000'000, .huge = 1}}}},
      kSecond);
  samples.made(
      "camera",
      {{"cam", {{.key_frames = 3, .left_out = 2, .sent = 60, .late_ns = 900'000'000, .huge = 3}}}},
      2 * kSecond);
  EXPECT_EQ(values(samples, "send.frames"), (Values{30, 30}));
  EXPECT_EQ(find(samples, "send.frames")->stream, "camera");
  EXPECT_EQ(find(samples, "send.frames")->from, "");
  EXPECT_EQ(values(samples, "send.key_frames"), (Values{1, 2}));
  EXPECT_EQ(values(samples, "send.left_out"), (Values{0, 2}));
  EXPECT_EQ(values(samples, "send.huge_frames"), (Values{1, 2}));
  EXPECT_EQ(values(samples, "send.fps"), (Values{30}));
  EXPECT_THAT(values(samples, "send.lateness"),
              ::testing::ElementsAre(::testing::DoubleEq(0.01), ::testing::DoubleEq(0.02)));
  EXPECT_EQ(find(samples, "send.packets"), nullptr);
}

// Encoded once for each rendition that somebody takes; and other media after a switch.
TEST(ScenarioSamples, AFrameIsOneInHoweverManyRenditions) {
  ScenarioSamples samples("bob", {});
  const auto made = [&](std::initializer_list<uint64_t> cam, uint64_t film, int64_t second) {
    EncoderStats stats;
    for (const uint64_t n : cam) stats["cam"].push_back({.key_frames = 1, .sent = n});
    if (film > 0) stats["other"] = {{.key_frames = 1, .sent = film}};
    samples.made("camera", stats, second * kSecond);
  };
  made({30, 0}, 0, 1);
  made({60, 29}, 0, 2);
  made({60, 58}, 0, 3);
  made({60, 70}, 17, 4);
  EXPECT_EQ(values(samples, "send.frames"), (Values{30, 30, 29, 29}));
  EXPECT_EQ(values(samples, "send.key_frames"), (Values{2, 0, 0, 1}));
}

CallConnection connection(const std::string& member, const std::string& id, uint64_t packets,
                          uint64_t nack) {
  CallConnection one{.member = member, .id = id};
  one.sent = {{.stream = 0, .packets = packets, .bytes = packets * 1000, .nack = nack, .pli = 1}};
  return one;
}

TEST(ScenarioSamples, WhatIsSentIsThatToAllOthersTogether) {
  ScenarioSamples samples("bob", {});
  const auto camera_alone = [](size_t) { return std::string("camera"); };
  samples.connections({connection("alice", "1", 100, 0), connection("carol", "2", 50, 3)},
                      camera_alone, kSecond);
  samples.connections({connection("alice", "1", 200, 2), connection("carol", "2", 150, 3)},
                      camera_alone, 2 * kSecond);
  // Carol's connection is made afresh.
  samples.connections({connection("alice", "1", 300, 2), connection("carol", "3", 40, 1)},
                      camera_alone, 3 * kSecond);
  samples.settle();  // another call, in which they have the same names
  samples.connections({connection("alice", "1", 7, 0)}, camera_alone, 4 * kSecond);
  EXPECT_EQ(values(samples, "send.packets"), (Values{150, 200, 140, 7}));
  EXPECT_EQ(values(samples, "send.nack"), (Values{3, 2, 1, 0}));
  EXPECT_EQ(values(samples, "send.pli"), (Values{2, 0, 1, 1}));
  EXPECT_EQ(values(samples, "send.fir"), (Values{0, 0, 0, 0}));
  EXPECT_EQ(values(samples, "send.bitrate"), (Values{1.6e6, 1.12e6, 56e3}));
  EXPECT_EQ(find(samples, "send.packets")->stream, "camera");
}

TEST(ScenarioSamples, WhatAPathTakesIsOfOneConnection) {
  ScenarioSamples samples("bob", {});
  const auto camera_alone = [](size_t) { return std::string("camera"); };
  CallConnection alice = connection("alice", "1", 100, 0);
  samples.connections({alice}, camera_alone, kSecond);
  EXPECT_EQ(find(samples, "send.available_bitrate"), nullptr) << "nothing was reported yet";
  EXPECT_EQ(find(samples, "send.limited"), nullptr);
  EXPECT_EQ(find(samples, "send.switches"), nullptr);
  alice.available_bitrate = 4e5;
  alice.limited_s = 0.5;
  alice.switches = 3;
  alice.sent[0].target_bitrate = 300'000;
  samples.connections({alice}, camera_alone, 2 * kSecond);
  EXPECT_EQ(values(samples, "send.available_bitrate"), (Values{4e5}));
  EXPECT_EQ(values(samples, "send.target_bitrate"), (Values{3e5}));
  EXPECT_EQ(values(samples, "send.limited"), (Values{0.5}));
  EXPECT_EQ(values(samples, "send.switches"), (Values{3}));
  for (const char* metric :
       {"send.available_bitrate", "send.target_bitrate", "send.limited", "send.switches"})
    EXPECT_EQ(find(samples, metric)->from, "alice") << metric;
  EXPECT_EQ(find(samples, "send.target_bitrate")->stream, "camera");
}

TEST(ScenarioSamples, ARoundTripIsOfOneConnection) {
  ScenarioSamples samples("bob", {});
  const auto camera_alone = [](size_t) { return std::string("camera"); };
  CallConnection alice = connection("alice", "1", 100, 0), listener{.member = "dave", .id = "9"};
  samples.connections({alice, listener}, camera_alone, kSecond);
  ASSERT_NE(find(samples, "rtp.rtt"), nullptr);
  EXPECT_EQ(find(samples, "rtp.rtt")->state, Measured::kUnmeasured);
  EXPECT_EQ(find(samples, "rtp.rtt")->from, "alice");
  alice.round_trips = 2;
  alice.round_trips_s = 0.1;
  samples.connections({alice, listener}, camera_alone, 2 * kSecond);
  EXPECT_EQ(values(samples, "rtp.rtt"), (Values{0.05}));
  for (const Series& s : samples.series()) EXPECT_NE(s.from, "dave") << "nothing is sent to him";
}

TEST(ScenarioSamples, WhatTheOtherEndLacksIsOfOneStreamOfOneConnection) {
  ScenarioSamples samples("bob", {});
  const auto camera_alone = [](size_t) { return std::string("camera"); };
  CallConnection alice = connection("alice", "1", 100, 0);
  samples.connections({alice}, camera_alone, kSecond);
  ASSERT_NE(find(samples, "send.loss"), nullptr);
  EXPECT_EQ(find(samples, "send.loss")->state, Measured::kUnmeasured);
  alice.sent.push_back({.stream = 1});
  const auto with_screen = [](size_t n) { return std::string(n == 0 ? "camera" : "screen"); };
  samples.connections({alice}, with_screen, kSecond);
  for (const Series& s : samples.series())
    EXPECT_FALSE(s.metric == "send.loss" && s.stream == "screen") << "nothing is sent there";
  alice.sent[0].reported = 100;
  alice.sent[0].reported_lost = 5;
  samples.connections({alice}, camera_alone, 2 * kSecond);
  samples.connections({alice}, camera_alone, 3 * kSecond);
  EXPECT_EQ(values(samples, "send.loss"), (Values{0.05}));
  EXPECT_EQ(find(samples, "send.loss")->from, "alice");
  EXPECT_EQ(find(samples, "send.loss")->stream, "camera");
  EXPECT_EQ(find(samples, "send.target_bitrate"), nullptr) << "there is but one way";
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

TEST(ScenarioSamples, WhatOthersMeasuredIsOneSeriesInOrder) {
  std::vector<double> heard;
  ScenarioSamples samples(
      "bob", [&](const Series&, const Sample& sample) { heard.push_back(sample.value); });
  samples.absorb({measured("video.psnr", Measured::kUnmeasured)});
  EXPECT_EQ(find(samples, "video.psnr")->why, "because");
  samples.absorb({measured("video.psnr", Measured::kOk, {{30, 3}, {50, 5}})});
  samples.absorb({measured("video.psnr", Measured::kOk, {{40, 4}, {60, 6}})});
  EXPECT_EQ(values(samples, "video.psnr"), (Values{3, 4, 5, 6}));
  EXPECT_EQ(heard, (Values{3, 5, 4, 6}));
  EXPECT_EQ(find(samples, "video.psnr")->state, Measured::kOk);
  EXPECT_EQ(find(samples, "video.psnr")->why, "");
  ASSERT_EQ(samples.series().size(), 1u);
}

TEST(ScenarioSamples, OfTheDriftTheNewestCounts) {
  ScenarioSamples samples("bob", {});
  samples.absorb({measured("av.drift", Measured::kOk, {{10, 0.5}})});
  samples.absorb({measured("av.drift", Measured::kOk)});
  EXPECT_EQ(values(samples, "av.drift"), (Values{0.5}));
  samples.absorb({measured("av.drift", Measured::kOk, {{20, 0.1}})});
  EXPECT_EQ(values(samples, "av.drift"), (Values{0.1}));
}

TEST(ScenarioSamples, AStateIsTheLastOneThatSaysSomething) {
  ScenarioSamples samples("bob", {});
  samples.absorb({measured("video.missing", Measured::kInvalid)});
  samples.absorb({measured("video.missing", Measured::kOk)});
  EXPECT_EQ(find(samples, "video.missing")->state, Measured::kOk);
  samples.absorb({measured("video.missing", Measured::kUnmeasured)});
  EXPECT_EQ(find(samples, "video.missing")->state, Measured::kOk);
  // Of a call that is over, what was not to be believed stays so.
  samples.absorb({measured("video.missing", Measured::kInvalid)});
  samples.settle();
  samples.absorb({measured("video.missing", Measured::kOk)});
  EXPECT_EQ(find(samples, "video.missing")->state, Measured::kInvalid);
  EXPECT_EQ(find(samples, "video.missing")->why, "because");
}

// An hour of one stream, measured with `verify: all`, in no time.
TEST(ScenarioSamples, AnHoursMemoryIsThatOfItsFirstMinutes) {
  const FoldPlan folding;
  ScenarioSamples samples("bob", {}, &folding);
  const auto bytes = [&] {
    size_t all = 0;
    for (const Series& s : samples.series()) {
      all += s.samples.capacity() * sizeof(Sample) + s.folded.capacity() * sizeof(Folded) +
             s.stretches.capacity() * sizeof(Stretch);
      for (const Folded& f : s.folded) all += f.classes.capacity() * sizeof(Folded::Class);
    }
    return all;
  };
  size_t early = 0, most = 0;
  uint64_t packets = 0;
  for (int64_t second = 1; second <= 3600; ++second) {
    std::vector<Series> measured_now;
    for (const char* metric :
         {"video.interval", "video.qp", "video.e2e_delay", "video.network_delay"}) {
      measured_now.push_back(measured(metric, Measured::kOk));
      for (int64_t n = 0; n < 30; ++n)
        measured_now.back().samples.push_back(
            {second * kSecond + n * kSecond / 30,
             0.03 + static_cast<double>((second * 31 + n * 7) % 101) / 1000});
    }
    samples.absorb(measured_now);
    samples.tracks({camera(packets += 95, second * 5)}, second * kSecond);
    most = std::max(most, bytes());
    if (second == 720) early = most;
  }
  EXPECT_LE(most, early + early / 20);
  EXPECT_LT(most, 1'000'000u);
  EXPECT_EQ(count_of(*find(samples, "video.qp")), 108000u);
  EXPECT_EQ(total_of(*find(samples, "rtp.lost")), 18000);
  EXPECT_EQ(total_of(*find(samples, "rtp.packets")), 95 * 3600);
}

}  // namespace
}  // namespace callbot::bot
