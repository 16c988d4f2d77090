// A Peer may end at any moment, and takes everything with it.
#include <gmock/gmock.h>

#include <filesystem>

#include "base/clock.h"
#include "pipelines/rtc_bin.h"
#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

constexpr auto kVideo = MediaKind::kVideo;

size_t entries(const char* folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

class EndTest : public testing::Test {
 protected:
  Loop loop;
  std::unique_ptr<TestPattern> pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};

  struct Held {
    size_t threads, descriptors;
  };
  static Held held() {
    g_thread_pool_stop_unused_threads();
    return {entries("/proc/self/task"), entries("/proc/self/fd")};
  }
  // Threads and descriptors are what they were, as soon as everything has ended.
  bool back_to(const Held& before) {
    return loop.run_until(
        [&] {
          const Held now = held();
          return RtcBin::ending() == 0 && now.threads <= before.threads &&
                 now.descriptors <= before.descriptors;
        },
        20s);
  }
  void call(bool channel) {
    Loopback link(loop, config);
    EXPECT_TRUE(!channel || link.a.peer->open_channel("chat"));
    EXPECT_TRUE(link.connect()) << link.log();
    EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  }
  // After a first call, since some things are made once and kept: usrsctp's threads, the pools.
  Held baseline() {
    call(true);
    EXPECT_TRUE(loop.run_until([] { return RtcBin::ending() == 0; }, 10s));
    Held last = held();
    loop.run_until(  // until nothing ends any more
        [&, quiet = 0]() mutable {
          const Held now = held();
          quiet =
              now.threads == last.threads && now.descriptors == last.descriptors ? quiet + 1 : 0;
          last = now;
          return quiet > 40;
        },
        10s);
    return last;
  }
};

TEST_F(EndTest, AtAnyMomentOfItsLife) {
  for (const auto life : {0ms, 5ms, 20ms, 40ms, 60ms, 80ms, 100ms, 150ms, 300ms, 600ms}) {
    Loopback link(loop, config);
    ASSERT_TRUE(link.a.peer->open_channel("chat"));
    link.a.peer->negotiate();
    link.run_for(life);
    const int64_t begin = monotonic_ns();
    link.a.peer.reset();
    link.b.peer.reset();
    EXPECT_LT(monotonic_ns() - begin, 50'000'000) << "the loop was held up";
    EXPECT_TRUE(loop.run_until([] { return RtcBin::ending() == 0; }, 10s)) << life.count();
  }
}

TEST_F(EndTest, FromInsideItsOwnEvents) {
  {
    Loopback link(loop, config);
    link.b.on_connected = [&] { link.b.peer.reset(); };
    link.a.peer->negotiate();
    EXPECT_TRUE(link.run_until([&] { return !link.b.peer; })) << link.log();
  }
  {
    Loopback link(loop, config);
    link.b.on_track = [&] { link.b.peer.reset(); };
    link.a.peer->negotiate();
    EXPECT_TRUE(link.run_until([&] { return !link.b.peer; })) << link.log();
    link.run_for(200ms);
  }
  EXPECT_TRUE(loop.run_until([] { return RtcBin::ending() == 0; }, 10s));
}

TEST_F(EndTest, NoEventComesAfterIt) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  link.b.peer.reset();
  const size_t said = link.b.log.size();
  link.run_for(500ms);
  EXPECT_EQ(link.b.log.size(), said) << link.log();
}

TEST_F(EndTest, SinksHearThatTheirTracksEnd) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  link.b.peer.reset();
  for (const auto& [id, seen] : link.b.sink.seen()) EXPECT_TRUE(seen.removed) << id;
}

TEST_F(EndTest, ThreadsAndDescriptorsComeBack) {
  const Held before = baseline();
  for (int i = 0; i < 6; ++i) call(i % 2 == 0);
  EXPECT_TRUE(back_to(before)) << before.threads << " threads, " << before.descriptors
                               << " descriptors before; " << held().threads << ", "
                               << held().descriptors << " now";
}

TEST_F(EndTest, ManyAtOnceToo) {
  const Held before = baseline();
  {
    std::vector<std::unique_ptr<Loopback>> links;
    for (int i = 0; i < 10; ++i) {
      links.push_back(std::make_unique<Loopback>(loop, config));
      ASSERT_TRUE(links.back()->a.peer->open_channel("chat"));
      links.back()->a.peer->negotiate();
    }
    for (auto& link : links) EXPECT_TRUE(link->flows(link->b, kVideo, 5)) << link->log();
  }
  EXPECT_TRUE(back_to(before)) << before.threads << " threads, " << before.descriptors
                               << " descriptors before; " << held().threads << ", "
                               << held().descriptors << " now";
}

}  // namespace
}  // namespace callbot::pipelines
