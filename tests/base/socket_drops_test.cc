#include "base/socket_drops.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/support/temp_folder.h"

namespace callbot {
namespace {

// A socket that nobody reads, with room for little.
class Deaf {
 public:
  explicit Deaf(int family) : fd_(socket(family, SOCK_DGRAM, 0)) {
    const int least = 1;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    sockaddr_in6 six{};
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    const auto* address = family == AF_INET ? reinterpret_cast<const sockaddr*>(&four)
                                            : reinterpret_cast<const sockaddr*>(&six);
    bound_ = bind(fd_, address, family == AF_INET ? sizeof four : sizeof six) == 0;
    socklen_t size = sizeof to_;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&to_), &size);
    bound_ = bound_ && connect(fd_, reinterpret_cast<sockaddr*>(&to_), size) == 0;  // to itself
  }
  ~Deaf() { close(fd_); }
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;
  bool bound() const { return bound_; }
  void hear(int datagrams) const {
    const std::array<char, 1000> bytes{};
    for (int i = 0; i < datagrams; ++i) (void)send(fd_, bytes.data(), bytes.size(), 0);
  }
  int held() const {
    std::array<char, 1000> bytes{};
    int count = 0;
    while (recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) ++count;
    return count;
  }

 private:
  int fd_;
  bool bound_ = false;
  sockaddr_storage to_{};
};

TEST(SocketDrops, CountsWhatOurSocketsHadNoRoomFor) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Deaf socket(family);
    if (!socket.bound()) continue;  // a machine without IPv6
    SocketDrops drops;
    EXPECT_EQ(drops.take(), 0U);
    socket.hear(50);
    const uint64_t dropped = drops.take();
    EXPECT_EQ(dropped, 50U - static_cast<unsigned>(socket.held()));
    EXPECT_GT(dropped, 20U);
    EXPECT_EQ(drops.take(), 0U) << "since the last time";
    socket.hear(1);
    EXPECT_EQ(drops.take(), 0U) << "there is room again";
  }
}

TEST(SocketDrops, WhatWasDroppedBeforeIsNotCounted) {
  const Deaf socket(AF_INET);
  socket.hear(50);
  SocketDrops drops;
  EXPECT_EQ(drops.take(), 0U);
}

TEST(SocketDrops, WhereTheKernelSaysNothingThereAreNone) {
  const test::TempFolder folder;
  const Deaf socket(AF_INET);
  SocketDrops drops(folder.path());
  socket.hear(50);
  EXPECT_EQ(drops.take(), 0U);
}

}  // namespace
}  // namespace callbot
