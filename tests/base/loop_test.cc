#include "base/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/alive.h"
#include "base/files.h"

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

TEST(Readable, RunsItsTaskAsLongAsThereIsSomethingToReadAndAtTheEnd) {
  Loop loop;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Descriptor reader(ends[0]);
  Descriptor writer(ends[1]);
  std::string got;
  bool ended = false;
  Readable readable;
  readable.watch(reader.get(), [&] {
    char c = 0;
    const ssize_t n = read(reader.get(), &c, 1);
    if (n == 1) got += c;
    ended = n == 0;
    if (ended) readable.stop();
  });
  ASSERT_TRUE(write_all(writer.get(), "two"));
  EXPECT_TRUE(loop.run_until([&] { return got == "two"; }, 5s));
  writer = Descriptor();
  EXPECT_TRUE(loop.run_until([&] { return ended; }, 5s));
}

}  // namespace
}  // namespace callbot
