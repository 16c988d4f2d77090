// recordings/speech.h: how loud a participant is, packet by packet -> when it speaks.
//
// Speech begins where the sound has been loud for kOnMs, pauses of at most kBridgeMs in between,
// and ends where nothing was loud for kOffMs; a span goes from the first loud packet to the last
// one. A packet is loud above kLoudestQuiet; of a sender that ever said which packets are voice
// only those are.
//
// Thread:  one at a time.
// Owner:   Recording, one a participant.
// Fails:   never.
#pragma once

#include <cstdint>
#include <optional>

#include "base/frame.h"

namespace callbot::recordings {

class SpeechDetector {
 public:
  static constexpr int64_t kOnMs = 100, kBridgeMs = 200, kOffMs = 600;
  // -dBov (RFC 6464). Speech at a microphone with gain control is at 15 to 35, a room at 50 to 70.
  static constexpr int kLoudestQuiet = 45;

  // Speech that began (no end yet) or has ended.
  struct Span {
    int64_t from_ns;
    std::optional<int64_t> to_ns = {};
  };
  std::optional<Span> heard(AudioLevel level, int64_t time_ns);
  // Nothing came up to this time.
  std::optional<Span> quiet(int64_t time_ns);
  // Nothing more will come.
  std::optional<Span> finish();

  bool speaks() const { return speaks_; }

 private:
  std::optional<Span> end();
  bool speaks_ = false;
  bool knows_voice_ = false;
  std::optional<int64_t> loud_since_;
  int64_t loud_until_ = 0;
};

}  // namespace callbot::recordings
