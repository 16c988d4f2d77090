#include "pipelines/rendition_ladder.h"

#include <gmock/gmock.h>

#include "tests/support/simulated_path.h"

namespace callbot::pipelines {
namespace {

constexpr int64_t ms(int64_t n) { return n * 1'000'000; }
const std::vector<double> kNeeds = {2e6, 700e3, 200e3};

RenditionLadder ladder_of_three() {
  RenditionLadder ladder;
  ladder.set_needs(kNeeds);
  return ladder;
}

// Looks every 100 ms from one time to another; at which it changed, or -1.
int64_t changed_at(RenditionLadder& ladder, const PathState& path, int64_t from, int64_t to) {
  for (int64_t at = from; at <= to; at += ms(100))
    if (ladder.look(path, at)) return at;
  return -1;
}

TEST(RenditionLadder, NothingToChooseNothingChanges) {
  RenditionLadder ladder;
  EXPECT_FALSE(ladder.look({.estimate = 1000}, ms(1)));
  ladder.set_needs({2e6});
  EXPECT_EQ(changed_at(ladder, {.estimate = 1000}, ms(1), ms(10'000)), -1);
  EXPECT_FALSE(ladder.probe({.estimate = 1000}, ms(20'000)));
}

TEST(RenditionLadder, ADipIsWaitedFor) {
  auto ladder = ladder_of_three();
  EXPECT_EQ(changed_at(ladder, {.estimate = 1.5e6, .received = 1.9e6}, ms(100), ms(900)), -1);
  EXPECT_FALSE(ladder.look({.estimate = 2.1e6, .received = 2e6}, ms(1000)));
  EXPECT_EQ(changed_at(ladder, {.estimate = 1.5e6, .received = 1.9e6}, ms(1100), ms(2000)), -1);
  EXPECT_EQ(changed_at(ladder, {.estimate = 1.5e6, .received = 1.9e6}, ms(2100), ms(2500)),
            ms(2100));
  EXPECT_EQ(ladder.level(), 1u);
}

TEST(RenditionLadder, AStarvingPathIsLeftSoonAndAsFarAsNeeded) {
  auto ladder = ladder_of_three();
  EXPECT_EQ(changed_at(ladder, {.estimate = 255e3, .received = 300e3}, ms(100), ms(900)), ms(300));
  EXPECT_EQ(ladder.level(), 2u);
}

TEST(RenditionLadder, BelowTheLeastItStaysAtTheLeast) {
  auto ladder = ladder_of_three();
  changed_at(ladder, {.estimate = 50e3, .received = 50e3}, ms(100), ms(900));
  EXPECT_EQ(ladder.level(), 2u);
  EXPECT_EQ(changed_at(ladder, {.estimate = 50e3, .received = 50e3}, ms(1000), ms(9000)), -1);
}

TEST(RenditionLadder, UpOneStepAtATime) {
  auto ladder = ladder_of_three();
  changed_at(ladder, {.estimate = 255e3, .received = 300e3}, ms(100), ms(900));
  const int64_t first = changed_at(ladder, {.estimate = 3e6}, ms(3000), ms(9000));
  EXPECT_EQ(ladder.level(), 1u);
  const int64_t second = changed_at(ladder, {.estimate = 3e6}, first, ms(9000));
  EXPECT_EQ(ladder.level(), 0u);
  EXPECT_GE(second - first, ms(1000));
}

TEST(RenditionLadder, ProbesForTheNextStepAndMoreAndMoreSeldom) {
  auto ladder = ladder_of_three();
  EXPECT_FALSE(ladder.probe({.estimate = 3e6}, ms(50)));
  changed_at(ladder, {.estimate = 255e3, .received = 300e3}, ms(100), ms(900));
  std::vector<int64_t> at;
  for (int64_t now = ms(1000); now < ms(30'000); now += ms(100))
    if (const auto rate = ladder.probe({.estimate = 255e3}, now)) {
      EXPECT_GT(*rate, 700e3);
      EXPECT_LT(*rate, 1e6);
      at.push_back(now);
    }
  ASSERT_GE(at.size(), 6u);
  for (size_t i = 1; i < at.size(); ++i) EXPECT_LE(at[i] - at[i - 1], ms(4000));
  EXPECT_GE(at.back() - at[at.size() - 2], ms(3900));
}

TEST(RenditionLadder, DoesNotProbeIntoAQueue) {
  auto ladder = ladder_of_three();
  changed_at(ladder, {.estimate = 255e3, .received = 300e3}, ms(100), ms(900));
  EXPECT_FALSE(ladder.probe({.estimate = 255e3, .overused_ns = ms(9'500)}, ms(10'000)));
  EXPECT_FALSE(ladder.probe({.estimate = 255e3, .lost_share = 0.3}, ms(10'000)));
  EXPECT_TRUE(ladder.probe({.estimate = 255e3}, ms(10'000)));
}

TEST(RenditionLadder, AStepThatDidNotLastIsTriedLaterAndLater) {
  auto ladder = ladder_of_three();
  const PathState starving = {.estimate = 255e3, .received = 300e3}, wide = {.estimate = 3e6};
  int64_t now = changed_at(ladder, starving, ms(100), ms(900));
  std::vector<int64_t> waits;
  for (int round = 0; round < 4; ++round) {
    const int64_t up = changed_at(ladder, wide, now, now + ms(100'000));
    waits.push_back(up - now);
    now = changed_at(ladder, starving, up, up + ms(5000));
  }
  EXPECT_LE(waits[0], ms(2000));
  for (size_t i = 1; i < waits.size(); ++i) EXPECT_GT(waits[i], waits[i - 1]);
}

TEST(RenditionLadder, CountsTheTimeBelowTheBest) {
  auto ladder = ladder_of_three();
  EXPECT_EQ(ladder.limited_s(ms(100)), 0);
  const int64_t down = changed_at(ladder, {.estimate = 255e3, .received = 300e3}, ms(100), ms(900));
  EXPECT_NEAR(ladder.limited_s(down + ms(1500)), 1.5, 1e-9);
  const int64_t up = changed_at(ladder, {.estimate = 3e6}, down, ms(9000));
  const int64_t best = changed_at(ladder, {.estimate = 3e6}, up, ms(9000));
  EXPECT_EQ(ladder.switches(), 3u) << "two down at once, and up one by one";
  EXPECT_NEAR(ladder.limited_s(ms(60'000)), static_cast<double>(best - down) * 1e-9, 1e-9);
}

// Without RTX nothing can be probed with: the better rendition itself is tried.
TEST(RenditionLadder, FindsItsWayWithoutProbes) {
  SimulatedPath path;
  path.probes = false;
  path.rate = [](double second) { return second < 10 ? 2e6 : second < 20 ? 300e3 : 2e6; };
  SimulatedCall call(path, {1.575e6, 525e3, 157.5e3});
  call.run(45);
  EXPECT_GT(call.reached(2, 10), 0);
  EXPECT_GT(call.reached(0, 20), 0);
  EXPECT_EQ(call.curve.back().level, 0u);
}

}  // namespace
}  // namespace callbot::pipelines
