#include "pipelines/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace callbot::pipelines {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kStart = 5'000'000'000;

TEST(Pacer, EveryFrameHasItsOwnTimeForever) {
  const Pacer pacer(kStart, 30);
  EXPECT_EQ(pacer.due_ns(0), kStart);
  EXPECT_EQ(pacer.due_ns(1), kStart + 33'333'333);
  for (const uint64_t seconds : {1ULL, 86'400ULL, 31'536'000ULL})
    EXPECT_EQ(pacer.due_ns(30 * seconds), kStart + static_cast<int64_t>(seconds) * 1'000'000'000);
}

TEST(Pacer, GivesEachFrameInTurnWhenItIsDue) {
  Pacer pacer(kStart, 50);
  int64_t now = kStart - 7 * kMs;
  for (uint64_t frame = 0; frame < 1000; ++frame) {
    const auto turn = pacer.next(now);
    ASSERT_EQ(turn.frame, frame);
    ASSERT_EQ(turn.at_ns, kStart + static_cast<int64_t>(frame) * 20 * kMs);
    ASSERT_EQ(pacer.next(now).frame, frame);  // asking changes nothing
    now = turn.at_ns;
    pacer.taken(turn, now);
  }
  EXPECT_EQ(pacer.left_out(), 0U);
}

TEST(Pacer, CatchesUpWithoutABurst) {
  Pacer pacer(kStart, 50);
  int64_t now = kStart;
  pacer.taken(pacer.next(now), now);
  now += 300 * kMs;  // something held us up; 14 frames are late
  int64_t last = 0;  // of the late ones
  uint64_t frame = 1;
  for (; frame < 40; ++frame) {
    const auto turn = pacer.next(now);
    ASSERT_EQ(turn.frame, frame);
    now = std::max(now, turn.at_ns);
    ASSERT_GE(now - last, 10 * kMs);
    last = now;
    pacer.taken(turn, now);
  }
  EXPECT_EQ(pacer.left_out(), 0U);
  EXPECT_EQ(now, pacer.due_ns(39));  // on time again
}

TEST(Pacer, LeavesOutWhatIsTooLateAndCountsIt) {
  Pacer pacer(kStart, 50);
  pacer.taken(pacer.next(kStart), kStart);
  const int64_t now = kStart + 2000 * kMs;
  const auto turn = pacer.next(now);
  EXPECT_EQ(turn.frame, 100U);
  EXPECT_EQ(turn.at_ns, now);
  EXPECT_EQ(pacer.left_out(), 99U);
}

TEST(Pacer, NothingIsLeftOutAfterTheEnd) {
  Pacer pacer(kStart, 50);
  pacer.taken(pacer.next(kStart, 60), kStart);
  EXPECT_EQ(pacer.next(kStart + 9000 * kMs, 60).frame, 60U);
  EXPECT_EQ(pacer.left_out(), 59U);
}

TEST(Pacer, RestIsNoLoss) {
  Pacer pacer(kStart, 30);
  pacer.taken(pacer.next(kStart), kStart);
  pacer.rest(kStart + 10'000 * kMs + 1);
  const auto turn = pacer.next(kStart + 10'000 * kMs + 1);
  EXPECT_EQ(turn.frame, 301U);
  EXPECT_EQ(pacer.left_out(), 0U);
  pacer.rest(kStart);  // never back
  EXPECT_EQ(pacer.next(kStart + 10'001 * kMs).frame, 301U);
}

TEST(Pacer, TheRateChangesAtAFrame) {
  Pacer pacer(kStart, 30);
  pacer.change_rate(60, 15);
  pacer.change_rate(75, 50);
  EXPECT_EQ(pacer.due_ns(59), kStart + 1'966'666'666);
  EXPECT_EQ(pacer.due_ns(60), kStart + 2'000 * kMs);
  EXPECT_EQ(pacer.due_ns(75), kStart + 3'000 * kMs);
  EXPECT_EQ(pacer.due_ns(125), kStart + 4'000 * kMs);
  EXPECT_EQ(pacer.rate_at(74), 15);
  EXPECT_EQ(pacer.first_due_from(kStart + 2'500 * kMs), 68u);
  // After a rest, in any of the stretches.
  for (const auto& [at_ms, frame] : {std::pair{1'990, 60}, {2'500, 68}, {3'010, 76}}) {
    Pacer late = pacer;
    late.rest(kStart + at_ms * kMs);
    EXPECT_EQ(late.next(kStart + at_ms * kMs).frame, static_cast<uint64_t>(frame)) << at_ms;
  }
}

}  // namespace
}  // namespace callbot::pipelines
