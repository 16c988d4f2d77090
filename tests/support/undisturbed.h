// tests/support/undisturbed.h: for what is true only while the machine gives the test its time:
// what fails while the machine stood still is tried again, twice, and what fails otherwise fails.
//
// Two ends in one process see a stop of the process as packets that arrive late, all at once: to
// whoever estimates a path that is a queue.
//
// Thread:  the test's; the body's failures are noted from all threads.
// Owner:   the test.
// Fails:   by the failures of the last attempt.
#pragma once

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <functional>

#include "base/clock.h"
#include "tests/support/stood_still.h"

namespace callbot {

// `body`: with EXPECT and ASSERT (not GTEST_SKIP), from the beginning each time.
inline void undisturbed(const std::function<void()>& body) {
  constexpr int kAttempts = 3;
  constexpr int64_t kStill_ns = 30'000'000;
  constexpr double kStolenSeconds = 0.05;
  constexpr int64_t kBegins_ns = 90'000'000'000;  // the last attempt, within a test's time limit
  const int64_t from_ns = monotonic_ns();
  for (int attempt = 1;; ++attempt) {
    testing::TestPartResultArray results;
    int64_t still_ns = 0;
    double stolen_s = 0;
    {
      const StoodStill still;
      testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
      body();
      still_ns = still.longest_ns();
      stolen_s = still.stolen_s();
    }
    bool failed = false;
    for (int i = 0; i < results.size(); ++i) failed |= results.GetTestPartResult(i).failed();
    printf("the machine stood still for %.0f ms at most, %.0f ms were taken from it\n",
           static_cast<double>(still_ns) * 1e-6, stolen_s * 1e3);
    const bool disturbed = still_ns > kStill_ns || stolen_s > kStolenSeconds;
    const bool again =
        failed && disturbed && attempt < kAttempts && monotonic_ns() - from_ns < kBegins_ns;
    for (int i = 0; i < results.size(); ++i) {
      const auto& one = results.GetTestPartResult(i);
      if (again)
        printf("attempt %d: %s:%d: %s\n", attempt, one.file_name(), one.line_number(),
               one.message());
      else if (one.failed())
        ADD_FAILURE_AT(one.file_name(), one.line_number()) << one.message();
    }
    if (!again) return;
  }
}

}  // namespace callbot
