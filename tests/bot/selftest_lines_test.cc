#include "bot/selftest_lines.h"

#include <gmock/gmock.h>

namespace callbot::bot {
namespace {

TEST(SelftestLines, WhatIsReportedIsWhatTheLinesDid) {
  double share = 0;
  const auto rows = selftest_lines([&](double done) {
    share = std::max(share, done);
    return true;
  });
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 4U);
  for (const auto& row : *rows) {
    EXPECT_TRUE(row.holds()) << row.fault << ": " << row.metric << " is " << row.truth << ", not "
                             << row.reported << " (" << name_of(row.state) << ")";
    EXPECT_GT(row.samples, 0U) << row.metric;
  }
  EXPECT_EQ(rows->front().metric, "rtp.lost");
  EXPECT_GT(rows->front().truth, 5);
  EXPECT_GT(share, 0.5);
  EXPECT_LE(share, 1);
}

TEST(SelftestLines, CanBeStopped) {
  const auto rows = selftest_lines([](double) { return false; });
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Code::kInterrupted);
}

}  // namespace
}  // namespace callbot::bot
