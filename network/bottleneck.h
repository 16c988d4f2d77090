// network/bottleneck.h: the slowest place of a path: a rate or a trace of opportunities, and the
// queue before it, on virtual time.
//
// Thread:  one at a time; the caller's.
// Owner:   Impairment.
// Fails:   never.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "network/conditions.h"

namespace callbot::network {

class Bottleneck {
 public:
  struct Waiting {
    uint64_t id;
    uint32_t bytes;
    int64_t leaves_ns;
  };

  // When a packet that came at `now_ns` has left; nothing: the queue is full. Times do not fall.
  std::optional<int64_t> admit(uint64_t id, uint32_t bytes, int64_t now_ns);
  // Another rate, trace or queue from now on. What waits leaves at the new pace, and is not
  // dropped: returns all of it with its new times, in order.
  const std::deque<Waiting>& change(const Direction& direction, int64_t now_ns);
  // Forgets what has left by then.
  void settle(int64_t now_ns);
  // Empty after settle(): nothing waits.
  const std::deque<Waiting>& waiting() const { return waiting_; }

 private:
  // The next packet's departure, if it went in now.
  struct Next {
    int64_t leaves_ns;
    int64_t free_ns;
    uint64_t opportunity;
    uint32_t used;
  };
  Next next(uint32_t bytes, int64_t now_ns) const;
  Next next_of_trace(uint32_t bytes, int64_t now_ns) const;
  void take(const Next& next);
  bool fits(uint32_t bytes, int64_t wait_ns) const;

  double rate_ = 0;
  std::shared_ptr<const Trace> trace_;
  uint64_t queue_bytes_ = 0;
  int64_t queue_ns_ = 0;
  int64_t free_ns_ = 0;         // rate: when the line is free
  int64_t trace_begin_ns_ = 0;  // trace: when it began
  uint64_t opportunity_ = 0;    // the newest that was used, and how much of it
  uint32_t used_ = 0;
  uint64_t backlog_ = 0;  // bytes of waiting_
  std::deque<Waiting> waiting_;
};

}  // namespace callbot::network
