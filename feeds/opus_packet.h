// feeds/opus_packet.h: how long an Opus packet is (RFC 6716, 3.1 and 3.2).
//
// Thread:  any; a pure function.
// Owner:   nobody.
// Fails:   never; 0 for what is no Opus packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace callbot::feeds {

inline int64_t opus_packet_ns(std::span<const uint8_t> packet) {
  if (packet.empty()) return 0;
  const int config = packet[0] >> 3, code = packet[0] & 3;
  int64_t frame_us = 0;  // RFC 6716, table 2
  if (config < 12) {
    constexpr int kSilk[] = {10'000, 20'000, 40'000, 60'000};
    frame_us = kSilk[config & 3];
  } else if (config < 16) {
    frame_us = (config & 1) != 0 ? 20'000 : 10'000;
  } else {
    frame_us = 2'500 << (config & 3);
  }
  if (code == 3 && packet.size() < 2) return 0;
  const int frames = code == 0 ? 1 : code < 3 ? 2 : packet[1] & 0x3f;
  return frames * frame_us * 1000;
}

}  // namespace callbot::feeds
