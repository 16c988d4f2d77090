// recordings/delay_floor.h: what one clock says when something is sent -> when it is on ours. Plain
// arithmetic.
//
// Nothing arrives before it is sent, and what the network adds varies: the earliest arrivals tell
// two clocks' offset, all but the least delay of the path, and how they drift apart. The floor is
// the line below all arrivals of the last five minutes that is closest to them (the side of their
// convex hull over their middle). It drops at once when something comes earlier than it says. It
// rises only as clocks drift, 500 ppm at most, and less while little is known: a path that grows
// slower moves nothing.
//
// Thread:  one at a time.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace callbot::recordings {

class DelayFloor {
 public:
  void add(int64_t sent_ns, int64_t arrival_ns);
  void forget();

  bool known() const { return known_; }
  // When, on our clock, what is sent then comes in at the earliest. Only when known().
  int64_t arrival_of(int64_t sent_ns) const;
  // How much slower than ours the sender's clock runs.
  double rate() const { return rate_; }
  // The least arrival minus sending of the last few seconds.
  int64_t latest_ns() const;

 private:
  struct Point {
    int64_t sent_ns;
    int64_t delay_ns;  // arrival minus sending
  };
  static constexpr int64_t kBucketNs = 2'000'000'000;
  static constexpr size_t kBuckets = 150;

  void fit();
  double hull_slope() const;

  bool known_ = false;
  int64_t bucket_began_ns_ = 0;
  Point lowest_{};             // of the bucket that fills
  std::deque<Point> buckets_;  // the lowest of each earlier one
  int64_t origin_ns_ = 0;
  int64_t floor_ns_ = 0;  // at origin_ns_
  double rate_ = 0;
};

}  // namespace callbot::recordings
