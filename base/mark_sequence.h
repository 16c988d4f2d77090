// base/mark_sequence.h: the counters of one sender's marks, in the order its pictures came: what is
// missing, double, out of order. Plain arithmetic.
//
// Counters have 24 bits and wrap. One that jumps back or ahead by more than Limits is a sender that
// began anew. A number that comes late was counted as missing when one behind it came; the count is
// taken back then. Pictures whose number cannot be read were some of those that are left out next.
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
    // By how much this one changes how many numbers there should have been since kBegin, and how
    // many of them never came.
    int64_t expected = 0, missing = 0;
  };
  Placed add(uint32_t counter);
  // No number comes any more, though they went up to this one. kNew where there are some between;
  // else kStill.
  Placed end(uint32_t newest);
  // So many pictures came whose numbers could not be read.
  void unread(int64_t pictures = 1) { unread_ += pictures; }

 private:
  Placed begin(uint32_t counter);
  void place(Placed& placed, int64_t by, bool again);

  Limits limits_ = {};
  bool begun_ = false;
  int64_t lowest_ = 0, highest_ = 0, previous_ = 0;
  int64_t missing_ = 0;     // since kBegin
  int64_t unread_ = 0;      // since the highest
  std::set<int64_t> seen_;  // the newest
};

}  // namespace callbot
