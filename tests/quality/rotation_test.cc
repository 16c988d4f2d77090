#include "quality/rotation.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace callbot::quality {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Rotation, OneAfterTheOtherForAWindowFromItsBeginning) {
  Rotation rotation(3 * kSecond, 1);
  const auto a = rotation.enroll(), b = rotation.enroll();
  EXPECT_TRUE(rotation.is_turn(a, 100 * kSecond));
  EXPECT_FALSE(rotation.is_turn(b, 100 * kSecond));
  rotation.begun(a, 102 * kSecond);
  EXPECT_TRUE(rotation.is_turn(a, 104 * kSecond));
  EXPECT_FALSE(rotation.is_turn(a, 105 * kSecond));
  EXPECT_TRUE(rotation.is_turn(b, 105 * kSecond));
}

TEST(Rotation, WhoseKeyFrameDoesNotComeHasHadItsTurn) {
  Rotation rotation(3 * kSecond, 1);
  const auto a = rotation.enroll(), b = rotation.enroll();
  EXPECT_TRUE(rotation.is_turn(a, 100 * kSecond));
  EXPECT_TRUE(rotation.is_turn(a, 105 * kSecond));
  EXPECT_TRUE(rotation.is_turn(b, 106 * kSecond));
}

TEST(Rotation, WhoLeavesHandsOn) {
  Rotation rotation(3 * kSecond, 1);
  const auto a = rotation.enroll(), b = rotation.enroll();
  rotation.is_turn(a, 100 * kSecond);
  rotation.begun(a, 100 * kSecond);
  rotation.leave(a);
  EXPECT_TRUE(rotation.is_turn(b, 101 * kSecond));
  EXPECT_FALSE(rotation.is_turn(a, 101 * kSecond));
  rotation.leave(b);
  EXPECT_FALSE(rotation.is_turn(b, 102 * kSecond));
}

TEST(Rotation, OnlyWhoseTurnItIsBeginsAWindow) {
  Rotation rotation(3 * kSecond, 1);
  const auto a = rotation.enroll(), b = rotation.enroll();
  rotation.is_turn(a, 100 * kSecond);
  rotation.begun(b, 100 * kSecond);
  EXPECT_TRUE(rotation.is_turn(a, 105 * kSecond)) << "still waiting for its own";
}

TEST(Rotation, SoManyAtATimeThatEverybodyHasATurnIn15Seconds) {
  Rotation rotation(3 * kSecond, 100);
  std::vector<Rotation::Member> members;
  for (int i = 0; i < 11; ++i) members.push_back(rotation.enroll());
  std::set<Rotation::Member> had;
  const auto look = [&](int64_t at_ns) {
    size_t now = 0;
    for (const auto member : members) {
      if (!rotation.is_turn(member, at_ns)) continue;
      ++now;
      had.insert(member);
      rotation.begun(member, at_ns);
    }
    return now;
  };
  for (int64_t t = 100; t < 115; ++t) EXPECT_EQ(look(t * kSecond), 3u) << t;
  EXPECT_EQ(had.size(), members.size());
  const auto one = rotation.enroll(5 * kSecond);
  EXPECT_EQ(look(116 * kSecond), 3u);
  rotation.leave(one);
}

TEST(Rotation, AreThereNoMoreThanTurnsEverybodyHasOne) {
  Rotation rotation(60 * kSecond, 4);
  const auto a = rotation.enroll(), b = rotation.enroll();
  for (int64_t t = 100; t < 400; t += 10) {
    EXPECT_TRUE(rotation.is_turn(a, t * kSecond));
    EXPECT_TRUE(rotation.is_turn(b, t * kSecond));
  }
}

TEST(Rotation, ProcessorsBoundHowManyTogether) {
  Rotation rotation(60 * kSecond, 2);
  std::vector<Rotation::Member> members;
  for (int i = 0; i < 5; ++i) members.push_back(rotation.enroll());
  size_t turns = 0;
  for (const auto member : members) turns += rotation.is_turn(member, 100 * kSecond) ? 1 : 0;
  EXPECT_EQ(turns, 2u);
}

}  // namespace
}  // namespace callbot::quality
