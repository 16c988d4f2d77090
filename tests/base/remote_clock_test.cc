#include "base/remote_clock.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(RemoteClock, KnowsNoTimeWithoutAProbe) {
  const RemoteClock clock(kPageClock);
  EXPECT_FALSE(clock.monotonic_ns_of(1));
  EXPECT_EQ(clock.probes(), 0);
}

TEST(RemoteClock, OneProbeGivesItsMiddleAndHalfItsRoundTrip) {
  RemoteClock clock({});
  clock.probe(100 * kMs, 50, 104 * kMs);
  EXPECT_EQ(clock.monotonic_ns_of(50), 102 * kMs);
  EXPECT_EQ(clock.monotonic_ns_of(60.5), 112 * kMs + kMs / 2);
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.002);
}

// The page is 60 ms behind us; two slow round trips, one slow on the way there, one on the way
// back.
TEST(RemoteClock, ProbesTogetherAreTighterThanEachOfThem) {
  RemoteClock clock({});
  clock.probe(100 * kMs, 49, 110 * kMs);               // 51 to 61 ms ahead
  clock.probe(200 * kMs, 140.5, 201 * kMs + kMs / 2);  // 59.5 to 61
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.00075);
  EXPECT_EQ(clock.monotonic_ns_of(0), 60 * kMs + kMs / 4);
  const double before = clock.uncertainty_s();
  clock.probe(300 * kMs, 241, 900 * kMs);  // says nothing new
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), before);
  EXPECT_EQ(clock.probes(), 3);
}

TEST(RemoteClock, CoarseReadingWidensTheBounds) {
  RemoteClock clock({.resolution_ms = 1});
  clock.probe(100 * kMs, 50, 100 * kMs);
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.001);
}

TEST(RemoteClock, AProbeThatContradictsCountsAlone) {
  RemoteClock clock({});
  clock.probe(100 * kMs, 50, 102 * kMs);
  clock.probe(200 * kMs, 10, 204 * kMs);
  EXPECT_EQ(clock.monotonic_ns_of(10), 202 * kMs);
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.002);
}

TEST(RemoteClock, WhatItAllowsWidensAsTheClocksDriftApart) {
  RemoteClock clock({.drift = 1e-3});
  clock.probe(100 * kMs, 50, 102 * kMs);      // 50 to 52 ms ahead
  clock.probe(2000 * kMs, 1990, 2102 * kMs);  // two seconds later says no more than that
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.003);
  EXPECT_EQ(clock.monotonic_ns_of(0), 51 * kMs);
}

}  // namespace
}  // namespace callbot
