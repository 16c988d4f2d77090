// scenarios/threshold.h: one threshold over a run's evidence; the rules stand in threshold.cc.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; what cannot be judged is unmeasured or invalid.
#pragma once

#include <span>
#include <string_view>

#include "scenarios/verdict.h"

namespace callbot::scenarios {

Case judge_threshold(const Threshold& threshold, const Evidence& evidence);
// The same of these series instead of the evidence's, which nobody has to copy into it.
Case judge_threshold(const Threshold& threshold, const Evidence& evidence,
                     std::span<const Series* const> series);
bool holds(double value, std::string_view op, double limit);

}  // namespace callbot::scenarios
