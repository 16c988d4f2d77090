// recordings/report_sections.h: the parts of a report's page, as HTML.
//
// Thread:  any.
// Owner:   report_page.
// Fails:   never.
#pragma once

#include <string>

#include "recordings/report_facts.h"

namespace callbot::recordings {

std::string hero_section(const ReportFacts& facts);
std::string timeline_section(const ReportFacts& facts);
std::string findings_section(const ReportFacts& facts, const std::string& media_base);
std::string people_section(const ReportFacts& facts, const std::string& media_base);
std::string facts_section(const ReportFacts& facts);

// A name for people, escaped; the id where there is none.
std::string shown_name(const ReportPerson& person, size_t most = 80);
std::string shown_bytes(uint64_t bytes);

}  // namespace callbot::recordings
