#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "scenarios/report.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostText = 400;

std::string upper(std::string text) {
  for (char& c : text) c = g_ascii_toupper(c);
  return text;
}

std::string line(const Case& c) {
  std::string out = fmt::format("  {:<11}{}", upper(name_of(c.verdict)), printable(c.name));
  // Of a network it is told what could not show.
  const bool quiet = c.verdict == Verdict::kPass && !c.value && c.kind != Case::kNetwork;
  if (!quiet) out += "\n             " + printable(c.text, kMostText);
  if (c.verdict == Verdict::kPass) return out;
  if (c.samples > 0) out += fmt::format("; {} samples", c.samples);
  if (const std::string place = place_text(c); !place.empty())
    out += "\n             see " + printable(place);
  return out;
}

}  // namespace

std::string at_text(const Evidence& evidence, int64_t at_ns) {
  return clock_text(std::max<int64_t>(at_ns - evidence.began_ns, 0));
}

std::string place_text(const Case& c) {
  if (!c.place || c.place->file.empty()) return "";
  return fmt::format("{} at {:.1f} s", c.place->file, c.place->in_file);
}

std::string report_text(const RunRecord& run) {
  const Evidence& e = run.evidence;
  std::string out = fmt::format("{} (run {}, {})\n", printable(e.scenario), e.run,
                                clock_text(std::max<int64_t>(e.ended_ns - e.began_ns, 0)));
  std::map<Verdict, size_t> counts;
  for (const Case& c : run.judged.cases) {
    out += line(c) + "\n";
    ++counts[c.verdict];
  }
  std::string sum;
  for (const auto& [verdict, n] : counts)
    sum += fmt::format("{}{} {}", sum.empty() ? "" : ", ", n, name_of(verdict));
  return out + fmt::format("{}: {}", upper(name_of(run.judged.verdict)), sum);
}

}  // namespace callbot::scenarios
