#include "base/mark_sequence.h"

#include <gtest/gtest.h>

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
