#include "quality/file_skew.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

struct Made {
  std::vector<FileFlash> flashes;
  std::vector<FileChirp> chirps;
};
// A sender whose frame 0 is at `begin`, its sound `skew` later, and so much more each second.
Made sender(int seconds, double begin, double skew, uint64_t first = 0, double drift = 0,
            uint16_t source = 1) {
  Made made;
  for (int n = 0; n < seconds; ++n) {
    made.flashes.push_back({begin + n, static_cast<uint32_t>((first + n) * 30)});
    made.chirps.push_back({begin + n + skew + n * drift, chirp_goes_up(source, first + n)});
  }
  return made;
}

TEST(FileSkew, IsWhatItWasMade) {
  for (const double skew : {0.0, 0.045, -0.2, 0.48, 2.3, -4.1}) {
    const Made made = sender(30, 1.5, skew);
    const auto found = file_skew(1, made.flashes, made.chirps);
    ASSERT_TRUE(found) << skew;
    EXPECT_NEAR(found->median, skew, 1e-9);
    EXPECT_EQ(found->pairs, 30u);
    EXPECT_NEAR(found->drift.value_or(9), 0, 1e-6);
  }
}

TEST(FileSkew, FindsASendersOwnChirpsInAMix) {
  const Made alice = sender(25, 2, 0.03), bob = sender(25, 2.4, -0.06, 100),
             carol = sender(20, 5.05, 0.01, 7);
  std::vector<FileChirp> mix;
  for (const Made& m : {alice, bob, carol}) mix.insert(mix.end(), m.chirps.begin(), m.chirps.end());
  std::sort(mix.begin(), mix.end(), [](auto& a, auto& b) { return a.time < b.time; });
  EXPECT_NEAR(file_skew(1, alice.flashes, mix)->median, 0.03, 1e-9);
  EXPECT_NEAR(file_skew(1, bob.flashes, mix)->median, -0.06, 1e-9);
  EXPECT_NEAR(file_skew(1, carol.flashes, mix)->median, 0.01, 1e-9);
}

TEST(FileSkew, ChirpsOfTheSameNumbersTellWhoseTheyAre) {
  const Made alice = sender(30, 1, 0.01), bob = sender(30, 1, 0.06, 0, 0, 2);
  EXPECT_FALSE(file_skew(1, alice.flashes, bob.chirps));
  EXPECT_FALSE(file_skew(2, bob.flashes, alice.chirps));
  EXPECT_NEAR(file_skew(2, bob.flashes, bob.chirps)->median, 0.06, 1e-9);
}

TEST(FileSkew, WhoIsMutedForLongIsHeardWhereHeIsNot) {
  Made alice = sender(30, 1, 0.03);
  std::erase_if(alice.chirps, [](const FileChirp& c) { return c.time > 6; });
  EXPECT_FALSE(file_skew(1, alice.flashes, alice.chirps)) << "5 of 30";
  const auto sound = file_sound(1, alice.flashes, alice.chirps);
  ASSERT_TRUE(sound);
  ASSERT_EQ(sound->chirps.size(), 5u);
  EXPECT_NEAR(sound->chirps.back().time, 5.03, 1e-9);
  EXPECT_EQ(sound->chirps.back().number, 4u);
  // Somebody else goes on, less than half a second from where hers would be.
  const Made bob = sender(30, 1.2, 0, 0, 0, 2);
  EXPECT_FALSE(file_sound(1, alice.flashes, bob.chirps));
}

TEST(FileSkew, AFewThatFitByChanceDoNotHideTheRest) {
  const Made alice = sender(30, 1, 2.3);
  std::vector<FileChirp> mix = alice.chirps;
  for (const uint64_t n : {4, 5, 6, 7}) mix.push_back({1.1 + n, chirp_goes_up(1, n)});
  std::sort(mix.begin(), mix.end(), [](auto& a, auto& b) { return a.time < b.time; });
  const auto found = file_skew(1, alice.flashes, mix);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->median, 2.3, 1e-9);
}

TEST(FileSkew, FollowsADrift) {
  const Made made = sender(60, 1, 0.02, 0, 0.002);
  const auto found = file_skew(1, made.flashes, made.chirps);
  ASSERT_TRUE(found);
  EXPECT_GT(found->pairs, 55u);
  EXPECT_NEAR(*found->drift, 0.12, 0.002);
}

TEST(FileSkew, ChirpsOfSomebodyElseAreNone) {
  const Made alice = sender(30, 1, 0), other = sender(30, 1.2, 0, 5000);
  EXPECT_FALSE(file_skew(1, alice.flashes, other.chirps));
  EXPECT_FALSE(file_skew(1, alice.flashes, {}));
  EXPECT_FALSE(file_skew(1, {}, alice.chirps));
}

}  // namespace
}  // namespace callbot::quality
