#include "recordings/delay_floor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace callbot::recordings {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kSenders = 77'000 * kSecond;
constexpr int64_t kOurs = 5 * kSecond;

// A sender whose clock is so much too fast sends each 20 ms; how far the floor is off at the end
// of each second.
class Floor : public ::testing::Test {
 protected:
  using Delay = std::function<double(double second)>;
  double run(double from, double to, double ppm, const Delay& delay_ms) {
    double worst = 0;
    for (double second = from; second < to; second += 0.02) {
      const int64_t sent = kSenders + std::llround(second * (1 + ppm * 1e-6) * 1e9);
      const int64_t now = kOurs + std::llround(second * 1e9);
      floor_.add(sent, now + std::llround(delay_ms(second) * 1e6));
      worst = std::max(worst, std::abs(static_cast<double>(floor_.arrival_of(sent) - now) / 1e6));
    }
    return worst;
  }
  std::mt19937 random_{3};
  DelayFloor floor_;
};

TEST_F(Floor, IsTheFirstArrivalUntilSomethingComesEarlier) {
  EXPECT_FALSE(floor_.known());
  floor_.add(kSenders, kOurs + 80 * kMs);
  EXPECT_EQ(floor_.arrival_of(kSenders + kSecond), kOurs + kSecond + 80 * kMs);
  floor_.add(kSenders + 20 * kMs, kOurs + 120 * kMs);
  EXPECT_EQ(floor_.arrival_of(kSenders + kSecond), kOurs + kSecond + 80 * kMs);
  floor_.add(kSenders + 40 * kMs, kOurs + 45 * kMs);
  EXPECT_EQ(floor_.arrival_of(kSenders + kSecond), kOurs + kSecond + 5 * kMs);
  floor_.forget();
  EXPECT_FALSE(floor_.known());
}

TEST_F(Floor, FollowsClocksThatDrift) {
  std::uniform_real_distribution<double> jitter(0, 50);
  for (const double ppm : {200.0, -200.0, 400.0, 0.0}) {
    floor_ = DelayFloor();
    run(0, 5, ppm, [&](double) { return jitter(random_); });
    const double worst = run(5, 900, ppm, [&](double) { return jitter(random_); });
    EXPECT_LT(worst, std::abs(ppm) > 200 ? 12 : 8) << ppm;
    EXPECT_NEAR(floor_.rate() * 1e6, -ppm, 10);
  }
}

TEST_F(Floor, DoesNotTakeACrowdedNetworkForADrift) {
  const auto crowded = [](double second) {
    return second < 120 ? 0.0 : std::min((second - 120) * 10, 300.0);  // for half a minute
  };
  EXPECT_LT(run(0, 150, 0, crowded), 8);
  EXPECT_LT(run(150, 200, 0, [](double) { return 0.0; }), 8);
}

TEST_F(Floor, GoesOnOverAMute) {
  run(0, 60, 100, [](double) { return 0.0; });
  EXPECT_LT(run(90, 120, 100, [](double) { return 0.0; }), 5);
}

TEST_F(Floor, TellsTheLatestDelays) {
  run(0, 20, 0, [](double) { return 0.0; });
  run(20, 26, 0, [](double second) { return 300 + std::fmod(second, 1.0); });
  EXPECT_NEAR(static_cast<double>(floor_.latest_ns()) / 1e6,
              static_cast<double>(kOurs - kSenders) / 1e6 + 300, 1);
}

}  // namespace
}  // namespace callbot::recordings
