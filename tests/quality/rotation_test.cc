#include "quality/rotation.h"

#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Rotation, OneAfterTheOtherForAWindowFromItsBeginning) {
  Rotation rotation(3 * kSecond);
  const auto a = rotation.enroll(), b = rotation.enroll();
  EXPECT_TRUE(rotation.is_turn(a, 100 * kSecond));
  EXPECT_FALSE(rotation.is_turn(b, 100 * kSecond));
  rotation.begun(a, 102 * kSecond);
  EXPECT_TRUE(rotation.is_turn(a, 104 * kSecond));
  EXPECT_FALSE(rotation.is_turn(a, 105 * kSecond));
  EXPECT_TRUE(rotation.is_turn(b, 105 * kSecond));
}

TEST(Rotation, WhoseKeyFrameDoesNotComeHasHadItsTurn) {
  Rotation rotation(3 * kSecond);
  const auto a = rotation.enroll(), b = rotation.enroll();
  EXPECT_TRUE(rotation.is_turn(a, 100 * kSecond));
  EXPECT_TRUE(rotation.is_turn(a, 105 * kSecond));
  EXPECT_TRUE(rotation.is_turn(b, 106 * kSecond));
}

TEST(Rotation, WhoLeavesHandsOn) {
  Rotation rotation(3 * kSecond);
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
  Rotation rotation(3 * kSecond);
  const auto a = rotation.enroll(), b = rotation.enroll();
  rotation.is_turn(a, 100 * kSecond);
  rotation.begun(b, 100 * kSecond);
  EXPECT_TRUE(rotation.is_turn(a, 105 * kSecond)) << "still waiting for its own";
}

}  // namespace
}  // namespace callbot::quality
