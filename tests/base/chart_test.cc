#include "base/chart.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

TEST(Chart, TicksStandAtRoundTimes) {
  const auto ticks = ticks_of(20);
  ASSERT_EQ(ticks.size(), 4u);
  EXPECT_EQ(ticks[1].text, "0:05");
  EXPECT_DOUBLE_EQ(ticks[1].share, 0.25);
  EXPECT_TRUE(ticks_of(0).empty());
  EXPECT_LE(ticks_of(1e7).size(), 8u);
}

TEST(Chart, WhatIsShortCanStillBeSeen) {
  const TimeScale scale(100);
  EXPECT_EQ(scale.x(-5), 0);
  EXPECT_EQ(scale.x(500), kChartWidth);
  EXPECT_EQ(
      chart_rect("a", scale.x(100), scale.x(100), {0, 4}, "t"),
      "<rect class=\"a\" x=\"998.4\" y=\"0\" width=\"1.6\" height=\"4\"><title>t</title></rect>");
}

}  // namespace
}  // namespace callbot
