// bot/scenario_recovery.h: how long a stream took to be as it was after a change of its receiver's
// network (recovery_time), of the delays of its frames. Plain arithmetic.
//
// What it was: delay (median) and rate of frames in up to 5 s before the first change, and again
// before each one by which it had recovered. Recovered: the first second in which nine frames of
// ten come again and their median delay is no more than a tenth and 10 ms longer (what an idle
// machine adds by itself); the time from the change to that second's beginning counts, known at its
// end. After the last change, where it never comes: the time until the run ended, which is how long
// it took at least.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   an unmeasured series says why.
#pragma once

#include <vector>

#include "base/metric.h"

namespace callbot::bot {

// `delay`: video.e2e_delay of one stream, all the time; `changes` in order, as ended_ns
// monotonic_ns().
Series recovery_of(const Series& delay, const std::vector<int64_t>& changes, int64_t ended_ns);

}  // namespace callbot::bot
