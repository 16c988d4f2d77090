#include "pipelines/bandwidth_estimate.h"

#include <gmock/gmock.h>

#include "tests/support/simulated_path.h"

namespace callbot::pipelines {
namespace {

// What the test pattern needs at 1.5 Mbit/s: in full, at half the size, at a quarter.
const std::vector<double> kRenditions = {1.575e6, 525e3, 157.5e3};

std::function<double(double)> narrow_between(double from, double to) {
  return [=](double second) { return second < from || second >= to ? 2e6 : 300e3; };
}

size_t limited(const SimulatedCall& call) {
  size_t count = 0;
  for (const auto& at : call.curve) count += at.level > 0 ? 1 : 0;
  return count;
}

class Queues : public ::testing::TestWithParam<double> {};

TEST_P(Queues, FallsAndClimbsWithThePath) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    SimulatedPath path;
    path.rate = narrow_between(10, 25);
    path.queue_s = GetParam();
    path.jitter_s = 0.005;
    path.key_every_s = 4;
    SimulatedCall call(path, kRenditions, seed);
    call.run(9);
    EXPECT_EQ(limited(call), 0u);
    call.run(36);
    const double fell = call.reached(2, 10), rose = call.reached(0, 25);
    EXPECT_GT(fell, 0);
    EXPECT_LT(fell, 2) << "the queue fills meanwhile";
    EXPECT_GT(rose, 0);
    EXPECT_LT(rose, 10);
    const double settled = 10 + 2 * GetParam() + 5;
    for (const auto& at : call.curve)
      if (at.second > settled && at.second < 25) {
        EXPECT_EQ(at.level, 2u) << at.second;
        EXPECT_GT(at.estimate, 150e3) << at.second;
        EXPECT_LT(at.estimate, 450e3) << at.second;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Seconds, Queues, ::testing::Values(0.05, 0.1, 0.3, 1.0, 3.0));

TEST(BandwidthEstimate, RandomLossIsNotALackOfRoom) {
  for (const uint32_t seed : {1u, 2u, 3u, 4u, 5u}) {
    SimulatedPath path;
    path.loss = 0.05;
    path.jitter_s = 0.01;
    path.rate = [](double) { return 3e6; };
    SimulatedCall call(path, kRenditions, seed);
    call.run(60);
    EXPECT_EQ(limited(call), 0u) << seed;
  }
}

// A policer: no queue at all, what is too much is dropped.
TEST(BandwidthEstimate, HeavyLossAloneIsSeenToo) {
  SimulatedPath path;
  path.loss = 0.3;
  SimulatedCall call(path, kRenditions);
  call.run(20);
  EXPECT_GT(call.reached(1, 0), 0);
}

TEST(BandwidthEstimate, JitterIsNotALackOfRoom) {
  for (const double jitter : {0.005, 0.01, 0.02, 0.04}) {
    SimulatedPath path;
    path.jitter_s = jitter;
    path.key_every_s = 3;
    path.rate = [](double) { return 3e6; };
    SimulatedCall call(path, kRenditions);
    call.run(60);
    EXPECT_EQ(limited(call), 0u) << jitter;
  }
}

TEST(BandwidthEstimate, LargeFramesOnATightPathPass) {
  for (const double rate : {1.8e6, 2e6}) {
    SimulatedPath path;
    path.rate = [=](double) { return rate; };
    path.key_every_s = 3;
    SimulatedCall call(path, kRenditions);
    call.run(60);
    EXPECT_EQ(limited(call), 0u) << rate;
  }
}

TEST(BandwidthEstimate, LeavesRoomForOthersAndTakesItBack) {
  SimulatedPath path;
  path.rate = [](double) { return 2e6; };
  path.other = [](double second) { return second >= 10 && second < 25 ? 1.2e6 : 0; };
  SimulatedCall call(path, kRenditions);
  call.run(45);
  EXPECT_GT(call.reached(1, 10), 0);
  EXPECT_LT(call.reached(1, 10), 3);
  EXPECT_LT(call.longest_wait(15, 25), 0.15) << "the queue is let go";
  EXPECT_GT(call.reached(0, 25), 0);
  EXPECT_LT(call.reached(0, 25), 10);
}

TEST(BandwidthEstimate, ProbesAreFewAndShort) {
  SimulatedPath path;
  path.rate = [](double) { return 300e3; };
  SimulatedCall call(path, kRenditions);
  call.run(65);
  EXPECT_EQ(call.curve.back().level, 2u);
  EXPECT_GE(call.probes, 10u);
  EXPECT_LE(call.probes, 20u);
  EXPECT_LT(call.longest_wait(15, 65), 0.2);
}

TEST(BandwidthEstimate, SilenceIsNotTakenForRoom) {
  BandwidthEstimate estimate(2e6);
  for (int i = 0; i < 10; ++i) estimate.no_feedback();
  EXPECT_LT(estimate.bitrate(), 300e3);
  for (int i = 0; i < 100; ++i) estimate.no_feedback();
  EXPECT_GE(estimate.bitrate(), 30e3);
}

TEST(BandwidthEstimate, NonsenseDoesNotHurt) {
  BandwidthEstimate estimate(2e6);
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::vector<PacketReport> reports;
    for (int n = 0; n < 20; ++n)
      reports.push_back({static_cast<uint16_t>(random()), random() % 3000,
                         static_cast<int64_t>(random() >> 3), static_cast<int64_t>(random() >> 3),
                         random() % 3 == 0});
    const auto now = static_cast<int64_t>(i) * 100'000'000;
    if (i % 50 == 0) estimate.probe(now, now + 100'000'000);
    estimate.take(reports, now);
    ASSERT_GE(estimate.bitrate(), 30e3);
    ASSERT_LT(estimate.bitrate(), 1e12);
  }
}

}  // namespace
}  // namespace callbot::pipelines
