#include "quality/stats_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace callbot::quality {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

constexpr int64_t kSecond = 1'000'000'000;

class StatsSamplerTest : public ::testing::Test {
 protected:
  std::vector<double> values(const std::string& metric) {
    std::vector<double> out;
    for (const Series& s : set_.snapshot()) {
      if (s.metric != metric) continue;
      for (const Sample& sample : s.samples) out.push_back(sample.value);
    }
    return out;
  }
  SeriesSet set_{"bob", "alice", "camera"};
  StatsSampler sampler_{set_};
};

TEST_F(StatsSamplerTest, RunningCountersBecomeDeltas) {
  sampler_.received({.packets = 100, .lost = 0, .bytes = 10000, .nack = 0}, kSecond);
  sampler_.received({.packets = 190, .lost = 10, .bytes = 22500, .nack = 4}, 2 * kSecond);
  sampler_.received({.packets = 290, .lost = 8, .bytes = 47500, .nack = 4}, 4 * kSecond);
  EXPECT_THAT(values("rtp.packets"), ElementsAre(100, 90, 100));
  EXPECT_THAT(values("rtp.lost"), ElementsAre(0, 10, -2));
  EXPECT_THAT(values("rtp.loss"), ElementsAre(0, DoubleEq(0.1), 0));
  EXPECT_THAT(values("rtp.bitrate"), ElementsAre(100000, 100000)) << "over the time that passed";
  EXPECT_THAT(values("rtp.nack"), ElementsAre(0, 4, 0));
}

TEST_F(StatsSamplerTest, WhatIsNotThereIsNotZero) {
  sampler_.received({.packets = 100}, kSecond);
  sampler_.received({.packets = 200}, 2 * kSecond);
  for (const Series& s : set_.snapshot()) EXPECT_EQ(s.metric, "rtp.packets");
}

TEST_F(StatsSamplerTest, ALookThatSawNothingCountsNothingTwice) {
  sampler_.received({.packets = 1000, .lost = 50}, kSecond);
  sampler_.received({.lost = 50}, 2 * kSecond);
  EXPECT_THAT(values("rtp.lost"), ElementsAre(50, 0));
  EXPECT_THAT(values("rtp.packets"), ElementsAre(1000));
}

TEST_F(StatsSamplerTest, ACounterThatWentBackBeganAnew) {
  sampler_.received({.packets = 1000, .lost = 50, .bytes = 100000}, kSecond);
  sampler_.received({.packets = 30, .lost = 1, .bytes = 3000}, 2 * kSecond);
  EXPECT_THAT(values("rtp.packets"), ElementsAre(1000, 30));
  EXPECT_THAT(values("rtp.lost"), ElementsAre(50, 1));
}

TEST_F(StatsSamplerTest, WhatWasCountedElsewhereIsNotCountedAgain) {
  SeriesSet before_set{"bob", "alice", "screen"};
  StatsSampler before{before_set};
  before.received({.packets = 1000, .lost = 50, .bytes = 100000}, kSecond);
  sampler_.go_on_from(before);
  sampler_.received({.packets = 1030, .lost = 51, .bytes = 103000}, 2 * kSecond);
  EXPECT_THAT(values("rtp.packets"), ElementsAre(30));
  EXPECT_THAT(values("rtp.lost"), ElementsAre(1));
  EXPECT_THAT(values("rtp.bitrate"), ElementsAre(24000));
}

TEST_F(StatsSamplerTest, TheBuffersDelayIsOfTheSecondNotOfAllTime) {
  sampler_.received({.packets = 1, .buffer_delay = 10.0, .buffer_emitted = 100}, kSecond);
  sampler_.received({.packets = 2, .buffer_delay = 16.0, .buffer_emitted = 130}, 2 * kSecond);
  EXPECT_THAT(values("jitterbuffer.delay"), ElementsAre(DoubleEq(0.2)));
}

TEST_F(StatsSamplerTest, WhatIsSent) {
  sampler_.sent({.packets = 10, .frames = 3, .bytes = 1000, .limited = 0.0}, kSecond);
  sampler_.sent(
      {.packets = 30, .frames = 33, .bytes = 126000, .available_bitrate = 1e6, .limited = 0.4},
      2 * kSecond);
  EXPECT_THAT(values("send.packets"), ElementsAre(10, 20));
  EXPECT_THAT(values("send.frames"), ElementsAre(3, 30));
  EXPECT_THAT(values("send.bitrate"), ElementsAre(1e6));
  EXPECT_THAT(values("send.available_bitrate"), ElementsAre(1e6));
  EXPECT_THAT(values("send.limited"), ElementsAre(DoubleEq(0.4)));
}

TEST_F(StatsSamplerTest, WhatIsMadeToBeSent) {
  sampler_.sent({.frames = 10, .key_frames = 1, .left_out = 0, .fir = 0, .lateness = 0.1}, kSecond);
  sampler_.sent({.frames = 40, .key_frames = 1, .left_out = 2, .fir = 3, .lateness = 0.7},
                3 * kSecond);
  EXPECT_THAT(values("send.key_frames"), ElementsAre(1, 0));
  EXPECT_THAT(values("send.left_out"), ElementsAre(0, 2));
  EXPECT_THAT(values("send.fir"), ElementsAre(0, 3));
  EXPECT_THAT(values("send.fps"), ElementsAre(15)) << "over the time that passed";
  EXPECT_THAT(values("send.lateness"), ElementsAre(DoubleEq(0.01), DoubleEq(0.02)))
      << "of the frames since then, not of all";
  for (const char* metric : {"send.packets", "send.bitrate", "send.nack", "send.target_bitrate"})
    EXPECT_THAT(values(metric), ElementsAre()) << metric;
}

TEST_F(StatsSamplerTest, WhatTheOtherEndLacksIsOfTheReportsSince) {
  sampler_.losses({}, kSecond);
  auto all = set_.snapshot();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].metric, "send.loss");
  EXPECT_EQ(all[0].state, Measured::kUnmeasured);
  EXPECT_NE(all[0].why, "");
  sampler_.losses({.count = 2, .sum = 0.5}, 2 * kSecond);
  sampler_.losses({.count = 2, .sum = 0.5}, 3 * kSecond);
  sampler_.losses({.count = 3, .sum = 0.5}, 4 * kSecond);
  EXPECT_THAT(values("send.loss"), ElementsAre(DoubleEq(0.25), 0));
}

TEST_F(StatsSamplerTest, HugeFramesAndSwitchesAreCounted) {
  sampler_.sent({.huge_frames = 1, .switches = 0}, kSecond);
  sampler_.sent({.huge_frames = 4, .switches = 2}, 2 * kSecond);
  EXPECT_THAT(values("send.huge_frames"), ElementsAre(1, 3));
  EXPECT_THAT(values("send.switches"), ElementsAre(0, 2));
}

TEST_F(StatsSamplerTest, WhatThePathBringsAboutCountsFromTheFirstFeedbackOn) {
  sampler_.sent({.target_bitrate = 8e5}, kSecond);
  EXPECT_THAT(values("send.switches"), ElementsAre());
  sampler_.sent({.switches = 1, .target_bitrate = 3e5, .limited = 0.5}, 2 * kSecond);
  sampler_.sent({.switches = 1, .target_bitrate = 3e5, .limited = 1.5}, 3 * kSecond);
  EXPECT_THAT(values("send.switches"), ElementsAre(1, 0));
  EXPECT_THAT(values("send.limited"), ElementsAre(DoubleEq(0.5), DoubleEq(1)));
}

TEST_F(StatsSamplerTest, ARoundTripIsThatOfTheReportsSince) {
  sampler_.trips({}, kSecond);
  auto all = set_.snapshot();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].metric, "rtp.rtt");
  EXPECT_EQ(all[0].state, Measured::kUnmeasured);
  EXPECT_NE(all[0].why, "");
  sampler_.trips({.count = 2, .sum = 0.2}, 2 * kSecond);
  sampler_.trips({.count = 2, .sum = 0.2}, 3 * kSecond);  // none came: nothing is known anew
  sampler_.trips({.count = 4, .sum = 1.0}, 4 * kSecond);
  EXPECT_THAT(values("rtp.rtt"), ElementsAre(DoubleEq(0.1), DoubleEq(0.4)));
  EXPECT_EQ(set_.snapshot()[0].state, Measured::kOk);
}

}  // namespace
}  // namespace callbot::quality
