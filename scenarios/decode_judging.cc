// What must hold: timeline, thresholds; and where that is reported.
#include <fmt/core.h>

#include "base/units.h"
#include "scenarios/decode.h"

namespace callbot::scenarios {
namespace {

// "steady", or a time since the steps began, which begins with a digit.
Span::End moment(Reader& reader, const char* key, const std::string& text) {
  Span::End end;
  if (text.empty() || text[0] < '0' || text[0] > '9') {
    end.mark = text;
    return end;
  }
  const auto seconds = parse_seconds(text);
  if (seconds)
    end.seconds = *seconds;
  else
    reader.complain(key, seconds.error().message);
  return end;
}

Span decode_span(Reader& reader) {
  Span span;
  const auto between = reader.texts("between");
  if (between.size() == 2) {
    span.from = moment(reader, "between", between[0]);
    span.to = moment(reader, "between", between[1]);
  }
  if (const auto after = reader.text("after"); !after.empty())
    span.from = moment(reader, "after", after);
  if (const auto before = reader.text("before"); !before.empty())
    span.to = moment(reader, "before", before);
  for (const char* key : {"after", "before"}) {
    if (reader.has(key) && reader.has("between"))
      reader.complain(key, "expected between, or after and before, not both");
  }
  return span;
}

struct ItemKey {
  const char* key;
  Rule rule;
  Sight sight;
};
constexpr ItemKey kItems[] = {
    {"must_see", Rule::kMust, Sight::kSeen},
    {"must_hear", Rule::kMust, Sight::kHeard},
    {"may_see", Rule::kMay, Sight::kSeen},
    {"may_hear", Rule::kMay, Sight::kHeard},
    {"must_not_see", Rule::kMustNot, Sight::kSeen},
    {"must_not_hear", Rule::kMustNot, Sight::kHeard},
};

void decode_row(Reader& reader, Scenario& scenario) {
  TimelineRow row{.span = decode_span(reader), .place = reader.notes().place(reader.path())};
  row.who = reader.text("who", "*");
  for (const ItemKey& item : kItems) {
    for (const std::string& whom : reader.texts(item.key))
      row.items.push_back({item.rule, item.sight, whom});
  }
  row.closed = reader.flag("closed", false);
  row.grace = reader.number("grace", row.grace);
  row.name = reader.text("name");
  if (row.items.empty() && !row.closed)
    reader.notes().mistake(reader.path(),
                           "expected one of must_see, must_hear, must_not_see, must_not_hear, "
                           "may_see, may_hear");
  reader.done();
  scenario.timeline.push_back(std::move(row));
}

// Why this cannot be known to be broken before the window's end; empty: it can.
std::string abort_mistake(const Threshold& t) {
  const bool sum = t.stat.stat == Stat::kTotal || t.stat.stat == Stat::kCount;
  const bool grows = sum || t.stat.stat == Stat::kMax;
  const bool falls = t.stat.stat == Stat::kMin;
  if (!grows && !falls) return "";
  const bool upper = t.op == "<" || t.op == "<=" || (sum && t.op == "==" && t.value == 0);
  const bool lower = t.op == ">" || t.op == ">=";
  if (grows ? upper : lower) return "";
  return fmt::format("a {} only {}: that it is not {} {} is known at the end alone",
                     text_of(t.stat), grows ? "grows" : "falls", t.op, t.written);
}

Per per_of(const std::string& name) {
  return name == "actor" ? Per::kActor : name == "stream" ? Per::kStream : Per::kRun;
}

void decode_threshold(Reader& reader, Scenario& scenario) {
  Threshold t;
  t.place = reader.notes().place(reader.path());
  t.name = reader.text("name");
  const Gate gate = decode_gate(reader);
  t.metric = gate.metric;
  t.stat = gate.stat;
  t.op = gate.op;
  t.value = gate.value;
  t.written = gate.written;
  t.per = per_of(reader.text("per", "run"));
  t.span = decode_span(reader);
  t.who = reader.text("who");
  t.from = reader.text("from");
  t.stream = reader.text("stream");
  t.quorum = reader.number("quorum", 1);
  if (t.quorum <= 0) reader.complain("quorum", "expected more than nobody");
  t.least_samples = static_cast<size_t>(reader.whole("samples", 1));
  t.warn = reader.text("severity", "fail") == "warn";
  t.abort = reader.flag("abort", false);
  t.delay = reader.number("delay", 0);
  if (const std::string wrong = t.abort ? abort_mistake(t) : ""; !wrong.empty())
    reader.complain("abort", wrong);
  if (t.delay > 0 && !t.abort) reader.complain("delay", "expected only with abort: true");
  reader.done();
  scenario.thresholds.push_back(std::move(t));
}

}  // namespace

void decode_judging(Reader& root, Scenario& scenario) {
  root.list("timeline", [&](Reader reader) { decode_row(reader, scenario); });
  root.list("thresholds", [&](Reader reader) { decode_threshold(reader, scenario); });
  scenario.unmeasured_fails = root.text("unmeasured", "fail") != "warn";
  scenario.optional = root.texts("optional");
  const double timeout = root.number("timeout", 0);
  if (root.has("timeout")) scenario.timeout = timeout;
  auto report = root.object("report");
  if (!report) return;
  scenario.report.junit = report->text("junit");
  scenario.report.json = report->text("json");
  scenario.report.html = report->text("html");
  scenario.report.bundle = report->text("bundle");
  scenario.report.keeps_everything = report->text("keep", "failures") == "everything";
  if (report->has("keep") && scenario.report.bundle.empty())
    report->complain("keep", "expected a bundle: the folder that it is kept in");
  scenario.report.metrics = report->text("metrics");
  if (const std::string& at = scenario.report.metrics; !at.empty()) {
    if (auto listen = parse_listen_address(at); !listen)
      report->complain("metrics", listen.error().message);
  }
  report->done();
}

}  // namespace callbot::scenarios
