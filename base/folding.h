// base/folding.h: keeps the memory of a series flat however long it goes on: old samples are folded
// into classes (Folded), a set of them for each stretch of time between two cuts.
//
// What is kept whole: the newest `keep_ns` of each series, all of it while it has no more than
// kWhole samples, and spans (freezes) up to as many, or that lie across a cut. What is folded:
//   * number, sum, sum of squares, least and most between two cuts are exact (sums as floating
//   point
//     numbers add up), and so is all that is made of them: total, count, rate, ratio, mean, min,
//     max, harmonic;
//   * a percentile is a sample that was measured, at most 1 % (kClass) from the one that it is, or
//     both are smaller than 1e-6;
//   * which side of a limit a percentile is on is exact: limits divide classes.
// So cuts belong where windows begin and end, and have to be known before what is older than
// `keep_ns` is folded. A window that cuts the time between two of them gets all of it or nothing.
// For charts there are sums over at most kStretches equal stretches.
//
// The same samples in the same order are folded in the same way: no clock and no chance is in it.
//
// Thread:  one at a time.
// Owner:   who keeps the series; the plan outlives it.
// Fails:   never.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/metric.h"

namespace callbot {

class FoldPlan {
 public:
  static constexpr int64_t kKeep_ns = 120'000'000'000;

  void cut(int64_t at_ns);
  // Somebody will ask whether this metric is below so much.
  void limit(const std::string& metric, double value);
  // Somebody will ask for what was measured so long before.
  void keep(int64_t least_ns) { keep_ns_ = std::max(keep_ns_, least_ns); }

  int64_t keep_ns() const { return keep_ns_; }
  // The cut before that time, and the one after it.
  std::pair<int64_t, int64_t> around(int64_t at_ns) const;
  const std::vector<double>* limits(const std::string& metric) const;

 private:
  std::vector<int64_t> cuts_;  // in order
  int64_t keep_ns_ = kKeep_ns;
  std::map<std::string, std::vector<double>> limits_;  // in order
};

constexpr size_t kWhole = 512;        // samples
constexpr size_t kStretches = 256;    // of a chart
constexpr double kClass = 1.01;       // a class's end by its beginning
constexpr double kLeastClass = 1e-6;  // smaller is 0

// Folds what is to be folded. Often, and cheap where there is nothing.
void fold(Series& series, const FoldPlan& plan);

}  // namespace callbot
