// tests/support/measured_check.h: that a check call over a good line measured all that it is to
// measure, both ways.
//
// Thread:  the test's.
// Owner:   plain functions.
// Fails:   the test.
#pragma once

#include <gmock/gmock.h>

#include "bot/check_call.h"

namespace callbot::test {

inline void expect_measured(const bot::EchoResult& echo) {
  for (int i = 0; i < 2; ++i) {
    const bot::EchoWay& way = echo.way[i];
    EXPECT_GT(way.packets, 50U);
    EXPECT_EQ(way.lost, 0);
    EXPECT_GT(way.marked, 20U);
    EXPECT_EQ(way.unread, 0U);
    ASSERT_TRUE(way.way && way.delay && way.jitter);
    EXPECT_GE(*way.way, 0);
    EXPECT_GT(*way.delay, *way.way) << "encoding takes time";
    EXPECT_THAT(echo.pair[i], testing::HasSubstr(" -> "));
  }
  EXPECT_TRUE(echo.rtt());
}

inline void expect_measured(const bot::CheckReport& report) {
  expect_measured(report.echo);
  ASSERT_TRUE(report.rate && *report.rate);
  for (const bot::RateWay& way : (*report.rate)->way) {
    ASSERT_FALSE(way.steps.empty());
    EXPECT_GT(way.steps.front().received, 200'000);
    EXPECT_GE(way.achieved, way.steps.front().received);
  }
  EXPECT_THAT((*report.rate)->pair[0], testing::HasSubstr(" -> "));
}

}  // namespace callbot::test
