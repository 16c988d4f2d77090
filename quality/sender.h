// quality/sender.h: what is told about a member whose tracks are measured. Values.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <optional>

namespace callbot::quality {

struct Sender {
  std::optional<uint16_t> source = {};  // in its marks; none: whoever is seen first
  int fps = 0;                          // of its pattern; 0: not known
  int round = 0;                        // so many frames, and its numbers begin again; 0: never
  // What it makes its sound earlier by, to make up for the encoder's delay. Our own test pattern
  // makes up for all of Opus' look-ahead.
  int64_t sound_ahead_ns = 0;
  bool operator==(const Sender&) const = default;
};

// libopus' look-ahead: 312 samples of 48 kHz (RFC 6716, 2.1.4: up to 6.5 ms).
constexpr int64_t kOpusLookahead_ns = 6'500'000;

}  // namespace callbot::quality
