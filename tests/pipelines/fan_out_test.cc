#include "pipelines/fan_out.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace callbot::pipelines {
namespace {

GRef<GstBuffer> packet() { return GRef<GstBuffer>::adopt(gst_buffer_new()); }

TEST(FanOut, GivesEveryTapTheSamePacketsInOrder) {
  FanOut fan_out;
  std::vector<std::vector<GstBuffer*>> got(50);
  for (auto& mine : got)
    fan_out.attach([&mine](const GRef<GstBuffer>& p) { mine.push_back(p.get()); });
  EXPECT_EQ(fan_out.taps(), 50U);
  std::vector<GRef<GstBuffer>> sent;
  std::vector<GstBuffer*> expected;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(packet());
    expected.push_back(sent.back().get());
    fan_out.push(sent.back());
  }
  for (const auto& mine : got) EXPECT_EQ(mine, expected);
}

TEST(FanOut, CallsADetachedTapNoMoreAndForgetsWhatItHeld) {
  FanOut fan_out;
  int calls = 0, others = 0;
  auto held = std::make_shared<int>(0);
  const TapId id = fan_out.attach([&, held](const GRef<GstBuffer>&) { ++calls; });
  fan_out.attach([&](const GRef<GstBuffer>&) { ++others; });
  fan_out.push(packet());
  EXPECT_EQ(held.use_count(), 2);
  fan_out.detach(id);
  EXPECT_EQ(held.use_count(), 1);
  fan_out.push(packet());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(others, 2);
  fan_out.detach(id);
  fan_out.detach(12345678);
  EXPECT_EQ(fan_out.taps(), 1U);
}

TEST(FanOut, LetsATapDetachAndAttachFromInside) {
  FanOut fan_out;
  int first = 0, second = 0;
  TapId id = 0;
  id = fan_out.attach([&](const GRef<GstBuffer>&) {
    ++first;
    fan_out.detach(id);
    fan_out.attach([&](const GRef<GstBuffer>&) { ++second; });
  });
  for (int i = 0; i < 3; ++i) fan_out.push(packet());
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

// The promise that matters: what a tap uses may be destroyed as soon as detach() has returned.
TEST(FanOut, DetachUnderLoadIsTheEnd) {
  FanOut fan_out;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> pushed{0};
  std::thread pusher([&] {
    const auto one = packet();
    for (; !stop; ++pushed) fan_out.push(one);
  });
  const auto still = [&](uint64_t more) {
    const uint64_t before = pushed;
    while (pushed < before + more) std::this_thread::yield();
  };
  for (int i = 0; i < 30; ++i) fan_out.attach([](const GRef<GstBuffer>&) {});
  for (int round = 0; round < 2000; ++round) {
    auto used = std::make_unique<std::vector<int>>(3, round);
    std::atomic<uint64_t> calls{0};
    const TapId id = fan_out.attach([&, mine = used.get()](const GRef<GstBuffer>&) {
      for (const int value : *mine) EXPECT_EQ(value, round);
      ++calls;
    });
    if (round % 50 == 0) {
      still(2);
      EXPECT_GT(calls, 0U);
    }
    fan_out.detach(id);
    const uint64_t before = calls;
    used.reset();
    if (round % 50 == 0) still(2);
    ASSERT_EQ(calls, before);
  }
  stop = true;
  pusher.join();
}

// A slow tap delays its own detach by one call, and nobody else's.
TEST(FanOut, DetachDoesNotWaitForOtherTaps) {
  FanOut fan_out;
  std::atomic<bool> inside{false}, leave{false};
  fan_out.attach([&](const GRef<GstBuffer>&) {
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  const TapId other = fan_out.attach([](const GRef<GstBuffer>&) {});
  std::thread pusher([&] { fan_out.push(packet()); });
  while (!inside) std::this_thread::yield();
  fan_out.detach(other);  // would hang here
  EXPECT_EQ(fan_out.taps(), 1U);
  leave = true;
  pusher.join();
}

}  // namespace
}  // namespace callbot::pipelines
