// network/packet_kind.h: what a UDP packet of a peer connection carries, by its first bytes.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never: what nobody knows is kOther.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace callbot::network {

enum class PacketKind { kStun, kDtls, kRtp, kRtcp, kOther };
inline constexpr size_t kPacketKinds = 5;
inline constexpr std::array<std::string_view, kPacketKinds> kPacketKindNames = {
    "stun", "dtls", "rtp", "rtcp", "other"};

// RFC 7983, 7 for the first byte; RFC 5761, 4 tells RTCP from RTP. SRTP leaves both readable.
inline PacketKind kind_of(std::span<const uint8_t> packet) {
  if (packet.empty()) return PacketKind::kOther;
  const uint8_t first = packet[0];
  if (first <= 3) return PacketKind::kStun;
  if (first >= 20 && first <= 63) return PacketKind::kDtls;
  if (first < 128 || first > 191 || packet.size() < 2) return PacketKind::kOther;
  return packet[1] >= 192 && packet[1] <= 223 ? PacketKind::kRtcp : PacketKind::kRtp;
}

// A set of kinds.
class Kinds {
 public:
  constexpr Kinds() = default;
  static constexpr Kinds all() { return Kinds((1u << kPacketKinds) - 1); }
  constexpr Kinds(std::initializer_list<PacketKind> kinds) {
    for (const PacketKind kind : kinds) add(kind);
  }
  constexpr void add(PacketKind kind) { bits_ |= 1u << static_cast<unsigned>(kind); }
  constexpr bool has(PacketKind kind) const {
    return (bits_ >> static_cast<unsigned>(kind) & 1u) != 0;
  }
  constexpr Kinds without(Kinds others) const { return Kinds(bits_ & ~others.bits_); }
  constexpr bool none() const { return bits_ == 0; }
  friend bool operator==(const Kinds&, const Kinds&) = default;

 private:
  constexpr explicit Kinds(unsigned bits) : bits_(bits) {}
  unsigned bits_ = 0;
};

}  // namespace callbot::network
