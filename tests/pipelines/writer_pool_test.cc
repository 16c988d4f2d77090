#include "pipelines/writer_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/loop.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

constexpr WriterPool::Config kFast{.beat = 5ms, .patience = 5ms, .most_threads = 16, .idle = 50ms};

// Turns wait here until they are let through.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int waiting() {
    std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

TEST(WriterPool, GivesEveryMemberATurnOnTheBeatUntilItLeaves) {
  Loop loop;
  WriterPool pool(kFast);
  std::atomic<int> stays{0}, leaves{0};
  pool.join([&] {
    ++stays;
    return true;
  });
  pool.join([&] { return ++leaves < 3; });
  EXPECT_TRUE(loop.run_until([&] { return stays >= 20; }, 5s));
  EXPECT_EQ(leaves, 3);
  EXPECT_TRUE(loop.run_until([&] { return pool.threads() == 2; }, 5s))
      << "one that works, one that watches";
}

TEST(WriterPool, KeepsTheBeat) {
  Loop loop;
  WriterPool pool({.beat = 20ms});
  std::atomic<int> turns{0};
  for (int i = 0; i < 10; ++i)
    pool.join([&] {
      ++turns;
      return true;
    });
  EXPECT_TRUE(loop.run_until([&] { return turns >= 10; }, 5s));
  const auto start = std::chrono::steady_clock::now();
  const int before = turns;
  EXPECT_TRUE(loop.run_until([&] { return turns >= before + 100; }, 5s));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GT(took, 150ms) << "ten turns of each in ten beats, not at once";
}

TEST(WriterPool, NeverGivesAMemberTwoTurnsAtOnce) {
  Loop loop;
  WriterPool pool(kFast);
  std::atomic<int> inside{0}, most{0}, turns{0};
  pool.join([&] {
    most = std::max(most.load(), ++inside);
    std::this_thread::sleep_for(7ms);  // longer than a beat: it is the member that is slow here
    --inside;
    ++turns;
    return true;
  });
  EXPECT_TRUE(loop.run_until([&] { return turns >= 10; }, 5s));
  EXPECT_EQ(most, 1);
}

TEST(WriterPool, GoesOnWithTheOthersWhileMembersAreStuck) {
  Loop loop;
  Gate gate;
  std::atomic<int> turns{0};
  WriterPool pool(kFast);
  constexpr int kStuck = 8;
  for (int i = 0; i < kStuck; ++i)
    pool.join([&] {
      gate.wait();
      return true;
    });
  for (int i = 0; i < 5; ++i)
    pool.join([&] {
      ++turns;
      return true;
    });
  EXPECT_TRUE(loop.run_until([&] { return gate.waiting() == kStuck; }, 5s));
  const int before = turns;
  EXPECT_TRUE(loop.run_until([&] { return turns >= before + 100; }, 5s));
  EXPECT_EQ(gate.waiting(), kStuck);
  EXPECT_LE(pool.threads(), kFast.most_threads);
  gate.open();
  EXPECT_TRUE(loop.run_until([&] { return pool.threads() == 2; }, 5s))
      << "threads that are not needed end";
  const int later = turns;
  EXPECT_TRUE(loop.run_until([&] { return turns >= later + 100; }, 5s));
}

TEST(WriterPool, WatchesOverAMemberThatComesBackFromBeingStuck) {
  Loop loop;
  WriterPool pool(kFast);
  // One alone is stuck, the other is alone in the queue meanwhile; then they change places.
  Gate first, second;
  std::atomic<int> turns_of_first{0}, turns_of_second{0};
  std::atomic<bool> second_sticks{false};
  pool.join([&] {
    first.wait();
    ++turns_of_first;
    return true;
  });
  pool.join([&] {
    ++turns_of_second;
    if (second_sticks) second.wait();
    return true;
  });
  EXPECT_TRUE(loop.run_until([&] { return first.waiting() == 1 && turns_of_second > 10; }, 5s));
  first.open();
  EXPECT_TRUE(loop.run_until([&] { return turns_of_first > 0; }, 5s));
  second_sticks = true;
  EXPECT_TRUE(loop.run_until([&] { return second.waiting() == 1; }, 5s));
  const int before = turns_of_first;
  EXPECT_TRUE(loop.run_until([&] { return turns_of_first > before + 10; }, 5s));
  second.open();
}

TEST(WriterPool, StartsNoMoreThreadsThanItMayAndRecovers) {
  Loop loop;
  Gate gate;
  std::atomic<int> turns{0};
  WriterPool pool({.beat = 5ms, .patience = 5ms, .most_threads = 3, .idle = 50ms});
  for (int i = 0; i < 6; ++i)
    pool.join([&] {
      gate.wait();
      return true;
    });
  pool.join([&] {
    ++turns;
    return true;
  });
  EXPECT_TRUE(loop.run_until([&] { return gate.waiting() == 3; }, 5s));
  EXPECT_EQ(pool.threads(), 3);
  gate.open();
  EXPECT_TRUE(loop.run_until([&] { return turns >= 10; }, 5s));
}

TEST(WriterPool, WaitsForRunningTurnsWhenItIsDestroyedAndGivesALastOne) {
  Loop loop;
  auto pool = std::make_unique<WriterPool>(kFast);
  std::atomic<int> turns{0};
  std::atomic<bool> inside{false};
  pool->join([&] {
    inside = true;
    std::this_thread::sleep_for(2ms);
    ++turns;
    inside = false;
    return true;
  });
  EXPECT_TRUE(loop.run_until([&] { return turns >= 2; }, 5s));
  pool.reset();
  EXPECT_FALSE(inside);
  const int at_end = turns;
  EXPECT_GE(at_end, 3);
  EXPECT_FALSE(loop.run_until([&] { return turns != at_end; }, 30ms));
}

}  // namespace
}  // namespace callbot::pipelines
