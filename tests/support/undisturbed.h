// tests/support/undisturbed.h: for what is true only while the machine gives the test its time:
// what fails while the machine stood still is tried again, twice, and what fails otherwise fails.
//
// Two ends in one process see a stop of the process as packets that arrive late, all at once: to
// whoever estimates a path that is a queue. How long it stood still is measured by a thread that
// wants to wake every 5 ms; and a virtual machine knows what its host took away (steal).
//
// Thread:  the test's; the body's failures are noted from all threads.
// Owner:   the test.
// Fails:   by the failures of the last attempt.
#pragma once

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "base/clock.h"

namespace callbot {

// Since it was made: the longest time by which a sleeping thread was woken too late, and the time
// of all processors that went to other machines of the host.
class StoodStill {
 public:
  StoodStill() : thread_([this](const std::stop_token& stop) { watch(stop); }) {}
  int64_t longest_ns() const { return longest_ns_; }
  double stolen_s() const { return stolen_by_now_s() - stolen_before_s_; }

 private:
  // proc(5): "cpu", then user, nice, system, idle, iowait, irq, softirq, steal.
  static double stolen_by_now_s() {
    std::ifstream stat("/proc/stat");
    std::string cpu;
    double ticks = 0;
    stat >> cpu;
    for (int i = 0; i < 8; ++i) stat >> ticks;
    return stat ? ticks / static_cast<double>(sysconf(_SC_CLK_TCK)) : 0;
  }

  static constexpr int64_t kEvery_ns = 5'000'000;
  void watch(const std::stop_token& stop) {
    int64_t before = monotonic_ns();
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(kEvery_ns));
      const int64_t now = monotonic_ns();
      longest_ns_ = std::max<int64_t>(longest_ns_, now - before - kEvery_ns);
      before = now;
    }
  }
  const double stolen_before_s_ = stolen_by_now_s();
  std::atomic<int64_t> longest_ns_ = 0;
  std::jthread thread_;
};

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
