// scenarios/bundle.h: what is kept of a run that does not pass: the seconds around each case that
// failed, is unmeasured or invalid.
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

struct Moment {
  TimeWindow span;
  int64_t at_ns = 0;                // of what failed first
  std::vector<std::string> actors;  // whose media shows it; empty: everybody's
  std::vector<std::string> cases;   // names of what failed then
};

// In order of time; those that overlap and show the same actors are one.
std::vector<Moment> moments_of(const Judged& judged, const Evidence& evidence);

// Samples, events, steps, sights and candidate pairs of this span only.
Evidence within(const Evidence& evidence, const TimeWindow& span);

// A line for each event, step and mark: "0:12.3  bob  joined  alice".
std::string log_text(const Evidence& evidence);

}  // namespace callbot::scenarios
