// base/clock.h: wall and monotonic time, in nanoseconds, replaceable in tests.
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   never; parse_duration and parse_time return their own errors.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

namespace callbot {

// Nanoseconds of CLOCK_MONOTONIC: for intervals.
int64_t monotonic_ns();
// Nanoseconds since the Unix epoch (CLOCK_REALTIME): for "when".
int64_t wall_ns();

// 1960 and 2200, the times that are read: differences of two of them fit into nanoseconds.
constexpr int64_t kEarliestWallNs = -315'619'200'000'000'000;
constexpr int64_t kLatestWallNs = 7'258'118'400'000'000'000;

// RFC 3339 in UTC with nine decimals: "2026-11-21T04:20:42.000000001Z".
std::string rfc3339(int64_t wall_ns);
Result<int64_t> parse_rfc3339(const std::string& text);

// "10s", "1.5m", "2h", "250ms", "1h30m"; a bare number is seconds. Kind of error: kUsage.
Result<std::chrono::milliseconds> parse_duration(const std::string& text);
// "1:02:03.4" for people.
std::string clock_text(int64_t duration_ns);

// Tests: while one of these lives, the functions above answer what it says.
class FakeClock {
 public:
  FakeClock(int64_t monotonic_ns, int64_t wall_ns);
  ~FakeClock();
  void advance(std::chrono::nanoseconds by);
};

}  // namespace callbot
