#include "base/mark_sequence.h"

#include <gtest/gtest.h>

#include <vector>

namespace callbot {
namespace {

using Step = MarkSequence::Step;

TEST(MarkSequence, TellsNewStillAgainAndLate) {
  MarkSequence sequence;
  EXPECT_EQ(sequence.add(10).step, Step::kBegin);
  EXPECT_EQ(sequence.add(11).step, Step::kNew);
  EXPECT_EQ(sequence.add(11).step, Step::kStill);
  const auto skipped = sequence.add(14);
  EXPECT_EQ(skipped.step, Step::kNew);
  EXPECT_EQ(skipped.left_out, 2);
  EXPECT_EQ(sequence.add(13).step, Step::kLate);
  EXPECT_EQ(sequence.add(11).step, Step::kAgain);
  EXPECT_EQ(sequence.add(13).step, Step::kAgain);
  EXPECT_EQ(sequence.add(15).left_out, 0);
}

// Numbers there should have been, and those that never came, of counters in this order.
struct Totals {
  int64_t expected = 0, missing = 0;
};
Totals totals(const std::vector<int>& counters) {
  constexpr int kUnread = -1;
  MarkSequence sequence;
  Totals totals;
  for (const int counter : counters) {
    if (counter == kUnread) {
      sequence.unread();
      continue;
    }
    const auto placed = sequence.add(static_cast<uint32_t>(counter));
    totals.expected += placed.expected;
    totals.missing += placed.missing;
    EXPECT_GE(totals.missing, 0);
  }
  return totals;
}

TEST(MarkSequence, CountsWhatNeverCameInWhateverOrderItComes) {
  for (std::vector<int> order :
       {std::vector{3, 4, 6, 9}, {4, 3, 9, 6}, {9, 6, 4, 3}, {6, 9, 3, 4}}) {
    const Totals t = totals(order);
    EXPECT_EQ(t.expected, 7) << order[0];
    EXPECT_EQ(t.missing, 3) << order[0];
  }
}

TEST(MarkSequence, WhatCouldNotBeReadIsNotMissing) {
  EXPECT_EQ(totals({1, -1, 3}).missing, 0);
  EXPECT_EQ(totals({1, -1, 3}).expected, 3);
  EXPECT_EQ(totals({1, -1, 5}).missing, 2);
  EXPECT_EQ(totals({1, -1, 2, 5}).missing, 2) << "it was no number left out later";
  EXPECT_EQ(totals({1, -1, 4, 3, 2}).missing, 0) << "and is taken back no more often than counted";
}

TEST(MarkSequence, CountsOnOverTheWrap) {
  MarkSequence sequence;
  sequence.add(0xfffffe);
  const auto last = sequence.add(0xffffff);
  const auto next = sequence.add(1);
  EXPECT_EQ(next.step, Step::kNew);
  EXPECT_EQ(next.left_out, 1);
  EXPECT_EQ(next.counter, last.counter + 2);
  EXPECT_EQ(sequence.add(0).step, Step::kLate);
}

TEST(MarkSequence, ASenderThatBeginsAnewIsNoLoss) {
  MarkSequence sequence;
  const auto before = sequence.add(5000);
  const auto anew = sequence.add(0);
  EXPECT_EQ(anew.step, Step::kBegin);
  EXPECT_GT(anew.counter, before.counter) << "no number stands for two frames";
  EXPECT_EQ(sequence.add(1).step, Step::kNew);
  EXPECT_EQ(sequence.add(3002).step, Step::kBegin) << "too far ahead";
}

TEST(MarkSequence, HowFarAheadIsNoNewBeginningIsTheCallersChoice) {
  MarkSequence sequence({.most_back = 10, .most_ahead = 100000});
  sequence.add(100);
  EXPECT_EQ(sequence.add(50100).left_out, 49999);
  EXPECT_EQ(sequence.add(50091).step, Step::kLate);
  EXPECT_EQ(sequence.add(50000).step, Step::kBegin);
}

}  // namespace
}  // namespace callbot
