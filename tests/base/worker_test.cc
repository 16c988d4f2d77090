#include "base/worker.h"

#include <gtest/gtest.h>

#include <atomic>

namespace callbot {
namespace {

using namespace std::chrono_literals;

TEST(Worker, RunsJobsOffTheLoopAndReportsOnIt) {
  Loop loop;
  Worker worker(loop, 2);
  int sum = 0;
  int reports = 0;
  for (int i = 1; i <= 10; ++i)
    worker.run<int>(
        [&loop, i]() -> Result<int> {
          EXPECT_FALSE(loop.on_loop());
          if (i == 10) return fail(Code::kStorage, "no");
          return i;
        },
        [&](Result<int> r) {
          EXPECT_TRUE(loop.on_loop());
          ++reports;
          if (r) sum += *r;
        });
  EXPECT_TRUE(loop.run_until([&] { return reports == 10; }, 5s));
  EXPECT_EQ(sum, 45);
}

TEST(Worker, WaitsForRunningJobsWhenDestroyedAndReportsNoMore) {
  Loop loop;
  std::atomic<bool> started{false};
  std::atomic<bool> ended{false};
  bool reported = false;
  {
    Worker worker(loop, 1);
    worker.run<int>(
        [&]() -> Result<int> {
          started = true;
          for (int i = 0; i < 1000; ++i) std::this_thread::yield();
          ended = true;
          return 0;
        },
        [&](Result<int>) { reported = true; });
    while (!started) std::this_thread::yield();  // not the loop, which would report
  }
  EXPECT_TRUE(ended);
  bool done = false;
  loop.post([&] { done = true; });
  EXPECT_TRUE(loop.run_until([&] { return done; }, 5s));
  EXPECT_FALSE(reported);
}

}  // namespace
}  // namespace callbot
