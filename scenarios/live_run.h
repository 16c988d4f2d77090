// scenarios/live_run.h: a run while it goes on, for who watches it: a table on a terminal, and what
// Prometheus reads.
//
// Thread:  any; pure. The series are looked at within the call.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "base/metric.h"

namespace callbot::scenarios {

struct LiveRun {
  std::string scenario;
  int run = 1;         // of several
  double seconds = 0;  // since it began
  std::string step;    // what is being done; empty: nothing
  size_t step_number = 0, steps = 0;
  size_t inside = 0, actors = 0;      // of those how many are in their call
  std::vector<const Series*> series;  // measured so far, of all actors
};

// Text exposition format 0.0.4. A gauge is its last sample; what is counted a total; of spans (of
// freezes, of silence) their number and their seconds. Whatever was not measured is not there.
std::string prometheus_text(const LiveRun& run);

// The run in a line, then a row for each received stream with a header on top, at most so many.
struct LiveTable {
  std::string summary;
  std::vector<std::vector<std::string>> rows;
  size_t left_out = 0;
};
LiveTable live_table(const LiveRun& run, size_t most_rows);

}  // namespace callbot::scenarios
