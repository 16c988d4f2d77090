// scenarios/report_networks.h: what actors' networks were like, as parts of a run's charts: each
// while under the same conditions a span of a strip, each change a line.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; who has no network has no strip.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/chart.h"
#include "scenarios/evidence.h"

namespace callbot::scenarios {

// Under a chart, as HTML; empty: there is nothing of this actor.
enum class Strip { kWithLabels, kThin };
std::string network_strip(const Evidence& evidence, const TimeScale& scale,
                          const std::string& actor, Strip kind);
// Across a chart, as SVG: where the networks of these actors changed.
std::string network_lines(const Evidence& evidence, const TimeScale& scale,
                          const std::set<std::string>& actors, double height);
// The colours; empty: nobody has a network.
std::string network_legend(const Evidence& evidence);
// Of the actors, those that have a network.
std::vector<std::string> networked(const Evidence& evidence, const std::set<std::string>& actors);
// "done", "not asked".
std::string proof_text(const NetworkFact& fact);

}  // namespace callbot::scenarios
