// scenarios/abort_watch.h: thresholds with `abort` while a run goes on.
//
// Keeps no samples: counts, sums, extremes, and a histogram whose classes are 2 % wide, so that a
// percentile here is 2 % exact; the verdict in the end is made of the samples themselves. Memory is
// the same after a minute and after a day.
//
// Thread:  one at a time.
// Owner:   the runner.
// Fails:   never.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/scenario.h"
#include "scenarios/threshold.h"

namespace callbot::scenarios {

// What of a metric's samples can be known without keeping them.
class RunningStat {
 public:
  void add(double value);
  std::optional<double> value(const StatName& stat, const Metric& metric, double seconds,
                              double share_total) const;
  double total() const { return sum_; }

 private:
  double percentile(const StatName& stat) const;

  size_t count_ = 0;
  double sum_ = 0, squares_ = 0, least_ = 0, most_ = 0;
  std::map<int, size_t> classes_;  // of the logarithm; negative values mirrored
};

class AbortWatch {
 public:
  explicit AbortWatch(const Scenario& scenario);
  bool empty() const { return watched_.empty(); }

  void steps_began(int64_t at_ns) { steps_ns_ = at_ns; }
  void mark(const std::string& name, int64_t at_ns) { marks_[name] = at_ns; }
  // Of any series, in order of time within each. Who it is: as in Series; `role` of the actor.
  struct Source {
    std::string metric, actor, role, from, from_role, stream;
  };
  void sample(const Source& source, const Sample& sample);
  // Why to end the run now; none: go on.
  std::optional<std::string> check(int64_t now_ns) const;

 private:
  struct Group {
    RunningStat own, share;
  };
  struct Watched {
    const Threshold* threshold;
    const Metric* metric;
    std::map<std::string, Group> groups;
  };
  std::optional<int64_t> at(const std::optional<Span::End>& end, int64_t otherwise) const;

  std::vector<Threshold> thresholds_;
  std::vector<Watched> watched_;
  std::map<std::string, int64_t> marks_;
  int64_t steps_ns_ = 0;
};

}  // namespace callbot::scenarios
