// tests/support/invented_run.h: a run that never was: three actors, twenty seconds, five of them
// with loss on bob's network.
#pragma once

#include "scenarios/report.h"

namespace callbot::test {

scenarios::Scenario invented_scenario();
scenarios::Evidence invented_evidence();
scenarios::RunRecord invented_run();  // judged

// Times of it: nanoseconds since an arbitrary beginning.
int64_t at_s(double seconds);
scenarios::TimeWindow window_s(double from, double to);

}  // namespace callbot::test
