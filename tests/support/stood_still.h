// tests/support/stood_still.h: how long did the machine stand still, that a test shall not be
// blamed for it?
//
// Measured by a thread that wants to wake every 5 ms; and a virtual machine knows what its host
// took away (steal).
//
// Thread:  any; has its own.
// Owner:   the test.
// Fails:   never; where proc(5) cannot be read nothing was taken away.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include "base/clock.h"

namespace callbot {

// Since it was made: the longest time by which a sleeping thread was woken too late, and the time
// of all processors that went to other machines of the host.
class StoodStill {
 public:
  StoodStill() : thread_([this](const std::stop_token& stop) { watch(stop); }) {}
  int64_t longest_ns() const {
    return std::max<int64_t>(longest_ns_, monotonic_ns() - woke_ns_ - kEvery_ns);
  }
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
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(kEvery_ns));
      longest_ns_ = longest_ns();
      woke_ns_ = monotonic_ns();
    }
  }
  const double stolen_before_s_ = stolen_by_now_s();
  std::atomic<int64_t> woke_ns_ = monotonic_ns();
  std::atomic<int64_t> longest_ns_ = 0;
  std::jthread thread_;
};

}  // namespace callbot
