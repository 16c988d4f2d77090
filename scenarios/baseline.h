// scenarios/baseline.h: a run in a few numbers, and whether it is worse than an earlier one.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "scenarios/evidence.h"
#include "scenarios/scenario.h"
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

// The same, of one metric as the actors of one role measured it of one stream, within a window.
struct Number {
  std::string metric, stat, unit;
  std::string who, from, stream;  // roles, and a stream's name; empty: not about one
  Span span;                      // as thresholds on the metric name it; else the whole run
  TimeWindow window;
  double value = 0;
};
std::vector<Number> numbers_of(const Evidence& evidence, const std::vector<Threshold>& thresholds);

struct Compared {
  Number now;
  double before = 0;
  bool worse = false, better = false;
};
struct Comparison {
  std::vector<Compared> both;   // there before and now
  std::vector<Number> missing;  // there before alone
};
// Worse by more than `tolerance` (a share of what was) and by more than what does not matter in
// that unit (5 ms, 0.5 frames a second, 0.2 % ...). What has no better direction is compared by
// size: a skew away from 0 is worse. Of several runs before, their median counts.
Comparison compare(const std::vector<std::vector<Number>>& before, const std::vector<Number>& now,
                   double tolerance);

struct BaselineRules {
  double tolerance = 0.1;  // our choice
  bool fails = false;      // what became worse fails; else it only warns
  // A run that nothing can be compared with is unmeasured: a comparison that was asked for and
  // never was is no pass. Else it only warns.
  bool needs_one = true;
};
// One for each number that became worse; for each stream whose numbers are missing, unmeasured.
std::vector<Case> baseline_cases(const Comparison& comparison, const BaselineRules& rules);
// Nothing can be compared.
Case no_baseline(std::string why, const BaselineRules& rules);

}  // namespace callbot::scenarios
