#include "recordings/report.h"

#include <fmt/core.h>

#include "base/files.h"
#include "base/html.h"
#include "base/page.h"
#include "recordings/report_files.h"
#include "recordings/report_sections.h"

namespace callbot::recordings {
namespace {

std::string title_of(const ReportFacts& facts) {
  const std::string& room = facts.recording.manifest.facts.room;
  const std::string word = facts.verdict ? name_of(facts.verdict->severity) : "No verdict";
  return word + ": " + html(room.empty() ? "recording" : room, 80);
}

// From the page to the folder; none where both are on different roots.
std::string base_of(const fs::path& page, const fs::path& folder) {
  std::error_code failed;
  const fs::path from = fs::absolute(page, failed).lexically_normal().parent_path();
  const fs::path to = fs::absolute(folder, failed).lexically_normal();
  std::string base = to.lexically_relative(from).string();
  while (base.ends_with('/')) base.pop_back();
  return base.empty() || base == "." ? "" : html_link(base) + "/";
}

}  // namespace

std::string report_page(const ReportFacts& facts, const std::string& media_base) {
  return page({
      .title = title_of(facts),
      .style = report_style(),
      .script = report_script(),
      .media = "'self' file: blob:",
      .body_attributes = fmt::format("data-seconds=\"{:.3f}\"", facts.seconds()),
      .body = hero_section(facts) + timeline_section(facts) + findings_section(facts, media_base) +
              people_section(facts, media_base) + facts_section(facts),
      .footer = "Made by callbot " CALLBOT_VERSION
                ". This page is whole: it asks nothing of any network.",
  });
}

Result<Report> write_report(const fs::path& folder, const ReportConfig& config,
                            const ReportProgress& progress) {
  auto facts = gather_report(folder, config.verify, config.judge_anew, progress);
  if (!facts) return tl::unexpected(facts.error());
  Report report{.path = config.out.empty() ? folder / "report.html" : config.out};
  const std::string text = report_page(*facts, base_of(report.path, folder));
  if (auto written = write_atomically(report.path, text); !written)
    return tl::unexpected(written.error());
  report.bytes = text.size();
  if (facts->verdict) report.severity = facts->verdict->severity;
  return report;
}

}  // namespace callbot::recordings
