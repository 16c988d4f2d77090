#include "network/link.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "network/relay.h"
#include "tests/support/udp_end.h"

namespace callbot::network {
namespace {

using test::UdpEnd;

// Two ends and what stands for each at the other.
struct Path {
  explicit Path(Link& link) : relay(link, Log("relay")) {
    to_us = parse(relay.candidate_for_them(us.candidate()));
    to_them = parse(relay.candidate_for_us(them.candidate()));
  }
  static Address parse(const std::optional<std::string>& candidate) {
    const auto words = candidate.value_or("");
    const size_t begin = words.find("127.0.0.1 ");
    return *Address::parse("127.0.0.1", static_cast<uint16_t>(std::stoi(words.substr(begin + 10))));
  }
  UdpEnd us, them;
  Relay relay;
  Address to_us, to_them;
};

Direction lossy(double share) {
  Direction d;
  d.loss = share;
  return d;
}

TEST(LinkTest, IsSharedByAllItsRelays) {
  Network network;
  network.conditions.up.rate = 100e3;  // 100 bytes with their header are 10.24 ms
  network.conditions.up.queue_s = 10;
  Link link(network);
  Path one(link), two(link);
  const std::string packet = test::stun(std::string(98, 'x'));
  for (int i = 0; i < 10; ++i) {
    one.us.send(one.to_them, packet);
    two.us.send(two.to_them, packet);
  }
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(one.them.receive());
    ASSERT_TRUE(two.them.receive());
  }
  const auto stats = link.stats();
  EXPECT_EQ(stats.up.truth.in, 20u);
  EXPECT_EQ(stats.up.truth.bytes_to_bottleneck, 20u * 128);
  EXPECT_GE(stats.up.truth.delay_max_s, 0.1) << "each waited for the other's too";
  EXPECT_EQ(stats.up.passed.packets_of(PacketKind::kStun), 20u);
  EXPECT_EQ(stats.up.passed.bytes_of(PacketKind::kStun), 2000u);
  EXPECT_EQ(stats.up.passed_all, 20u);
  EXPECT_EQ(stats.down.truth.in, 0u);
}

TEST(LinkTest, ChangesAtOnce) {
  Link link;
  Path path(link);
  path.us.send(path.to_them, test::stun("1"));
  ASSERT_TRUE(path.them.receive());
  link.set({.up = lossy(1)});
  EXPECT_DOUBLE_EQ(link.conditions().up.loss, 1);
  for (int i = 0; i < 10; ++i) path.us.send(path.to_them, test::stun("lost"));
  path.them.send(path.to_us, test::stun("down"));
  ASSERT_TRUE(path.us.receive());  // what was sent before it has been through the relay
  EXPECT_EQ(link.stats().up.truth.dropped[static_cast<size_t>(Drop::kLoss)], 10u);
  link.set({});
  path.us.send(path.to_them, test::stun("2"));
  const auto got = path.them.receive();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->bytes, test::stun("2"));
}

TEST(LinkTest, WhatWaitsIsLetOutAtTheNewRate) {
  Network network;
  network.conditions.up.rate = 1000;  // a packet takes ten seconds
  network.conditions.up.queue_s = 60;
  Link link(network);
  Path path(link);
  for (int i = 0; i < 5; ++i)
    path.us.send(path.to_them, test::stun(std::to_string(i) + std::string(1200, 'x')));
  path.them.send(path.to_us, test::stun());
  ASSERT_TRUE(path.us.receive());
  ASSERT_TRUE(path.them.silent());
  EXPECT_EQ(link.stats().up.truth.waiting, 5u);
  link.set({});
  for (int i = 0; i < 5; ++i) {
    const auto got = path.them.receive(std::chrono::seconds(5));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->bytes[2], '0' + i);
  }
}

TEST(LinkTest, FollowsItsSchedule) {
  Network network;
  network.schedule = {
      {0, {.up = lossy(1)}}, {50'000'000, {}}, {3'600'000'000'000, {.up = lossy(1)}}};
  Link link(network);
  Path path(link);
  path.us.send(path.to_them, test::stun("before"));
  ASSERT_TRUE(path.them.receive());
  const int64_t begin = monotonic_ns();
  link.begin_schedule();
  EXPECT_DOUBLE_EQ(link.conditions().up.loss, 1) << "what is due at once is done at once";
  const auto in_time = [&] { return monotonic_ns() - begin < 20'000'000'000; };
  for (uint64_t sent = 2; link.conditions().up.loss > 0 && in_time(); ++sent) {
    path.us.send(path.to_them, test::stun("lost"));
    while (link.stats().up.truth.in < sent && in_time()) std::this_thread::yield();
  }
  EXPECT_GE(monotonic_ns() - begin, 50'000'000);
  path.us.send(path.to_them, test::stun("after"));
  auto got = path.them.receive();
  while (got && got->bytes == test::stun("lost")) got = path.them.receive();  // sent at that moment
  ASSERT_TRUE(got);
  EXPECT_EQ(got->bytes, test::stun("after"));
  link.begin_schedule();  // does not begin again
  EXPECT_EQ(link.conditions(), Conditions{});
}

TEST(LinkTest, WhatIsSetEndsTheSchedule) {
  Network network;
  network.schedule = {{0, {.up = lossy(0.5)}}, {20'000'000, {.up = lossy(1)}}};
  Link link(network);
  link.begin_schedule();
  link.set({});
  Path path(link);
  const int64_t begin = monotonic_ns();
  while (monotonic_ns() - begin < 40'000'000) {
    path.us.send(path.to_them, test::stun());
    ASSERT_TRUE(path.them.receive());
  }
  EXPECT_EQ(link.conditions(), Conditions{});
}

TEST(LinkTest, RemembersItsPhases) {
  Network network;
  network.conditions.up.delay_s = 0.001;
  network.schedule = {{0, {.up = lossy(1)}}};
  Link link(network);
  ASSERT_EQ(link.phases().size(), 1u);
  EXPECT_DOUBLE_EQ(link.phases()[0].conditions.up.delay_s, 0.001);
  Path path(link);
  link.begin_schedule();
  ASSERT_EQ(link.phases().size(), 1u) << "before it nothing came";
  for (int i = 0; i < 10; ++i) path.us.send(path.to_them, test::stun("lost"));
  path.them.send(path.to_us, test::stun("down"));
  ASSERT_TRUE(path.us.receive());
  link.set({});
  path.us.send(path.to_them, test::stun());
  ASSERT_TRUE(path.them.receive());
  const auto phases = link.phases();
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_DOUBLE_EQ(phases[0].conditions.up.loss, 1);
  EXPECT_EQ(phases[0].before.up.truth.in, 0u);
  EXPECT_EQ(phases[0].after.up.truth.in, 10u);
  EXPECT_EQ(phases[0].after.up.arrived.packets_of(PacketKind::kStun), 10u);
  EXPECT_EQ(phases[0].after.up.passed_all, 0u);
  EXPECT_EQ(phases[0].end_ns, phases[1].begin_ns);
  EXPECT_EQ(phases[1].conditions, Conditions{});
  EXPECT_EQ(phases[1].before.up.truth.in, 10u);
  EXPECT_EQ(phases[1].after.up.truth.in, 11u);
  EXPECT_GE(phases[1].end_ns, phases[1].begin_ns);
  EXPECT_LE(phases[1].end_ns, monotonic_ns());
}

TEST(LinkTest, WhatCameBeforeTheScheduleIsAPhaseOfItsOwn) {
  Link link({.schedule = {{0, {.up = lossy(1)}}}});
  Path path(link);
  path.us.send(path.to_them, test::stun());
  ASSERT_TRUE(path.them.receive());
  link.begin_schedule();
  const auto phases = link.phases();
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_EQ(phases[0].conditions, Conditions{});
  EXPECT_EQ(phases[0].after.up.truth.in, 1u);
}

TEST(LinkTest, DirectionsLoseDifferentPackets) {
  Link link({.conditions = {.up = lossy(0.5), .down = lossy(0.5)}, .seed = 9});
  Path path(link);
  for (int i = 0; i < 200; ++i) {
    path.us.send(path.to_them, test::stun(std::to_string(i)));
    path.them.send(path.to_us, test::stun(std::to_string(i)));
  }
  while (link.stats().up.truth.in + link.stats().down.truth.in < 400) std::this_thread::yield();
  link.set({});
  path.us.send(path.to_them, test::stun("end"));
  path.them.send(path.to_us, test::stun("end"));
  const auto all = [](const UdpEnd& end) {
    std::vector<std::string> texts;
    for (auto got = end.receive(); got && got->bytes != test::stun("end"); got = end.receive())
      texts.push_back(got->bytes);
    return texts;
  };
  const auto up = all(path.them), down = all(path.us);
  EXPECT_GT(up.size(), 60u);
  EXPECT_GT(down.size(), 60u);
  EXPECT_NE(up, down);
}

TEST(LinkTest, MayGoBeforeItsRelays) {
  auto link = std::make_unique<Link>();
  Path path(*link);
  link.reset();
  path.us.send(path.to_them, test::stun());
  EXPECT_TRUE(path.them.receive());
}

}  // namespace
}  // namespace callbot::network
