#include "network/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <charconv>
#include <cstring>

namespace callbot::network {

std::optional<Address> Address::parse(std::string_view ip, uint16_t port) {
  const std::string text(ip);
  char bytes[sizeof(in6_addr)];
  Address a;
  a.port_ = port;
  for (const auto& [family, size] : {std::pair{AF_INET, size_t{4}}, {AF_INET6, size_t{16}}}) {
    if (inet_pton(family, text.c_str(), bytes) != 1 || text.size() != std::strlen(text.c_str()))
      continue;
    a.family_ = family;
    a.bytes_.assign(bytes, size);
    return a;
  }
  return std::nullopt;
}

std::optional<Address> Address::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view ip = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return parse(ip, port);
}

Address Address::of(const sockaddr_storage& raw) {
  Address a;
  a.family_ = raw.ss_family;
  if (raw.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &raw, sizeof v4);
    a.port_ = ntohs(v4.sin_port);
    a.bytes_.assign(reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr);
  } else if (raw.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &raw, sizeof v6);
    a.port_ = ntohs(v6.sin6_port);
    a.bytes_.assign(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr);
  }
  return a;
}

Address Address::loopback(int family) {
  return *parse(family == AF_INET6 ? "::1" : "127.0.0.1", 0);
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family_ != AF_UNSPEC) inet_ntop(family_, bytes_.data(), text, sizeof text);
  return text;
}

std::string Address::text() const {
  return family_ == AF_INET6 ? fmt::format("[{}]:{}", ip(), port_)
                             : fmt::format("{}:{}", ip(), port_);
}

Address Address::with_port(uint16_t port) const {
  Address a = *this;
  a.port_ = port;
  return a;
}

bool Address::usable() const {
  if (port_ == 0 || bytes_.empty()) return false;
  const auto byte = [this](size_t i) { return static_cast<uint8_t>(bytes_[i]); };
  if (family_ == AF_INET)
    return byte(0) != 0 && byte(0) < 224 && !(byte(0) == 169 && byte(1) == 254);
  in6_addr v6{};
  std::memcpy(&v6, bytes_.data(), sizeof v6);
  return !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_MULTICAST(&v6) &&
         !IN6_IS_ADDR_LINKLOCAL(&v6) && !IN6_IS_ADDR_V4MAPPED(&v6);
}

socklen_t Address::fill(sockaddr_storage& raw) const {
  raw = {};
  if (family_ == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    std::memcpy(&v4.sin_addr, bytes_.data(), sizeof v4.sin_addr);
    std::memcpy(&raw, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port_);
  if (family_ == AF_INET6) std::memcpy(&v6.sin6_addr, bytes_.data(), sizeof v6.sin6_addr);
  std::memcpy(&raw, &v6, sizeof v6);
  return sizeof v6;
}

}  // namespace callbot::network
