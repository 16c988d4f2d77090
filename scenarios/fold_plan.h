// scenarios/fold_plan.h: how the samples of a scenario's run are folded (base/folding.h), so that
// whatever it judges by is exact: cuts where its windows begin and end, the limits of its
// thresholds, and as much kept whole as an expectation looks back.
//
// Marks, and the beginning of expectations, are cuts too: the runner adds them as they come.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include "base/folding.h"
#include "scenarios/scenario.h"

namespace callbot::scenarios {

FoldPlan fold_plan_of(const Scenario& scenario);
// Windows between times, once the steps have begun; monotonic_ns().
void cut_at_times(FoldPlan& plan, const Scenario& scenario, int64_t steps_ns);

}  // namespace callbot::scenarios
