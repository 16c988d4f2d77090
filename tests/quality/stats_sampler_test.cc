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

}  // namespace
}  // namespace callbot::quality
