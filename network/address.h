// network/address.h: an IP address with a port, as sockets, candidates and people write it.
//
// Thread:  any; a plain value.
// Owner:   the caller.
// Fails:   parse(): nothing where the text is no IP address; names are not looked up.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callbot::network {

class Address {
 public:
  Address() = default;  // of no family
  static std::optional<Address> parse(std::string_view ip, uint16_t port);
  // "192.0.2.1:4000", "::1:4000" (the last colon is the port's), "[::1]:4000".
  static std::optional<Address> parse(std::string_view text);
  static Address of(const sockaddr_storage& raw);
  static Address loopback(int family);

  int family() const { return family_; }
  uint16_t port() const { return port_; }
  std::string ip() const;
  std::string text() const;  // "192.0.2.1:4000", "[2001:db8::1]:4000"
  Address with_port(uint16_t port) const;
  // One that a packet can be sent to: no wildcard, no group, no link-local address, whose zone
  // nobody says, no port 0.
  bool usable() const;
  // IP and UDP headers, without options.
  uint32_t header_bytes() const { return family_ == AF_INET6 ? 48 : 28; }

  // For sendto() and bind().
  socklen_t fill(sockaddr_storage& raw) const;

  auto operator<=>(const Address&) const = default;

 private:
  int family_ = AF_UNSPEC;
  uint16_t port_ = 0;
  std::string bytes_;  // 4 or 16 of them
};

}  // namespace callbot::network
