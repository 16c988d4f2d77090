// pipelines/pacer.h: when is which frame due? Plain arithmetic on nanoseconds.
//
// Frame n is due at start + n / rate; the rate may change at a frame. Who comes late gets the
// frames it missed, one every half period at the fastest, so that catching up is no burst; who
// comes later than `most_late` leaves frames out, and they are counted.
//
// Thread:  any one thread.
// Owner:   whoever paces.
// Fails:   never.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

namespace callbot::pipelines {

class Pacer {
 public:
  // `count` frames in each `per`: {30, 1s}, {50, 1s}.
  Pacer(int64_t start_ns, int count, std::chrono::nanoseconds per = std::chrono::seconds(1),
        std::chrono::nanoseconds most_late = std::chrono::seconds(1));

  struct Turn {
    uint64_t frame;
    int64_t at_ns;  // not before; may lie in the past
  };
  // The next frame, as seen now; the same until taken() or rest() is called or it is too late.
  // There are `end` frames in all: those after it cannot be left out.
  Turn next(int64_t now_ns, uint64_t end = std::numeric_limits<uint64_t>::max());
  void taken(const Turn& turn, int64_t now_ns);
  // After a pause that was meant: the next frame is the first that is due from now on.
  void rest(int64_t now_ns);

  // From this frame on, which is yet to be taken, so many in each `per`.
  void change_rate(uint64_t frame, int count);

  int64_t due_ns(uint64_t frame) const;
  uint64_t first_due_from(int64_t now_ns) const;
  int rate_at(uint64_t frame) const { return stretch_of(frame).count; }
  uint64_t left_out() const { return left_out_; }

 private:
  // Frames of one rate.
  struct Stretch {
    uint64_t frame;  // the first
    int64_t start_ns;
    int count;
  };
  const Stretch& stretch_of(uint64_t frame) const;

  std::vector<Stretch> stretches_;  // never empty
  int64_t per_ns_, most_late_ns_;
  uint64_t next_ = 0, left_out_ = 0;
  int64_t not_before_ns_;
};

}  // namespace callbot::pipelines
