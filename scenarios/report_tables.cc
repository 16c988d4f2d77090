// The tables of a run's page: addresses, events, files, the machine.
#include <fmt/core.h>

#include "base/bytes.h"
#include "base/html.h"
#include "scenarios/report.h"
#include "scenarios/report_networks.h"
#include "scenarios/stats.h"
#include "scenarios/verdict.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostRows = 500;  // of one table

std::string cells(const std::vector<std::string>& all, const char* tag = "td") {
  std::string out = "<tr>";
  for (const std::string& one : all) out += fmt::format("<{0}>{1}</{0}>", tag, one);
  return out + "</tr>\n";
}

std::string table(const char* title, const std::vector<std::string>& head, const std::string& rows,
                  size_t left_out) {
  if (rows.empty()) return "";
  std::string out = fmt::format(
      "<h3>{}</h3>\n<div class=\"scroll\"><table class=\"list\"><thead>{}</thead><tbody>{}</tbody>"
      "</table></div>\n",
      title, cells(head, "th"), rows);
  if (left_out > 0) out += fmt::format("<p class=\"fine\">and {} more in the JSON</p>\n", left_out);
  return out;
}

size_t beyond(size_t all) { return all > kMostRows ? all - kMostRows : 0; }

std::string pairs(const Evidence& e) {
  std::string rows;
  for (size_t i = 0; i < e.pairs.size() && i < kMostRows; ++i) {
    const CandidatePair& p = e.pairs[i];
    rows += cells({at_text(e, p.at_ns), html(p.actor, 40), html(p.with, 40),
                   "<code>" + html(p.local, 80) + "</code>",
                   "<code>" + html(p.remote, 80) + "</code>", html(p.why, 80)});
  }
  return table("Candidate pairs", {"At", "Actor", "With", "Its address", "The other's", "Why"},
               rows, beyond(e.pairs.size()));
}

std::string steps(const Evidence& e) {
  std::string rows;
  for (size_t i = 0; i < e.steps.size() && i < kMostRows; ++i) {
    const StepFact& s = e.steps[i];
    rows += cells({std::to_string(s.index + 1), at_text(e, s.span.from_ns), html(s.what, 80),
                   html(s.actor, 40), name_of(s.outcome), html(s.text, 200)});
  }
  return table("Steps", {"", "At", "Step", "Who", "Outcome", ""}, rows, beyond(e.steps.size()));
}

std::string networks(const Evidence& e) {
  std::string rows;
  for (size_t i = 0; i < e.networks.size() && i < kMostRows; ++i) {
    const NetworkFact& n = e.networks[i];
    rows += cells({at_text(e, n.span.from_ns), html(n.actor, 40),
                   n.set_by.empty() ? "its own" : html(n.set_by, 40), html(n.conditions, 160),
                   proof_text(n), html(n.text, 400)});
  }
  return table("Networks", {"At", "Actor", "Set by", "Conditions", "Outcome", ""}, rows,
               beyond(e.networks.size()));
}

std::string events(const Evidence& e) {
  std::string rows;
  for (size_t i = 0; i < e.events.size() && i < kMostRows; ++i) {
    const EventFact& v = e.events[i];
    rows += cells({at_text(e, v.at_ns), html(v.actor, 40), html(v.kind, 40), html(v.text, 200)});
  }
  return table("Events", {"At", "Actor", "Event", ""}, rows, beyond(e.events.size()));
}

std::string files(const Evidence& e) {
  std::string rows;
  for (size_t i = 0; i < e.files.size() && i < kMostRows; ++i) {
    const FileFact& f = e.files[i];
    rows += cells({"<code>" + html(f.path, 160) + "</code>", html(f.kind, 20), html(f.actor, 40),
                   html(f.from, 40), at_text(e, f.span.from_ns),
                   f.bytes > 0 ? bytes_text(f.bytes) : ""});
  }
  return table("Files", {"File", "Kind", "Kept by", "Of", "From", "Size"}, rows,
               beyond(e.files.size()));
}

// A number that says most of what was measured.
std::string value_of(const Series& series, const Metric& metric, const TimeWindow& window) {
  const Series* const one[] = {&series};
  const auto stat = [&](const StatName& name) {
    const StatValue value = compute(name, metric, one, {}, window, window.seconds());
    return value.value ? value_text(*value.value, unit_of(name, metric)) : std::string("-");
  };
  if (series.state == Measured::kUnmeasured) return "";
  if (metric.kind == MetricKind::kGauge)
    return stat({Stat::kPercentile, 50}) + ", p95 " + stat({Stat::kPercentile, 95});
  const std::string total = stat({Stat::kTotal});
  return metric.kind == MetricKind::kCount ? total : total + " in " + stat({Stat::kCount});
}

std::string measured(const Evidence& e) {
  std::string rows;
  const TimeWindow window{e.began_ns, e.ended_ns};
  size_t count = 0;
  for (const Metric& metric : metrics()) {
    for (const Series& s : e.series) {
      if (s.metric != metric.name || ++count > kMostRows) continue;
      const std::string state =
          s.state == Measured::kOk ? "" : std::string(name_of(s.state)) + ": " + html(s.why, 120);
      rows += cells(
          {fmt::format("<code title=\"{}\">{}</code>", html(metric.what, 300), html(metric.name)),
           html(s.actor, 40), html(s.from, 40), html(s.stream, 40), value_of(s, metric, window),
           std::to_string(count_of(s)), name_of(metric.source), state});
    }
  }
  return table("Everything measured, over the whole run",
               {"Metric", "By", "Of", "Stream", "p50, or in all", "Samples", "Source", ""}, rows,
               beyond(count));
}

std::string facts(const Evidence& e) {
  std::string out;
  const auto row = [&](const std::string& key, const std::string& value) {
    if (!value.empty())
      out += "<tr><th scope=\"row\">" + key + "</th><td>" + value + "</td></tr>\n";
  };
  row("Scenario", "<code>" + html(e.file) + "</code>");
  row("Description", html(e.description, 600));
  row("Run", std::to_string(e.run));
  row("Seed", std::to_string(e.seed));
  for (const auto& [name, value] : e.variables) row("${" + html(name) + "}", html(value));
  for (const auto& [name, value] : e.machine) row(html(name), html(value));
  row("Software", "callbot " + html(e.version));
  return "<table class=\"facts\">" + out + "</table>\n";
}

}  // namespace

std::string facts_sections(const Evidence& e) {
  const std::string what = pairs(e) + networks(e) + steps(e) + events(e) + files(e) + measured(e);
  return "<section id=\"facts\">\n<h2>Facts</h2>\n" + facts(e) + what + "</section>\n";
}

}  // namespace callbot::scenarios
