// quality/rotation.h: who is decoded when there is no time to decode everybody: one member of one
// actor at a time, for a window of a few seconds, then the next, over all actors of the process.
//
// A window begins with a key frame, which is asked for; who has no picture, or whose key frame does
// not come within two windows' time, has had its turn as well, but completed no window.
//
// Thread:  any; locks for moments.
// Owner:   shared by all watchers of the process.
// Fails:   never.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>

namespace callbot::quality {

class Rotation {
 public:
  explicit Rotation(int64_t window_ns = 3'000'000'000) : window_ns_(window_ns) {}

  using Member = uint64_t;
  Member enroll();
  void leave(Member member);
  // Is it this member's turn at that time (monotonic_ns())?
  bool is_turn(Member member, int64_t now_ns);
  // Of whose turn it is: decoding has begun.
  void begun(Member member, int64_t now_ns);

 private:
  void next(int64_t now_ns);

  const int64_t window_ns_;
  std::mutex mutex_;
  std::list<Member> members_;  // the first has its turn
  Member newest_ = 0;
  bool begun_ = false;
  int64_t since_ns_ = 0;  // the turn, or its window once that has begun
};

}  // namespace callbot::quality
