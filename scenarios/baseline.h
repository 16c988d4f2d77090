// scenarios/baseline.h: a run in a few numbers, and whether it is worse than an earlier one.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "scenarios/evidence.h"
#include "scenarios/verdict.h"

namespace callbot::scenarios {

// Of a metric over all actors and the whole run.
struct SummaryRow {
  std::string metric, stat, unit;
  double value = 0;
  size_t samples = 0;
};
// Values at a time: p50 and p95 (p5 where more is better); counts: their ratio, or else their rate;
// spans: the share of the time.
std::vector<SummaryRow> summary_of(const Evidence& evidence);

struct Compared {
  std::string metric, stat, unit;
  double before = 0, now = 0;
  bool worse = false, better = false;
};
// Worse by more than `tolerance` (a share of what was) and by more than what does not matter in
// that unit (5 ms, 0.5 frames a second, 0.2 % ...). What has no better direction is compared by
// size: a skew away from 0 is worse.
std::vector<Compared> compare(const std::vector<SummaryRow>& before,
                              const std::vector<SummaryRow>& now, double tolerance = 0.1);
// A warning for each that became worse; unmeasured where there is nothing to compare.
std::vector<Case> baseline_cases(const std::vector<Compared>& compared, double tolerance);

}  // namespace callbot::scenarios
