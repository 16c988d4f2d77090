// scenarios/threshold.h: one threshold over a run's evidence; the rules stand in threshold.cc.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; what cannot be judged is unmeasured or invalid.
#pragma once

#include <string_view>

#include "scenarios/verdict.h"

namespace callbot::scenarios {

Case judge_threshold(const Threshold& threshold, const Evidence& evidence);
bool holds(double value, std::string_view op, double limit);

}  // namespace callbot::scenarios
