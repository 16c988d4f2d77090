// scenarios/run_json.h: runs with their verdicts as JSON (run.json), and its schema.
//
// {"callbot_run": 1, "exit_status": 0, "runs": [{"verdict": "pass", "cases": [...], "summary":
// [...], "evidence": {...}}]}; readers ignore keys they do not know. Times are nanoseconds since
// the run began.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   runs_of: kBadInput that names the key and what was expected.
#pragma once

#include <span>
#include <vector>

#include "base/json.h"
#include "scenarios/baseline.h"
#include "scenarios/evidence.h"
#include "scenarios/verdict.h"

namespace callbot::scenarios {

struct RunRecord {
  Judged judged;
  std::vector<SummaryRow> summary;
  Evidence evidence;
};

Json run_json(std::span<const RunRecord> runs);
Result<std::vector<RunRecord>> runs_of(const Json& json);
Json run_schema();

}  // namespace callbot::scenarios
