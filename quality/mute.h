// quality/mute.h: is a sender allowed to be seen or heard right now? Plain arithmetic.
//
// Thread:  one at a time.
// Owner:   a meter.
// Fails:   never.
#pragma once

#include <cstdint>
#include <optional>

namespace callbot::quality {

class Mute {
 public:
  explicit Mute(int64_t grace_ns) : grace_ns_(grace_ns) {}
  // Told that the sender muted itself, or no longer is; monotonic_ns().
  void set(bool muted, int64_t at_ns) {
    muted_ = muted;
    since_ns_ = at_ns;
  }
  bool muted() const { return muted_; }
  // Of a mark: where it is known when it was captured, that counts, and no grace is needed.
  bool leaks(std::optional<int64_t> captured_ns, int64_t arrival_ns) const {
    if (!muted_) return false;
    return captured_ns ? *captured_ns > since_ns_ : arrival_ns > since_ns_ + grace_ns_;
  }

 private:
  const int64_t grace_ns_;
  bool muted_ = false;
  int64_t since_ns_ = 0;
};

}  // namespace callbot::quality
