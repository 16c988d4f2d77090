// scenarios/verdict.h: scenario + evidence -> cases, each with its verdict.
//
// unmeasured: nothing was there to judge. invalid: something was, but it is not to be believed: the
// bot was too slow, a clock too uncertain, an impairment not in effect. Neither ever passes.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; what cannot be judged is a verdict.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/evidence.h"
#include "scenarios/scenario.h"

namespace callbot::scenarios {

enum class Verdict { kPass, kWarn, kFail, kUnmeasured, kInvalid };
const char* name_of(Verdict verdict);

// Where to look in what was kept.
struct CasePlace {
  int64_t at_ns = 0;
  std::string actor, from;
  std::string file;    // of FileFact, where one has it
  double in_file = 0;  // s from its begin
};

struct Case {
  enum Kind {
    kRun,
    kThreshold,
    kStep,
    kTimeline,
    kBaseline,
    kSignaling,
    kNetwork
  } kind = kThreshold;
  std::string name;    // what has to hold, as a sentence or as it was written
  std::string detail;  // "bob-2 from alice"; empty: of all
  Verdict verdict = Verdict::kUnmeasured;
  bool softened = false;  // unmeasured, but only warns (unmeasured: warn, severity: warn)
  std::string text;       // why it is so
  std::optional<double> value, limit;
  std::string op, unit, metric, stat;
  double uncertainty = 0;
  size_t samples = 0;
  size_t groups = 0, groups_passed = 0;  // per actor or stream
  std::optional<TimeWindow> window;
  std::optional<CasePlace> place;
  std::string definition;  // of the metric
  TextPlace written;       // in the scenario's file
};

std::vector<Case> judge_thresholds(const Scenario& scenario, const Evidence& evidence);
std::vector<Case> judge_timeline(const Scenario& scenario, const Evidence& evidence);
std::vector<Case> judge_steps(const Scenario& scenario, const Evidence& evidence);
// What came unexpected and was not called optional; nothing where all is well.
std::vector<Case> judge_signaling(const Scenario& scenario, const Evidence& evidence);
// Actors' own networks that were not what they should have been; those of steps are the steps'.
std::vector<Case> judge_networks(const Scenario& scenario, const Evidence& evidence);

struct Judged {
  Verdict verdict = Verdict::kUnmeasured;
  bool established = true, interrupted = false;
  std::vector<Case> cases;
};
Judged judge(const Scenario& scenario, const Evidence& evidence);
// More cases of the same run: what a comparison with an earlier one says.
void add_cases(Judged& judged, std::vector<Case> more, const Scenario& scenario,
               const Evidence& evidence);

// The exit status that a verdict means, of one run or of several: 0 pass and warn, 1 fail, 3 not
// established, 5 unmeasured or invalid, 130 interrupted.
int exit_status_of(std::span<const Judged> runs);

// Finds the file that shows this moment.
void find_place(CasePlace& place, const Evidence& evidence);
// "p95 412 ms > 400 ms, 300 samples".
std::string value_text(double value, std::string_view unit);

}  // namespace callbot::scenarios
