#include "browsers/page_stats.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace callbot::browsers {
namespace {

// One peer connection to "bot", after so many seconds of 30 frames and 50 packets each.
Json stats_at(int seconds, int freezes = 0, double frozen = 0,
              std::optional<double> sent_until = {}, std::optional<int> lost = {}) {
  const std::string text = fmt::format(
      R"({{"origin":1000,"now":{0},"connections":[{{"index":0,"created":100,"ice":300,"connected":350,
      "state":"connected","member":"m1","name":"bot","source":"camera","own":"screen","reports":[
      {{"id":"V","type":"inbound-rtp","kind":"video","timestamp":{0},"packetsReceived":{1},
        "packetsLost":{2},"framesReceived":{3},"framesDecoded":{3},"keyFramesDecoded":1,
        "bytesReceived":{4},"jitter":0.004,"jitterBufferDelay":{5},"jitterBufferEmittedCount":{3},
        "qpSum":{6},"totalProcessingDelay":{12},"totalAssemblyTime":{13},
        "framesAssembledFromMultiplePackets":{14},"frameWidth":640,"frameHeight":360,"freezeCount":{7},
        "totalFreezesDuration":{8},"pauseCount":0,"totalPausesDuration":0}},
      {{"id":"A","type":"inbound-rtp","kind":"audio","timestamp":{0},"packetsReceived":{1},
        "packetsLost":0,"totalSamplesReceived":{9},"concealedSamples":{2},"silentConcealedSamples":{15},"concealmentEvents":1,
        "totalAudioEnergy":{10},"totalSamplesDuration":{11}}},
      {{"id":"O1","type":"outbound-rtp","kind":"video","timestamp":{0},"packetsSent":{16},
        "bytesSent":{4},"headerBytesSent":{1},"framesSent":{3},"keyFramesEncoded":1,
        "targetBitrate":500000,"nackCount":0,"pliCount":2,"firCount":0,"hugeFramesSent":{15},"qualityLimitationResolutionChanges":{15},
        "qualityLimitationDurations":{{"bandwidth":0,"cpu":{18}}}}},
      {{"id":"R","type":"remote-inbound-rtp","localId":"O1","kind":"video","timestamp":{0},"roundTripTime":0.02,"fractionLost":0.25,{17}
        "roundTripTimeMeasurements":{11}}},
      {{"id":"L","type":"local-candidate","candidateType":"host","address":"127.0.0.1","port":4000,
        "protocol":"udp"}},
      {{"id":"P","type":"candidate-pair","timestamp":{0},"localCandidateId":"L",
        "remoteCandidateId":"X","availableOutgoingBitrate":2500000}}]}}]}})",
      5000 + seconds * 1000, seconds * 50, seconds * 2, seconds * 30, seconds * 12500,
      seconds * 30 * 0.08, seconds * 900, freezes, frozen, seconds * 48000, seconds * 0.01, seconds,
      seconds * 30 * 0.05, seconds * 10 * 0.02, seconds * 10, seconds,
      sent_until.value_or(seconds) * 50, lost ? fmt::format("\"packetsLost\":{},", *lost) : "",
      seconds * 0.375);
  const auto json = Json::parse(text);
  EXPECT_TRUE(json) << text;
  return json.value_or(Json());
}

class StatsSeriesTest : public testing::Test {
 protected:
  StatsSeriesTest() { clock_.probe(0, 0, 0); }
  void add(const Json& stats) {
    const auto added = stats_.add(stats, clock_);
    ASSERT_TRUE(added) << added.error().message;
  }
  Series series(const std::string& metric, const std::string& stream = "camera") {
    for (const Series& one : stats_.all())
      if (one.metric == metric && one.stream == stream) return one;
    return {};
  }
  double last(const std::string& metric, const std::string& stream = "camera") {
    const Series found = series(metric, stream);
    EXPECT_FALSE(found.samples.empty()) << metric;
    return found.samples.empty() ? -1 : found.samples.back().value;
  }

  RemoteClock clock_{{}};
  StatsSeries stats_{"browser"};
};

TEST_F(StatsSeriesTest, CountersAreDifferences) {
  add(stats_at(10));
  EXPECT_TRUE(series("rtp.packets").samples.empty());
  add(stats_at(12));
  EXPECT_EQ(last("rtp.packets"), 100);
  EXPECT_EQ(last("rtp.lost"), 4);
  EXPECT_DOUBLE_EQ(last("rtp.loss"), 4.0 / 104);
  EXPECT_EQ(last("video.decoded"), 60);
  EXPECT_EQ(last("video.key_frames"), 0);
  EXPECT_DOUBLE_EQ(last("video.fps"), 30);
  EXPECT_DOUBLE_EQ(last("video.qp"), 30);
  EXPECT_DOUBLE_EQ(last("rtp.bitrate"), 100'000);
  EXPECT_NEAR(last("jitterbuffer.delay"), 0.08, 1e-9);
  EXPECT_NEAR(last("video.processing"), 0.05, 1e-9);
  EXPECT_NEAR(last("video.assembly"), 0.02, 1e-9) << "of the frames that came in several packets";
  EXPECT_EQ(last("audio.samples", "microphone"), 96000);
  EXPECT_EQ(last("audio.concealed", "microphone"), 4);
  EXPECT_EQ(last("audio.silent_concealed", "microphone"), 2);
  EXPECT_NEAR(last("audio.level", "microphone"), -20, 1e-6);
  EXPECT_EQ(last("rtp.rtt", ""), 0.02);
  EXPECT_EQ(series("rtp.packets").from, "bot");
  EXPECT_EQ(series("rtp.packets").actor, "browser");
  EXPECT_EQ(series("rtp.packets").samples.back().at_ns, 17'000'000'000);
}

TEST_F(StatsSeriesTest, FreezesAreSpans) {
  add(stats_at(10));
  add(stats_at(12));
  EXPECT_EQ(series("video.freeze").state, Measured::kOk);
  EXPECT_TRUE(series("video.freeze").samples.empty());
  add(stats_at(14, 2, 1.5));
  ASSERT_EQ(series("video.freeze").samples.size(), 2U);
  EXPECT_DOUBLE_EQ(last("video.freeze"), 0.75);
}

TEST_F(StatsSeriesTest, SizesAreToldOnceAndJoiningToo) {
  add(stats_at(10));
  add(stats_at(12));
  add(stats_at(14));
  EXPECT_EQ(series("video.width").samples.size(), 1U);
  EXPECT_DOUBLE_EQ(last("join.ice", ""), 0.2);
  EXPECT_DOUBLE_EQ(last("join.dtls", ""), 0.05);
  EXPECT_EQ(series("join.ice", "").samples.size(), 1U);
}

TEST_F(StatsSeriesTest, WhatIsSentToAllIsOurs) {
  add(stats_at(10));
  add(stats_at(12));
  EXPECT_EQ(series("send.bitrate", "screen").from, "browser");
  EXPECT_DOUBLE_EQ(last("send.bitrate", "screen"), 100'000 + 50 * 8) << "with its headers";
  EXPECT_EQ(last("send.packets", "screen"), 100);
  EXPECT_EQ(last("send.frames", "screen"), 60);
  EXPECT_EQ(last("send.key_frames", "screen"), 0);
  EXPECT_EQ(last("send.huge_frames", "screen"), 2);
  EXPECT_DOUBLE_EQ(last("send.fps", "screen"), 30);
  EXPECT_EQ(last("send.pli", "screen"), 0);
}

TEST_F(StatsSeriesTest, WhatAPathTakesIsOfOneConnection) {
  add(stats_at(10));
  add(stats_at(12));
  EXPECT_EQ(series("send.limited", "screen").from, "bot");
  EXPECT_EQ(series("send.limited", "screen").state, Measured::kOk);
  EXPECT_DOUBLE_EQ(last("bot.encoder_limited", "screen"), 0.75);
  EXPECT_EQ(series("bot.encoder_limited", "screen").from, "browser");
  EXPECT_EQ(series("send.target_bitrate", "screen").from, "bot");
  EXPECT_EQ(series("send.loss", "screen").from, "bot");
  EXPECT_EQ(last("send.loss", "screen"), 0.25);
  EXPECT_EQ(series("send.switches", "screen").from, "bot");
  EXPECT_EQ(last("send.switches", "screen"), 2);
  EXPECT_DOUBLE_EQ(last("send.target_bitrate", "screen"), 500'000);
  EXPECT_EQ(series("send.available_bitrate", "").from, "bot");
  EXPECT_DOUBLE_EQ(last("send.available_bitrate", ""), 2'500'000);
}

TEST_F(StatsSeriesTest, AReportOnNothingThatWasSentSaysNothing) {
  add(stats_at(10));
  add(stats_at(12));
  add(stats_at(14, 0, 0, 12));
  EXPECT_EQ(series("send.loss", "screen").samples.size(), 2U);
  add(stats_at(16));
  EXPECT_EQ(series("send.loss", "screen").samples.size(), 3U);
}

// The fraction is of the newest of them alone.
TEST_F(StatsSeriesTest, LostIsCountedOfWhatWasSentSinceTheReportBefore) {
  add(stats_at(1, 0, 0, {}, 5));
  EXPECT_DOUBLE_EQ(last("send.loss", "screen"), 5.0 / 50) << "the first tells of all until then";
  add(stats_at(3, 0, 0, {}, 25));
  EXPECT_DOUBLE_EQ(last("send.loss", "screen"), 20.0 / 100);
  add(stats_at(4, 0, 0, {}, 22));
  EXPECT_DOUBLE_EQ(last("send.loss", "screen"), 0) << "three came late";
  add(stats_at(5, 0, 0, {}, 27));
  EXPECT_DOUBLE_EQ(last("send.loss", "screen"), 2.0 / 50) << "and were counted before";
  EXPECT_EQ(series("send.loss", "screen").samples.size(), 4U);
}

TEST_F(StatsSeriesTest, ThePairIsNamed) {
  add(stats_at(10));
  ASSERT_EQ(stats_.pairs().size(), 1U);
  EXPECT_EQ(stats_.pairs()[0].member, "bot");
  EXPECT_EQ(stats_.pairs()[0].local, "host 127.0.0.1:4000 udp");
  EXPECT_EQ(stats_.pairs()[0].remote, "");
}

TEST_F(StatsSeriesTest, SomethingElseIsRefused) {
  EXPECT_EQ(stats_.add(Json(), clock_).error().code, Code::kBadInput);
}

}  // namespace
}  // namespace callbot::browsers
