#include "base/clock.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

using namespace std::chrono_literals;

TEST(Clock, WritesAndReadsRfc3339) {
  const int64_t t = 1795234842'000000001;
  EXPECT_EQ(rfc3339(t), "2026-11-21T04:20:42.000000001Z");
  EXPECT_EQ(*parse_rfc3339(rfc3339(t)), t);
  EXPECT_EQ(*parse_rfc3339("2026-11-21T06:20:42.5+02:00"), 1795234842'500000000);
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
  for (const char* bad :
       {"", "yesterday", "2026-11-21", "2026-11-21T04:20:42", "2026-11-21T04:20:42Zx",
        "2026-11-21T04:20:42.Z", "2026-11-21T04:20:42+2:00", "0001-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(Clock, ReadsDurations) {
  EXPECT_EQ(*parse_duration("10s"), 10s);
  EXPECT_EQ(*parse_duration("1.5m"), 90s);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("7"), 7s);
  for (const char* bad : {"", "-1s", "s", "1x", "1s2", "inf", "nan", "1e300h"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Clock, WritesClockTimes) {
  EXPECT_EQ(clock_text(3'723'400'000'000), "1:02:03.4");
  EXPECT_EQ(clock_text(59'960'000'000), "1:00.0");
}

TEST(Clock, CanBeReplaced) {
  FakeClock clock(5, 1000);
  clock.advance(10ns);
  EXPECT_EQ(monotonic_ns(), 15);
  EXPECT_EQ(wall_ns(), 1010);
}

}  // namespace
}  // namespace callbot
