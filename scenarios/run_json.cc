// The JSON of a run: each struct is described once, for writing, reading and the schema.
#include "scenarios/run_json.h"

#include <fmt/core.h>

#include "scenarios/described.h"

namespace callbot::scenarios {
namespace {

constexpr const char* kOutcomes[] = {"done", "failed", "unmeasured", "invalid", "skipped"};
constexpr const char* kStates[] = {"ok", "unmeasured", "invalid"};
constexpr const char* kSights[] = {"seen", "heard"};
constexpr const char* kVerdicts[] = {"pass", "warn", "fail", "unmeasured", "invalid"};
constexpr const char* kCaseKinds[] = {"run",      "threshold", "step",   "timeline",
                                      "baseline", "signaling", "network"};
constexpr int kVersion = 1;

// What series and cases name.
Json metrics_json() {
  Json all = Json::object();
  for (const Metric& metric : metrics())
    all.set(metric.name, Json::object()
                             .set("unit", metric.unit)
                             .set("kind", name_of(metric.kind))
                             .set("source", name_of(metric.source))
                             .set("definition", metric.what));
  return all;
}

Json metric_schema() {
  const Json text = Json::object().set("type", "string");
  return Json::object()
      .set("type", "object")
      .set("properties", Json::object()
                             .set("unit", text)
                             .set("kind", text)
                             .set("source", text)
                             .set("definition", text))
      .set("additionalProperties", false);
}

}  // namespace

void describe(auto& to, Is<TimeWindow> auto& v) { to.span(v); }
void describe(auto& to, Is<ActorFacts> auto& v) {
  to("name", v.name);
  to("role", v.role);
  to("room", v.room);
  to("verify", v.verify);
  to("browser", v.browser);
  to.list("inside", v.inside);
  to("elsewhere", v.elsewhere);
  to("playout_latency", v.playout_latency);
}
void describe(auto& to, Is<EventFact> auto& v) {
  to.time("at_ns", v.at_ns);
  to("actor", v.actor);
  to("kind", v.kind);
  to("text", v.text);
  to("unexpected", v.unexpected);
}
void describe(auto& to, Is<MarkFact> auto& v) {
  to("name", v.name);
  to.time("at_ns", v.at_ns);
}
void describe(auto& to, Is<Presence> auto& v) {
  to("observer", v.observer);
  to("whom", v.whom);
  to("carrier", v.carrier);
  to.choice("sight", v.sight, kSights);
  to.span(v.span);
}
void describe(auto& to, Is<Look> auto& v) {
  to("observer", v.observer);
  to("whom", v.whom);
  to.choice("sight", v.sight, kSights);
  to.span(v.span);
}
void describe(auto& to, Is<FileFact> auto& v) {
  to("path", v.path);
  to("kind", v.kind);
  to("actor", v.actor);
  to("from", v.from);
  to("stream", v.stream);
  to.span(v.span);
  to("bytes", v.bytes);
  to("text", v.text);
}
void describe(auto& to, Is<CandidatePair> auto& v) {
  to.time("at_ns", v.at_ns);
  to("actor", v.actor);
  to("with", v.with);
  to("local", v.local);
  to("remote", v.remote);
  to("why", v.why);
}
void describe(auto& to, Is<NetworkFact> auto& v) {
  to("actor", v.actor);
  to("set_by", v.set_by);
  to("conditions", v.conditions);
  to("label", v.label);
  to.choice("outcome", v.outcome, kOutcomes);
  to.span(v.span);
  to("text", v.text);
}
void describe(auto& to, Is<StepFact> auto& v) {
  to("index", v.index);
  to("what", v.what);
  to("kind", v.kind);
  to("actor", v.actor);
  to.choice("outcome", v.outcome, kOutcomes);
  to("optional", v.optional);
  to.span(v.span);
  to("text", v.text);
}
void describe(auto& to, Is<Sample> auto& v) {
  to.time("at_ns", v.at_ns);
  to("value", v.value);
}
void describe(auto& to, Is<Folded::Class> auto& v) {
  to.time("at_ns", v.at_ns);
  to("value", v.value);
  to("count", v.count);
}
void describe(auto& to, Is<Folded> auto& v) {
  to.time("from_ns", v.from_ns);
  to.time("first_ns", v.first_ns);
  to.time("end_ns", v.end_ns);
  to("count", v.count);
  to("sum", v.sum);
  to("squares", v.squares);
  to.object("least", v.least);
  to.object("most", v.most);
  to.list("classes", v.classes);
}
void describe(auto& to, Is<Stretch> auto& v) {
  to.time("from_ns", v.from_ns);
  to("count", v.count);
  to("sum", v.sum);
}
void describe(auto& to, Is<Series> auto& v) {
  to("metric", v.metric);
  to("actor", v.actor);
  to("from", v.from);
  to("stream", v.stream);
  to.choice("state", v.state, kStates);
  to("why", v.why);
  to("uncertainty", v.uncertainty);
  to.samples(v.samples);
  to.list("folded", v.folded);
  to.list("stretches", v.stretches);
  to.wall("stretch_ns", v.stretch_ns);
}
void describe(auto& to, Is<Evidence> auto& v) {
  to("scenario", v.scenario);
  to("file", v.file);
  to("description", v.description);
  to("version", v.version);
  to("seed", v.seed);
  to("run", v.run);
  to("variables", v.variables);
  to.time("began_ns", v.began_ns);
  to.wall("began_wall_ns", v.began_wall_ns);
  to.time("steps_ns", v.steps_ns);
  to.time("ended_ns", v.ended_ns);
  to("ended", v.ended);
  to("established", v.established);
  to("interrupted", v.interrupted);
  to.texts("invalid", v.invalid);
  to.list("actors", v.actors);
  to.list("events", v.events);
  to.list("marks", v.marks);
  to.list("steps", v.steps);
  to.list("series", v.series);
  to.list("presence", v.presence);
  to.list("looks", v.looks);
  to.list("files", v.files);
  to.list("pairs", v.pairs);
  to.list("networks", v.networks);
  to("machine", v.machine);
}

void describe(auto& to, Is<CasePlace> auto& v) {
  to.time("at_ns", v.at_ns);
  to("actor", v.actor);
  to("from", v.from);
  to("file", v.file);
  to("in_file", v.in_file);
}
void describe(auto& to, Is<Case> auto& v) {
  to.choice("kind", v.kind, kCaseKinds);
  to("name", v.name);
  to("detail", v.detail);
  to.choice("verdict", v.verdict, kVerdicts);
  to("softened", v.softened);
  to("text", v.text);
  to("value", v.value);
  to("limit", v.limit);
  to("op", v.op);
  to("unit", v.unit);
  to("metric", v.metric);
  to("stat", v.stat);
  to("uncertainty", v.uncertainty);
  to("samples", v.samples);
  to("groups", v.groups);
  to("groups_passed", v.groups_passed);
  to.maybe("window", v.window);
  to.maybe("place", v.place);
  to("definition", v.definition);
}
void describe(auto& to, Is<SummaryRow> auto& v) {
  to("metric", v.metric);
  to("stat", v.stat);
  to("unit", v.unit);
  to("value", v.value);
  to("samples", v.samples);
}
void describe(auto& to, Is<RunRecord> auto& v) {
  to.choice("verdict", v.judged.verdict, kVerdicts);
  to.list("cases", v.judged.cases);
  to.list("summary", v.summary);
  to.object("evidence", v.evidence);
}

Json run_json(std::span<const RunRecord> runs) {
  Json list = Json::array();
  std::vector<Judged> judged;
  for (const RunRecord& run : runs) {
    Out out(run.evidence.began_ns);
    describe(out, run);
    list.add(out.take());
    judged.push_back(run.judged);
  }
  return Json::object()
      .set("callbot_run", kVersion)
      .set("exit_status", exit_status_of(judged))
      .set("metrics", metrics_json())
      .set("runs", list);
}

Result<std::vector<RunRecord>> runs_of(const Json& json) {
  Fields fields(json);
  fields.ignore_unknown();
  if (fields.need<int>("callbot_run") != kVersion)
    fields.complain("callbot_run", fmt::format("expected {}", kVersion));
  std::vector<RunRecord> runs;
  In(fields).list("runs", runs);
  for (RunRecord& run : runs) {
    run.judged.established = run.evidence.established;
    run.judged.interrupted = run.evidence.interrupted;
  }
  return fields.done().map([&] { return runs; });
}

Json run_schema() {
  const Json number = Json::object().set("type", "integer");
  return Json::object()
      .set("$schema", "https://json-schema.org/draft/2020-12/schema")
      .set("title", "runs of a callbot scenario")
      .set("type", "object")
      .set(
          "properties",
          Json::object()
              .set("callbot_run", Json::object().set("const", kVersion))
              .set("exit_status", number)
              .set(
                  "metrics",
                  Json::object().set("type", "object").set("additionalProperties", metric_schema()))
              .set("runs",
                   Json::object().set("type", "array").set("items", SchemaOut::of(RunRecord{}))))
      .set("required", Json::array().add("callbot_run").add("exit_status").add("runs"));
}

}  // namespace callbot::scenarios
