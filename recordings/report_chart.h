// recordings/report_chart.h: the pictures of a report, as SVG without words: they stretch to any
// width, and the page puts the words beside them.
//
// Thread:  any.
// Owner:   nobody; functions.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "base/chart.h"
#include "recordings/report_facts.h"

namespace callbot::recordings {

// One row of the timeline: there, sound, picture, and what is wrong with them.
std::string person_chart(const ReportFacts& facts, const ReportPerson& person);

// Bit rates over time, with what was lost below.
struct RateChart {
  std::string svg;
  double most_kbps = 0;
  double most_lost = 0;  // packets in one part
  double part_s = 0;
};
RateChart rate_chart(const ReportFacts& facts, const ReportPerson& person);

// A group of the legend that this kind of damage is drawn as: "missing", "waiting", "still",
// "lost", "poor".
const char* damage_group(const std::string& kind);

}  // namespace callbot::recordings
