// tests/support/cpu_time.h: what something cost, however busy the machine is.
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   never.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>

namespace callbot::test {

// CPU time of the calling thread.
inline std::chrono::nanoseconds thread_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// The cheapest of five runs.
template <class F>
std::chrono::nanoseconds cpu_cost(F work) {
  auto best = std::chrono::nanoseconds::max();
  for (int run = 0; run < 5; ++run) {
    const auto before = thread_cpu_time();
    work();
    best = std::min(best, thread_cpu_time() - before);
  }
  return best;
}

}  // namespace callbot::test
