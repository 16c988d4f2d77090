#include "network/relay_socket.h"

#include <gmock/gmock.h>
#include <poll.h>

#include "base/clock.h"
#include "tests/support/udp_end.h"

namespace callbot::network {
namespace {

using test::UdpEnd;

bool readable(const RelaySocket& socket) {
  pollfd waiting{socket.fd(), POLLIN, 0};
  return poll(&waiting, 1, 20'000) == 1;
}

TEST(RelaySocketTest, ReceivesWithSenderAndTimeAndSends) {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    auto socket = RelaySocket::open(*Address::parse(ip, 4711));
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_EQ(socket->own().ip(), ip);
    EXPECT_NE(socket->own().port(), 0);
    const UdpEnd end(ip);
    EXPECT_FALSE(socket->receive());
    const int64_t before = monotonic_ns();
    end.send(socket->own(), "hello");
    ASSERT_TRUE(readable(*socket));
    const auto arrival = socket->receive();
    ASSERT_TRUE(arrival);
    EXPECT_EQ(std::string(arrival->bytes.begin(), arrival->bytes.end()), "hello");
    EXPECT_EQ(arrival->from, end.own());
    // The kernel's time is of another clock; NTP may slew one against the other.
    EXPECT_GE(arrival->at_ns, before - 1'000'000);
    EXPECT_LE(arrival->at_ns, monotonic_ns());
    EXPECT_EQ(arrival->overrun, 0u);
    ASSERT_TRUE(RelaySocket::send(socket->fd(), end.own(), arrival->bytes));
    const auto got = end.receive();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->bytes, "hello");
    EXPECT_EQ(got->from, socket->own());
  }
}

TEST(RelaySocketTest, CountsWhatTheKernelHadToDrop) {
  auto socket = RelaySocket::open(Address::loopback(AF_INET));
  ASSERT_TRUE(socket);
  const UdpEnd end;
  const std::string big(60'000, 'x');
  constexpr uint64_t kSent = 1000;
  for (uint64_t i = 0; i < kSent; ++i) end.send(socket->own(), big);
  uint64_t received = 0, overrun = 0;
  while (const auto arrival = socket->receive()) {
    ++received;
    overrun += arrival->overrun;
  }
  ASSERT_LT(received, kSent) << "the buffer took it all";
  // The count comes with the next packet that finds room.
  end.send(socket->own(), "last");
  ASSERT_TRUE(readable(*socket));
  overrun += socket->receive()->overrun;
  EXPECT_EQ(received + overrun, kSent);
}

TEST(RelaySocketTest, SaysWhyItCannotBeOpened) {
  const auto socket = RelaySocket::open(*Address::parse("192.0.2.201", 0));  // of nobody
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Code::kConnect);
  EXPECT_THAT(socket.error().message, testing::HasSubstr("relay on 192.0.2.201: cannot bind"));
}

}  // namespace
}  // namespace callbot::network
