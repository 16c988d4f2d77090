#include "recordings/report.h"

#include <fmt/core.h>

#include "base/files.h"
#include "recordings/html.h"
#include "recordings/report_files.h"
#include "recordings/report_sections.h"

namespace callbot::recordings {
namespace {

std::string title_of(const ReportFacts& facts) {
  const std::string& room = facts.recording.manifest.facts.room;
  const std::string word = facts.verdict ? name_of(facts.verdict->severity) : "No verdict";
  return word + ": " + html(room.empty() ? "recording" : room, 80);
}

std::string head(const ReportFacts& facts) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "img-src data:; media-src 'self' file: blob:; style-src 'unsafe-inline'; script-src {}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<meta name=\"generator\" content=\"callbot\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n",
      csp_hash(report_script()), title_of(facts), report_style());
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
  std::string page = head(facts);
  page += fmt::format("<body data-seconds=\"{:.3f}\">\n<main>\n", facts.seconds());
  page += hero_section(facts);
  page += timeline_section(facts);
  page += findings_section(facts, media_base);
  page += people_section(facts, media_base);
  page += facts_section(facts);
  page += "</main>\n<footer>Made by callbot " CALLBOT_VERSION
          ". This page is whole: it asks nothing of any network.</footer>\n";
  page += "<script>" + std::string(report_script()) + "</script>\n</body>\n</html>\n";
  return page;
}

Result<Report> write_report(const fs::path& folder, const ReportConfig& config,
                            const ReportProgress& progress) {
  auto facts = gather_report(folder, config.verify, config.judge_anew, progress);
  if (!facts) return tl::unexpected(facts.error());
  Report report{.path = config.out.empty() ? folder / "report.html" : config.out};
  const std::string page = report_page(*facts, base_of(report.path, folder));
  if (auto written = write_atomically(report.path, page); !written)
    return tl::unexpected(written.error());
  report.bytes = page.size();
  if (facts->verdict) report.severity = facts->verdict->severity;
  return report;
}

}  // namespace callbot::recordings
