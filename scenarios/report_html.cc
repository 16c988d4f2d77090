#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/html.h"
#include "base/page.h"
#include "scenarios/report.h"
#include "scenarios/report_files.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostPictures = 24;
constexpr size_t kMostPasses = 200;  // rows of the table that are nothing to look at

const char* css_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "fail";
    default:
      return "none";
  }
}

std::string capital(std::string text) {
  if (!text.empty()) text[0] = g_ascii_toupper(text[0]);
  return text;
}

size_t count(const RunRecord& run, Verdict verdict) {
  return static_cast<size_t>(std::count_if(run.judged.cases.begin(), run.judged.cases.end(),
                                           [&](const Case& c) { return c.verdict == verdict; }));
}

std::string sentence(const RunRecord& run) {
  const Case* first = nullptr;
  for (const Case& c : run.judged.cases) {
    if (c.verdict == run.judged.verdict && c.verdict != Verdict::kPass && first == nullptr)
      first = &c;
  }
  if (first == nullptr) return fmt::format("All {} checks hold.", run.judged.cases.size());
  return html(first->name, 120) + ": " + html(first->text, 240);
}

std::string head(const RunRecord& run) {
  const Evidence& e = run.evidence;
  std::vector<Tile> all = {
      {"Length", clock_text(std::max<int64_t>(e.ended_ns - e.began_ns, 0)), ""},
      {"Actors", std::to_string(e.actors.size()), ""},
      {"Pass", std::to_string(count(run, Verdict::kPass)), ""},
  };
  for (const Verdict v :
       {Verdict::kFail, Verdict::kWarn, Verdict::kUnmeasured, Verdict::kInvalid}) {
    if (const size_t n = count(run, v); n > 0)
      all.push_back({capital(name_of(v)), std::to_string(n), ""});
  }
  for (const SummaryRow& row : run.summary) {
    if (row.metric == "video.e2e_delay" && row.stat == "p95")
      all.push_back({"Delay", value_text(row.value, row.unit), row.stat});
    if (row.metric == "av.skew" && row.stat == "p95abs")
      all.push_back({"A/V skew", value_text(row.value, row.unit), row.stat});
  }
  std::string when = shown_time(e.began_wall_ns);
  if (e.run > 1) when += fmt::format(" · run {}", e.run);
  return hero(css_of(run.judged.verdict), capital(name_of(run.judged.verdict)),
              html(e.scenario, 120), when, sentence(run)) +
         tiles(all);
}

std::string numbers(const Case& c) {
  if (!c.value) return "";
  std::string out = value_text(*c.value, c.unit);
  if (c.uncertainty > 0) out += " ± " + value_text(c.uncertainty, c.unit);
  return out;
}

std::string case_row(const RunRecord& run, const Case& c) {
  std::string what = "<p>" + html(c.name, 200) + "</p>";
  if (!c.text.empty()) what += "<p class=\"fine\">" + html(c.text, 400) + "</p>";
  if (!c.definition.empty() && c.verdict != Verdict::kPass)
    what += "<p class=\"fine\"><code>" + html(c.metric) + "</code>: " + html(c.definition, 300) +
            "</p>";
  std::string where;
  if (c.place && c.verdict != Verdict::kPass) where = at_text(run.evidence, c.place->at_ns);
  if (const std::string place = place_text(c); !place.empty() && c.verdict != Verdict::kPass)
    where += "<br><code>" + html(place, 120) + "</code>";
  return fmt::format(
      "<tr><td><span class=\"chip {}\">{}</span></td><td class=\"what\">{}</td>"
      "<td class=\"value\">{}</td><td class=\"value\">{}</td><td class=\"value\">{}</td>"
      "<td>{}</td></tr>\n",
      css_of(c.verdict), name_of(c.verdict), what, numbers(c),
      c.limit ? html(c.op) + " " + value_text(*c.limit, c.unit) : "",
      c.metric.empty() ? "" : std::to_string(c.samples), where);
}

// What is not good first.
std::string cases_section(const RunRecord& run) {
  std::vector<const Case*> order;
  for (const Case& c : run.judged.cases) order.push_back(&c);
  const auto rank = [](const Case* c) {
    constexpr int kRanks[] = {4, 3, 0, 2, 1};  // pass, warn, fail, unmeasured, invalid
    return kRanks[static_cast<int>(c->verdict)];
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Case* a, const Case* b) { return rank(a) < rank(b); });
  std::string rows;
  size_t passes = 0;
  for (const Case* c : order) {
    if (c->verdict == Verdict::kPass && ++passes > kMostPasses) continue;
    rows += case_row(run, *c);
  }
  std::string more;
  if (passes > kMostPasses)
    more = fmt::format("<p class=\"fine\">and {} more that hold</p>", passes - kMostPasses);
  return "<section id=\"verdicts\">\n<h2>Verdicts</h2>\n<table class=\"cases\"><thead><tr>"
         "<th>Verdict</th><th>What</th><th>Value</th><th>Limit</th><th>Samples</th><th>Where</th>"
         "</tr></thead><tbody>\n" +
         rows + "</tbody></table>\n" + more + "</section>\n";
}

std::string pictures_section(const Evidence& e, const Pictures& pictures) {
  std::string out;
  size_t shown = 0;
  for (const FileFact& f : e.files) {
    if (f.kind != "picture" || shown == kMostPictures || !pictures) continue;
    const auto bytes = pictures(f);
    if (!bytes) continue;
    ++shown;
    const std::string who = f.actor + (f.from.empty() ? "'s page" : " sees " + f.from);
    out += fmt::format(
        "<figure><img src=\"{}\" alt=\"{}\"><figcaption>{} · {}<br>{}</figcaption></figure>\n",
        data_url("image/jpeg", *bytes), html(who, 80), at_text(e, f.span.from_ns), html(who, 80),
        html(f.text, 160));
  }
  if (out.empty()) return "";
  return "<section id=\"pictures\">\n<h2>Pictures at failures</h2>\n<div class=\"sheet\">" + out +
         "</div></section>\n";
}

}  // namespace

std::string report_html(const Scenario& scenario, const RunRecord& run, const Pictures& pictures) {
  const Evidence& e = run.evidence;
  return page({
      .title = capital(name_of(run.judged.verdict)) + ": " + html(e.scenario, 80),
      .style = run_style(),
      .script = run_script(),
      .body = head(run) + cases_section(run) + steps_section(e) + pictures_section(e, pictures) +
              graphs_section(scenario, run) + facts_sections(e),
      .footer = "Made by callbot " CALLBOT_VERSION
                ". This page is whole: it asks nothing of any network.",
  });
}

}  // namespace callbot::scenarios
