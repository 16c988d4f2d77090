// pipelines/delay_trend.h: is a queue building up on the path? From when packets were sent and when
// they arrived; plain arithmetic.
//
// The delay gradient of draft-ietf-rmcat-gcc-02, 5: packets sent together make a group, the change
// of one-way delay from group to group is summed up and smoothed, a line is fitted through the
// newest of it, and its slope is held against a threshold that adapts (5.4). We send a frame in one
// go, so a group is judged by its first packet: what is waiting ahead of it was sent before it,
// while its last one would mostly tell how large the frame is.
//
// Thread:  any one.
// Owner:   BandwidthEstimate.
// Fails:   never.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace callbot::pipelines {

class DelayTrend {
 public:
  enum class State { kNormal, kOveruse, kUnderuse };

  // Each packet that arrived, in the order of sending. The two clocks need not agree.
  void take(int64_t sent_ns, int64_t arrived_ns);
  // What was seen says nothing about what comes.
  void restart();
  State state() const { return state_; }
  // How long the newest group waited, beside the least that was seen in the last ten seconds.
  double queue_ms() const;

 private:
  struct Group {
    int64_t sent_ns, arrived_ns, last_sent_ns;
  };
  struct Point {
    double at_ms, delay_ms;
  };
  void note_delay(int64_t sent_ns, int64_t arrived_ns);
  void add(double sent_ms, double arrived_ms, int64_t arrived_ns);
  void judge(double slope, double sent_ms, int64_t arrived_ns);
  void adapt(double trend, int64_t arrived_ns);

  std::optional<Group> group_, before_;
  int64_t first_arrival_ns_ = 0;
  double summed_ms_ = 0, smoothed_ms_ = 0;
  int deltas_ = 0;
  std::deque<Point> points_;
  double slope_ = 0;
  double delay_ms_ = 0;                               // the clocks' difference in it
  std::optional<double> least_ms_, least_before_ms_;  // in these five seconds, in those before
  int64_t least_from_ns_ = 0;
  double threshold_ms_ = 12.5;
  int64_t adapted_ns_ = 0;
  double over_ms_ = -1;  // for how long above the threshold; -1: is not
  int over_count_ = 0;
  State state_ = State::kNormal;
};

}  // namespace callbot::pipelines
