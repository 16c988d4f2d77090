#include "base/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/alive.h"

namespace callbot {
namespace {

using namespace std::chrono_literals;

TEST(Loop, RunsWhatOtherThreadsPostInOrderOnItsOwnThread) {
  Loop loop;
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i)
      loop.post([&, i] {
        EXPECT_TRUE(loop.on_loop());
        seen.push_back(i);
      });
  });
  EXPECT_TRUE(loop.run_until([&] { return seen.size() == 100; }, 5s));
  other.join();
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Loop, GivesUpAtTheDeadline) {
  Loop loop;
  EXPECT_FALSE(loop.run_until([] { return false; }, 20ms));
}

TEST(Timer, MayBeDestroyedByItsOwnTask) {
  Loop loop;
  auto timer = std::make_unique<Timer>();
  bool ran = false;
  timer->once(1ms, [&] {
    timer.reset();
    ran = true;
  });
  EXPECT_TRUE(loop.run_until([&] { return ran; }, 5s));
}

TEST(Timer, RepeatsUntilStopped) {
  Loop loop;
  int count = 0;
  Timer timer;
  timer.every(1ms, [&] {
    if (++count == 3) timer.stop();
  });
  EXPECT_TRUE(loop.run_until([&] { return count == 3; }, 5s));
  EXPECT_FALSE(loop.run_until([&] { return count > 3; }, 30ms));
}

TEST(Alive, SilencesTasksOfADeadOwner) {
  Loop loop;
  struct Owner {
    int* hits;
    Alive alive;
  };
  int hits = 0;
  auto owner = std::make_unique<Owner>();
  owner->hits = &hits;
  loop.post(owner->alive.guard([&] { ++hits; }));
  owner.reset();
  bool done = false;
  loop.post([&] { done = true; });
  EXPECT_TRUE(loop.run_until([&] { return done; }, 5s));
  EXPECT_EQ(hits, 0);
}

}  // namespace
}  // namespace callbot
