#include "network/relay_socket.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace callbot::network {
namespace {

// A key frame over a fast line comes in one burst; the kernel gives at most net.core.rmem_max.
constexpr int kBufferBytes = 4 << 20;
constexpr int64_t kOldest = 1'000'000'000;  // ns; older times are those of a stopped process

}  // namespace

Result<RelaySocket> RelaySocket::open(const Address& on) {
  const auto no = [&](const char* doing) {
    return fail(Code::kConnect,
                fmt::format("relay on {}: cannot {}: {}", on.ip(), doing, strerror(errno)));
  };
  RelaySocket s;
  s.fd_ = Descriptor(socket(on.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!s.fd_) return no("open a socket");
  const int yes = 1;
  setsockopt(s.fd(), SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
  setsockopt(s.fd(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof kBufferBytes);
  setsockopt(s.fd(), SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
  setsockopt(s.fd(), SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof yes);
  sockaddr_storage raw;
  socklen_t size = on.with_port(0).fill(raw);
  if (bind(s.fd(), reinterpret_cast<const sockaddr*>(&raw), size) != 0) return no("bind");
  size = sizeof raw;
  if (getsockname(s.fd(), reinterpret_cast<sockaddr*>(&raw), &size) != 0) return no("bind");
  s.own_ = Address::of(raw);
  return s;
}

std::optional<RelaySocket::Arrival> RelaySocket::receive() {
  static thread_local std::array<uint8_t, 65536> buffer;
  alignas(cmsghdr) std::array<char, 256> control;
  sockaddr_storage from{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(fd(), &message, MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  Arrival arrival;
  arrival.bytes = {buffer.data(), static_cast<size_t>(size)};
  arrival.from = Address::of(from);
  arrival.at_ns = monotonic_ns();
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SO_TIMESTAMPNS) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      const int64_t age = wall_ns() - (stamp.tv_sec * 1'000'000'000 + stamp.tv_nsec);
      if (age > 0 && age < kOldest) arrival.at_ns -= age;
    } else if (c->cmsg_type == SO_RXQ_OVFL) {
      uint32_t all = 0;
      std::memcpy(&all, CMSG_DATA(c), sizeof all);
      arrival.overrun = all - overruns_;
      overruns_ = all;
    }
  }
  return arrival;
}

bool RelaySocket::send(int fd, const Address& to, std::span<const uint8_t> bytes) {
  sockaddr_storage raw;
  const socklen_t size = to.fill(raw);
  return sendto(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                reinterpret_cast<const sockaddr*>(&raw), size) >= 0;
}

}  // namespace callbot::network
