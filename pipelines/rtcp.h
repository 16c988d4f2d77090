// pipelines/rtcp.h: the packets of a compound RTCP packet (RFC 3550, 6.1), as far as we read them.
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace callbot::pipelines {

constexpr uint8_t kSenderReport = 200;       // RFC 3550, 6.4.1
constexpr uint8_t kReceiverReport = 201;     // RFC 3550, 6.4.2
constexpr uint8_t kTransportFeedback = 205;  // RFC 4585, 6.1
constexpr uint8_t kPayloadFeedback = 206;    // RFC 4585, 6.1
constexpr uint8_t kNack = 1;                 // of transport feedback
constexpr uint8_t kPli = 1, kFir = 4;        // of payload feedback
// Bytes in front of the report blocks.
constexpr size_t kReceiverReportHead = 8, kSenderReportHead = 28;

// The four bytes there have to be.
inline uint32_t rtcp_word(std::span<const uint8_t> bytes, size_t at) {
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

// The first packet, if it is whole; otherwise nothing.
inline std::span<const uint8_t> first_rtcp_packet(std::span<const uint8_t> compound) {
  if (compound.size() < 4 || compound[0] >> 6 != 2) return {};
  const size_t size = 4 * ((size_t{compound[2]} << 8 | compound[3]) + 1);
  return size <= compound.size() ? compound.first(size) : std::span<const uint8_t>();
}

}  // namespace callbot::pipelines
