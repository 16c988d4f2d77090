#include <fmt/core.h>

#include "base/clock.h"
#include "base/html.h"
#include "scenarios/report.h"

namespace callbot::scenarios {
namespace {

// XML 1.0 takes no control characters at all; html() shows them, and what it escapes is XML's too.
std::string xml(std::string_view text, size_t most = 2000) { return html(text, most); }

struct Counts {
  size_t tests = 0, failures = 0, errors = 0;
};

bool is_error(const Case& c) {
  return (c.verdict == Verdict::kUnmeasured && !c.softened) || c.verdict == Verdict::kInvalid;
}

Counts count(const RunRecord& run) {
  Counts n;
  for (const Case& c : run.judged.cases) {
    ++n.tests;
    n.failures += c.verdict == Verdict::kFail ? 1 : 0;
    n.errors += is_error(c) ? 1 : 0;
  }
  return n;
}

std::string seconds(double s) { return fmt::format("{:.3f}", s); }

// What a person needs to understand the case without the other reports.
std::string facts(const Case& c, const RunRecord& run) {
  std::string out;
  const auto say = [&](const char* what, const std::string& value) {
    if (!value.empty()) out += fmt::format("{}: {}\n", what, xml(value));
  };
  say("verdict", name_of(c.verdict));
  say("what", c.text);
  say("who", c.detail);
  if (c.value) say("value", value_text(*c.value, c.unit));
  if (c.limit) say("limit", c.op + " " + value_text(*c.limit, c.unit));
  if (c.uncertainty > 0) say("uncertainty", "± " + value_text(c.uncertainty, c.unit));
  if (!c.metric.empty()) say("samples", std::to_string(c.samples));
  if (c.window)
    say("window",
        fmt::format("{:.3f} s to {:.3f} s of the run", run.evidence.seconds(c.window->from_ns),
                    run.evidence.seconds(c.window->to_ns)));
  say("definition", c.definition);
  if (c.place) say("moment", at_text(run.evidence, c.place->at_ns));
  say("recording", place_text(c));
  for (const FileFact& f : run.evidence.files) {
    if (f.kind == "bundle") say("bundle", f.path);
  }
  if (c.written)
    say("scenario", fmt::format("{}:{}:{}", run.evidence.file, c.written.line, c.written.column));
  return out;
}

std::string test_case(const Case& c, const RunRecord& run, const std::string& suite) {
  const double time = c.window ? c.window->seconds() : 0;
  std::string name = c.name;
  if (!c.detail.empty() && c.kind != Case::kThreshold) name += ": " + c.detail;
  std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                                xml(suite, 200), xml(name, 300), seconds(time));
  if (c.written)
    out += fmt::format(" file=\"{}\" line=\"{}\"", xml(run.evidence.file), c.written.line);
  out += ">\n";
  const char* element = c.verdict == Verdict::kFail ? "failure" : is_error(c) ? "error" : nullptr;
  if (element != nullptr)
    out += fmt::format("      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n", element,
                       name_of(c.verdict), xml(c.text), facts(c, run));
  else
    out += fmt::format("      <system-out>{}</system-out>\n", facts(c, run));
  return out + "    </testcase>\n";
}

std::string suite(const RunRecord& run) {
  const Evidence& e = run.evidence;
  const Counts n = count(run);
  const std::string name = e.run > 1 ? fmt::format("{} (run {})", e.scenario, e.run) : e.scenario;
  std::string wall = rfc3339(e.began_wall_ns);
  wall.resize(std::min<size_t>(wall.size(), 19));  // JUnit's has no fraction and no zone
  std::string out = fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" "
      "timestamp=\"{}\" time=\"{}\">\n    <properties>\n",
      xml(name, 200), n.tests, n.failures, n.errors, wall,
      seconds(static_cast<double>(e.ended_ns - e.began_ns) / 1e9));
  const auto property = [&](const std::string& key, const std::string& value) {
    out += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", xml(key), xml(value));
  };
  property("callbot", e.version);
  property("verdict", name_of(run.judged.verdict));
  property("seed", std::to_string(e.seed));
  for (const auto& [key, value] : e.variables) property("var." + key, value);
  for (const auto& [key, value] : e.machine) property("machine." + key, value);
  out += "    </properties>\n";
  for (const Case& c : run.judged.cases) out += test_case(c, run, name);
  return out + "  </testsuite>\n";
}

}  // namespace

std::string report_junit(std::span<const RunRecord> runs) {
  Counts all;
  std::string suites;
  for (const RunRecord& run : runs) {
    const Counts n = count(run);
    all.tests += n.tests;
    all.failures += n.failures;
    all.errors += n.errors;
    suites += suite(run);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"callbot test\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n{}"
      "</testsuites>\n",
      all.tests, all.failures, all.errors, suites);
}

}  // namespace callbot::scenarios
