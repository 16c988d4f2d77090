#include "network/bottleneck.h"

#include <gtest/gtest.h>

#include <cmath>

namespace callbot::network {
namespace {

constexpr int64_t kMs = 1'000'000;

Direction line(double rate, double queue_s = 10, uint64_t queue_bytes = 0) {
  Direction d;
  d.rate = rate;
  d.queue_s = queue_s;
  d.queue_bytes = queue_bytes;
  return d;
}

Direction traced(const char* text, double queue_s = 10) {
  Direction d = line(0, queue_s);
  d.trace = *Trace::parse(text, "t");
  return d;
}

Bottleneck made(const Direction& d) {
  Bottleneck b;
  b.change(d, 0);
  return b;
}

TEST(Bottleneck, NoneDelaysNothing) {
  Bottleneck b = made({});
  for (int64_t t = 0; t < 100; ++t) EXPECT_EQ(b.admit(1, 65535, t), t);
  EXPECT_TRUE(b.waiting().empty());
}

// 1250 bytes are 10,000 bits: 10 ms at 1 Mbit/s.
TEST(Bottleneck, RateTakesItsTimeForEachPacket) {
  Bottleneck b = made(line(1e6));
  EXPECT_EQ(b.admit(1, 1250, 0), 10 * kMs);
  EXPECT_EQ(b.admit(2, 1250, 0), 20 * kMs);
  EXPECT_EQ(b.admit(3, 125, 5 * kMs), 21 * kMs);
  EXPECT_EQ(b.waiting().size(), 3u);
  EXPECT_EQ(b.admit(4, 1250, 100 * kMs), 110 * kMs) << "an idle line saves nothing up";
  EXPECT_EQ(b.waiting().size(), 1u);
}

TEST(Bottleneck, QueueOfTimeIsTheLongestWait) {
  Bottleneck b = made(line(1e6, 0.05));
  for (uint64_t i = 1; i <= 6; ++i)
    EXPECT_EQ(b.admit(i, 1250, 0), static_cast<int64_t>(i) * 10 * kMs);
  EXPECT_FALSE(b.admit(7, 1250, 0)) << "would wait for 60 ms";
  EXPECT_FALSE(b.admit(8, 1250, 10 * kMs - 1));
  EXPECT_EQ(b.admit(9, 1250, 10 * kMs), 70 * kMs);
}

TEST(Bottleneck, QueueOfBytesIsWhatIsNotThroughYet) {
  Bottleneck b = made(line(1e6, 0, 3750));
  EXPECT_TRUE(b.admit(1, 1250, 0) && b.admit(2, 1250, 0) && b.admit(3, 1250, 0));
  EXPECT_FALSE(b.admit(4, 1, 0));
  EXPECT_EQ(b.admit(5, 1250, 10 * kMs), 40 * kMs);
}

TEST(Bottleneck, WithoutAWordTheQueueIsTheUsualOne) {
  Bottleneck b = made(line(1e6, 0, 0));
  int admitted = 0;
  while (b.admit(1, 1250, 0)) ++admitted;
  EXPECT_EQ(admitted, std::lround(kUsualQueue / 0.01) + 1);
}

TEST(Bottleneck, TraceReplaysItsOpportunities) {
  Bottleneck b = made(traced("2\n5\n5\n10\n"));
  EXPECT_EQ(b.admit(1, 1500, 0), 2 * kMs);
  EXPECT_EQ(b.admit(2, 1500, 0), 5 * kMs);
  EXPECT_EQ(b.admit(3, 1500, 0), 5 * kMs);
  EXPECT_EQ(b.admit(4, 1500, 0), 10 * kMs);
  EXPECT_EQ(b.admit(5, 1500, 0), 12 * kMs) << "the next round";
  EXPECT_EQ(b.admit(6, 1500, 16 * kMs), 20 * kMs) << "what nobody used is gone";
}

TEST(Bottleneck, SmallPacketsShareAnOpportunityAndBigOnesNeedSeveral) {
  Bottleneck b = made(traced("2\n5\n10\n"));
  EXPECT_EQ(b.admit(1, 700, 0), 2 * kMs);
  EXPECT_EQ(b.admit(2, 700, kMs), 2 * kMs);
  EXPECT_EQ(b.admit(3, 700, kMs), 5 * kMs) << "100 bytes of it before, 600 here";
  EXPECT_EQ(b.admit(4, 900, kMs), 5 * kMs);
  EXPECT_EQ(b.admit(5, 3001, kMs), 15 * kMs) << "10, 12 and one byte of 15";
}

TEST(Bottleneck, TraceBeginsWhenItIsSet) {
  Bottleneck b = made({});
  b.change(traced("3\n"), 100 * kMs);
  EXPECT_EQ(b.admit(1, 1500, 100 * kMs), 103 * kMs);
}

TEST(Bottleneck, TraceHasAQueueToo) {
  Bottleneck b = made(traced("10\n", 0.025));
  EXPECT_EQ(b.admit(1, 1500, 0), 10 * kMs);
  EXPECT_EQ(b.admit(2, 1500, 0), 20 * kMs);
  EXPECT_FALSE(b.admit(3, 1500, 0));
}

TEST(Bottleneck, WhatWaitsLeavesAtTheNewRate) {
  Bottleneck b = made(line(1e6));
  for (uint64_t i = 1; i <= 3; ++i) b.admit(i, 1250, 0);
  const auto& waiting = b.change(line(2e6), 5 * kMs);
  ASSERT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting[0].leaves_ns, 7'500'000) << "half of it was through";
  EXPECT_EQ(waiting[1].leaves_ns, 12'500'000);
  EXPECT_EQ(waiting[2].leaves_ns, 17'500'000);
  EXPECT_EQ(b.admit(4, 1250, 5 * kMs), 22'500'000);
  b.change(line(0), 6 * kMs);
  for (const auto& packet : b.waiting()) EXPECT_EQ(packet.leaves_ns, 6 * kMs);
  b.settle(6 * kMs);
  EXPECT_TRUE(b.waiting().empty());
}

TEST(Bottleneck, TheSameRateChangesNoTimes) {
  Bottleneck b = made(line(333'333));
  for (uint64_t i = 1; i <= 3; ++i) b.admit(i, 1000, 0);
  const auto before = b.waiting().back().leaves_ns;
  b.change(line(333'333, 0.001), 7'777'777);
  EXPECT_EQ(b.waiting().back().leaves_ns, before);
  EXPECT_FALSE(b.admit(4, 1000, 7'777'777)) << "but the new queue is shorter";
}

TEST(Bottleneck, FromATraceToARate) {
  Bottleneck b = made(traced("50\n"));
  b.admit(1, 1250, 0);
  b.admit(2, 1250, 0);
  const auto& waiting = b.change(line(1e6), 5 * kMs);
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].leaves_ns, 15 * kMs);
  EXPECT_EQ(waiting[1].leaves_ns, 25 * kMs);
}

}  // namespace
}  // namespace callbot::network
