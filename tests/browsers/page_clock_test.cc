#include "browsers/page_clock.h"

#include <gtest/gtest.h>

namespace callbot::browsers {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(PageClock, KnowsNoTimeWithoutAProbe) {
  const PageClock clock;
  EXPECT_FALSE(clock.monotonic_ns_of(1));
  EXPECT_EQ(clock.probes(), 0);
}

TEST(PageClock, OneProbeGivesItsMiddleAndHalfItsRoundTrip) {
  PageClock clock(0);
  clock.probe(100 * kMs, 50, 104 * kMs);
  EXPECT_EQ(clock.monotonic_ns_of(50), 102 * kMs);
  EXPECT_EQ(clock.monotonic_ns_of(60.5), 112 * kMs + kMs / 2);
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.002);
}

// The page is 60 ms behind us; two slow round trips, one slow on the way there, one on the way
// back.
TEST(PageClock, ProbesTogetherAreTighterThanEachOfThem) {
  PageClock clock(0);
  clock.probe(100 * kMs, 49, 110 * kMs);               // 51 to 61 ms ahead
  clock.probe(200 * kMs, 140.5, 201 * kMs + kMs / 2);  // 59.5 to 61
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.00075);
  EXPECT_EQ(clock.monotonic_ns_of(0), 60 * kMs + kMs / 4);
  const double before = clock.uncertainty_s();
  clock.probe(300 * kMs, 241, 900 * kMs);  // says nothing new
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), before);
  EXPECT_EQ(clock.probes(), 3);
}

TEST(PageClock, CoarseReadingWidensTheBounds) {
  PageClock clock(1);
  clock.probe(100 * kMs, 50, 100 * kMs);
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.001);
}

TEST(PageClock, AProbeThatContradictsCountsAlone) {
  PageClock clock(0);
  clock.probe(100 * kMs, 50, 102 * kMs);
  clock.probe(200 * kMs, 10, 204 * kMs);
  EXPECT_EQ(clock.monotonic_ns_of(10), 202 * kMs);
  EXPECT_DOUBLE_EQ(clock.uncertainty_s(), 0.002);
}

}  // namespace
}  // namespace callbot::browsers
