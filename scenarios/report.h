// scenarios/report.h: runs and their verdicts, for people and for machines.
//
// Thread:  any; pure, but for `pictures`.
// Owner:   the caller.
// Fails:   never; what is not there is left out.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "scenarios/run_json.h"
#include "scenarios/scenario.h"

namespace callbot::scenarios {

// For a terminal: every case, its value, and why it is so; the verdict in the last line.
std::string report_text(const RunRecord& run);

// JUnit XML: a suite for each run, a case for each case. What fails is a <failure>; unmeasured and
// invalid are an <error>; a warning passes and says so in <system-out>.
std::string report_junit(std::span<const RunRecord> runs);

// One page that asks nothing of any network. `pictures` gives the JPEG of a FileFact of the kind
// "picture"; none: it is left out.
using Pictures = std::function<std::optional<std::string>(const FileFact& file)>;
std::string report_html(const Scenario& scenario, const RunRecord& run, const Pictures& pictures);

// Parts of the page.
std::string steps_section(const Evidence& evidence);
std::string graphs_section(const Scenario& scenario, const RunRecord& run);
std::string facts_sections(const Evidence& evidence);
// "0:12.3" since the run began.
std::string at_text(const Evidence& evidence, int64_t at_ns);
// "bob-1-alice.mkv at 12.3 s"; none: "".
std::string place_text(const Case& c);

}  // namespace callbot::scenarios
