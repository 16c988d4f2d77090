// recordings/report.h: a recording as one HTML page: verdict, timeline, findings, pictures, player,
// facts.
//
// The page is one file that asks nothing of any network and reads without scripts; only the player
// refers to the media files beside it. Everything that came from others is escaped, and a content
// security policy allows the page's own script and nothing else. Whatever the recording's length it
// stays below some 5 MB.
//
// Thread:  worker; blocks for as long as decoding takes.
// Owner:   the caller.
// Fails:   as gather_report; kStorage if the page cannot be written. A damaged or running recording
//          has a report too.
#pragma once

#include <filesystem>
#include <string>

#include "recordings/report_facts.h"

namespace callbot::recordings {

struct ReportConfig {
  std::filesystem::path out = {};  // empty: report.html in the folder
  VerifyConfig verify = {};
  bool judge_anew = false;
};

struct Report {
  std::filesystem::path path;
  uint64_t bytes = 0;
  std::optional<Severity> severity;
};

Result<Report> write_report(const std::filesystem::path& folder, const ReportConfig& config,
                            const ReportProgress& progress = {});

// `media_base`: what leads from the page to the recording's folder, "" or "../room-2026/".
std::string report_page(const ReportFacts& facts, const std::string& media_base);

}  // namespace callbot::recordings
