// quality/vp8_header.h: what a VP8 frame's header says, without decoding it (RFC 6386, 9.1 to 9.6).
//
// Thread:  any; plain functions on the caller's bytes.
// Owner:   the caller.
// Fails:   nullopt for what is no VP8 frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace callbot::quality {

struct Vp8Header {
  bool key = false, shown = false;
  int width = 0, height = 0;  // key frames; 0 else
  int quantiser = 0;          // y_ac_qi, 0 to 127
};
std::optional<Vp8Header> vp8_header(std::span<const uint8_t> frame);

}  // namespace callbot::quality
