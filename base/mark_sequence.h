// base/mark_sequence.h: the counters of one sender's marks, in the order its pictures came: what is
// missing, double, out of order. Plain arithmetic.
//
// Counters have 24 bits and wrap. One that jumps back or ahead by more than `most_jump` is a sender
// that began anew. A number that comes late was counted as missing when one behind it came; the
// count is taken back then.
//
// Thread:  one at a time.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <set>

namespace callbot {

class MarkSequence {
 public:
  struct Limits {
    int64_t most_back = 3000, most_ahead = 3000;
  };
  MarkSequence() = default;
  explicit MarkSequence(Limits limits) : limits_(limits) {}

  enum class Step {
    kBegin,  // the first, or the first of a sender that began anew
    kNew,    // above all before it; `left_out` numbers lie between
    kStill,  // the same as the one before it
    kAgain,  // not the one before it, but it had come
    kLate,   // below one that had come, and not yet seen
  };
  struct Placed {
    Step step = Step::kBegin;
    int64_t counter = 0;   // unwrapped: grows on over wraps
    int64_t left_out = 0;  // kNew
  };
  Placed add(uint32_t counter);

 private:
  Limits limits_ = {};
  bool begun_ = false;
  int64_t highest_ = 0, previous_ = 0;
  std::set<int64_t> seen_;  // the newest
};

}  // namespace callbot
