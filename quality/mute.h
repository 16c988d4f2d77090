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
  // Told that the sender muted itself, or is about to be no longer muted; monotonic_ns().
  void set(bool muted, int64_t at_ns) {
    if (muted && !muted_) from_ns_ = at_ns;
    if (!muted && muted_) until_ns_ = at_ns;
    muted_ = muted;
    ever_ = ever_ || muted;
  }
  bool muted() const { return muted_; }
  // Of a mark: was it captured while its sender was muted, now or the last time? Where it is known
  // when it was captured no grace is needed.
  bool leaks(std::optional<int64_t> captured_ns, int64_t arrival_ns) const {
    const int64_t at = captured_ns.value_or(arrival_ns);
    return ever_ && at > from_ns_ + (captured_ns ? 0 : grace_ns_) && (muted_ || at < until_ns_);
  }

 private:
  const int64_t grace_ns_;
  bool muted_ = false, ever_ = false;
  int64_t from_ns_ = 0, until_ns_ = 0;
};

}  // namespace callbot::quality
