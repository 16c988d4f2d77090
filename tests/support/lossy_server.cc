#include "tests/support/lossy_server.h"

#include <sys/socket.h>

#include <array>
#include <cstdlib>

namespace callbot::test {
namespace {

using network::Address;

constexpr size_t kMostPacket = 65536;

Descriptor socket_on_loopback() {
  Descriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage raw;
  const socklen_t size = Address::loopback(AF_INET).fill(raw);
  const int buffer = 4 << 20;
  if (!fd || bind(fd.get(), reinterpret_cast<sockaddr*>(&raw), size) != 0) abort();
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return fd;
}

void send(int fd, const Address& to, std::span<const uint8_t> packet) {
  sockaddr_storage raw;
  const socklen_t size = to.fill(raw);
  sendto(fd, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&raw), size);
}

// All that is there, each packet with who sent it.
void receive(int fd, const auto& take) {
  std::array<uint8_t, kMostPacket> bytes;
  sockaddr_storage raw;
  socklen_t size = sizeof raw;
  ssize_t got = 0;
  while ((got = recvfrom(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&raw),
                         &size)) >= 0) {
    take(std::span(bytes).first(static_cast<size_t>(got)), Address::of(raw));
    size = sizeof raw;
  }
}

}  // namespace

LossyServer::LossyServer(Address server, int of_ten)
    : server_(std::move(server)), of_ten_(of_ten), fd_(socket_on_loopback()) {
  sockaddr_storage raw;
  socklen_t size = sizeof raw;
  if (getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&raw), &size) != 0) abort();
  own_ = Address::of(raw);
  readable_.watch(fd_.get(), [this] { from_clients(); });
}

void LossyServer::from_clients() {
  receive(fd_.get(), [this](std::span<const uint8_t> packet, const Address& from) {
    auto& client = clients_[from];
    if (!client) {
      client = std::make_unique<Client>();
      client->fd = socket_on_loopback();
      client->readable.watch(client->fd.get(),
                             [this, from, fd = client->fd.get()] { from_server(from, fd); });
    }
    send(client->fd.get(), server_, packet);
  });
}

void LossyServer::from_server(const Address& client, int fd) {
  receive(fd, [&](std::span<const uint8_t> packet, const Address&) {
    if (!loses(packet)) send(fd_.get(), client, packet);
  });
}

bool LossyServer::loses(std::span<const uint8_t> packet) {
  constexpr size_t kHeader = 4;  // of ChannelData, whose first two bits are 01
  const bool media = packet.size() > kHeader && packet[0] >> 6 == 1 && packet[kHeader] >> 6 == 2;
  if (!media) return false;
  // Spread: 3 of ten are numbers 0, 4 and 7.
  const uint64_t number = media_++ % 10 * static_cast<uint64_t>(of_ten_);
  const bool lost = number % 10 < static_cast<uint64_t>(of_ten_);
  lost_ += lost ? 1 : 0;
  return lost;
}

}  // namespace callbot::test
