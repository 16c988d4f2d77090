// pipelines/rendition_ladder.h: which rendition one receiver gets, and when to look whether it
// could have a better one. Plain arithmetic.
//
// Down: when the estimate stays below what the present one needs; at once if much less arrives
// than that. Up: when a probe has shown that the next better one fits, one step at a time. Where a
// step up did not last, the next is tried later and later.
//
// Thread:  any one at a time.
// Owner:   Uplink.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace callbot::pipelines {

// The path, as estimated; bit/s.
struct PathState {
  double estimate = 0;
  std::optional<double> received = {};  // what arrived lately
  double lost_share = 0;
  int64_t overused_ns = 0;  // monotonic_ns() when last; 0: never
};

class RenditionLadder {
 public:
  // What each rendition needs, best first, bit/s. Empty or one: nothing to choose.
  void set_needs(std::vector<double> needs);
  size_t level() const { return level_; }
  const std::vector<double>& needs() const { return needs_; }

  // Returns whether the level has changed.
  bool look(const PathState& path, int64_t now_ns);
  // The rate to probe with, if now is the time; counts as tried.
  std::optional<double> probe(const PathState& path, int64_t now_ns);
  // Altogether below the best, in seconds.
  double limited_s(int64_t now_ns) const;
  uint64_t switches() const { return switches_; }  // up and down, because of the path

 private:
  void go(size_t level, int64_t now_ns);
  size_t fitting(double estimate) const;

  std::vector<double> needs_;
  size_t level_ = 0;
  uint64_t switches_ = 0;
  int64_t below_since_ns_ = 0;  // 0: it is not
  int64_t went_up_ns_ = 0;
  int64_t next_probe_ns_ = 0, probe_every_ns_ = 0, up_not_before_ns_ = 0, penalty_ns_ = 0;
  int64_t limited_since_ns_ = 0, limited_ns_ = 0;
};

}  // namespace callbot::pipelines
