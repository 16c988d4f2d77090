// scenarios/baseline_runs.h: which of the runs of a baseline a run is compared with, and what comes
// of it.
//
// Of the same scenario, and of the same values of a CSV's row; of these those with all the same
// variables, where there are any; of these the one of the same repetition, or else all of them.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; a run that nothing can be compared with is an unmeasured case.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "scenarios/run_json.h"
#include "scenarios/variables.h"

namespace callbot::scenarios {

// The run that is compared.
struct BaselineWish {
  Values row;         // of a CSV; without secrets, as in evidence
  size_t repeat = 0;  // of this row, from 0
  BaselineRules rules;
};

std::vector<const RunRecord*> baseline_of(std::span<const RunRecord> all, const Evidence& now,
                                          const BaselineWish& wish);
std::vector<Case> compare_with(std::span<const RunRecord> baseline, const Evidence& now,
                               const std::vector<Threshold>& thresholds, const BaselineWish& wish);

}  // namespace callbot::scenarios
