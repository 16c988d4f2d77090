// quality/rotation.h: who is decoded when there is no time to decode everybody: some members of the
// actors at a time, each for a window of a few seconds, then the next, over all actors of the
// process.
//
// So many have their turn together that everybody has one in 15 s, if the processors may do that:
// at most four for each of them (720p30 takes a tenth of one; our choice).
//
// A window begins with a key frame, which is asked for; who has no picture, or whose key frame does
// not come within two windows' time, has had its turn as well, but completed no window.
//
// Thread:  any; locks for moments.
// Owner:   shared by all watchers of the process.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>

namespace callbot::quality {

class Rotation {
 public:
  explicit Rotation(int64_t window_ns = 3'000'000'000, size_t most_together = usual_together())
      : window_ns_(window_ns), most_together_(most_together) {}

  using Member = uint64_t;
  Member enroll() { return enroll(window_ns_); }
  Member enroll(int64_t window_ns);
  void leave(Member member);
  // Is it this member's turn at that time (monotonic_ns())?
  bool is_turn(Member member, int64_t now_ns);
  // Of whose turn it is: decoding has begun.
  void begun(Member member, int64_t now_ns);

 private:
  struct Place {
    Member member = 0;
    int64_t window_ns = 0;
    int64_t since_ns = 0;  // the turn, or its window once that has begun; 0: it waits
    bool begun = false;
  };
  static size_t usual_together();
  size_t together() const;

  const int64_t window_ns_;
  const size_t most_together_;
  std::mutex mutex_;
  std::list<Place> places_;  // the first have their turn
  Member newest_ = 0;
};

}  // namespace callbot::quality
