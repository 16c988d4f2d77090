#include "tests/support/udp_end.h"

#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>

namespace callbot::test {

using network::Address;

UdpEnd::UdpEnd(const std::string& ip) {
  const auto address = Address::parse(ip, 0);
  if (!address) abort();
  fd_ = Descriptor(socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage raw;
  socklen_t size = address->fill(raw);
  if (!fd_ || bind(fd_.get(), reinterpret_cast<sockaddr*>(&raw), size) != 0) abort();
  const int buffer = 4 << 20;
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  size = sizeof raw;
  if (getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&raw), &size) != 0) abort();
  own_ = Address::of(raw);
}

void UdpEnd::send(const Address& to, const std::string& bytes) const {
  sockaddr_storage raw;
  const socklen_t size = to.fill(raw);
  if (sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&raw), size) < 0)
    abort();
}

std::optional<UdpEnd::Got> UdpEnd::receive(std::chrono::milliseconds deadline) const {
  pollfd waiting{fd_.get(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(deadline.count())) <= 0) return std::nullopt;
  char bytes[65536];
  sockaddr_storage raw;
  socklen_t size = sizeof raw;
  const ssize_t got =
      recvfrom(fd_.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&raw), &size);
  if (got < 0) return std::nullopt;
  return Got{std::string(bytes, static_cast<size_t>(got)), Address::of(raw)};
}

std::string UdpEnd::candidate() const {
  return "candidate:1 1 UDP 2015364095 " + own_.ip() + " " + std::to_string(own_.port()) +
         " typ host";
}

std::string stun(const std::string& text) { return std::string("\x00\x01", 2) + text; }
std::string dtls(const std::string& text) { return "\x16\xfe" + text; }
std::string rtp(const std::string& text) { return "\x80\x60" + text; }
std::string rtcp(const std::string& text) { return "\x80\xc8" + text; }

}  // namespace callbot::test
