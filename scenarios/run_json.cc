// The JSON of a run: each struct is described once, for writing, reading and the schema.
#include "scenarios/run_json.h"

#include <fmt/format.h>

#include <optional>
#include <span>

namespace callbot::scenarios {
namespace {

constexpr const char* kOutcomes[] = {"done", "failed", "unmeasured", "invalid", "skipped"};
constexpr const char* kStates[] = {"ok", "unmeasured", "invalid"};
constexpr const char* kSights[] = {"seen", "heard"};
constexpr const char* kVerdicts[] = {"pass", "warn", "fail", "unmeasured", "invalid"};
constexpr const char* kCaseKinds[] = {"run", "threshold", "step", "timeline", "baseline"};
constexpr int kVersion = 1;

// T is the struct, const for Out.
template <class S, class T>
concept Is = std::is_same_v<std::remove_const_t<S>, T>;

class Out {
 public:
  explicit Out(int64_t began) : began_(began) {}
  void operator()(const char* key, const std::string& v) {
    if (!v.empty()) json_.set(key, v);
  }
  void operator()(const char* key, const double& v) { json_.set(key, v); }
  void operator()(const char* key, const std::optional<double>& v) {
    if (v) json_.set(key, *v);
  }
  void operator()(const char* key, const bool& v) { json_.set(key, v); }
  void operator()(const char* key, const uint64_t& v) { json_.set(key, v); }
  void operator()(const char* key, const int& v) { json_.set(key, v); }
  void operator()(const char* key, const std::map<std::string, std::string>& v) {
    Json map = Json::object();
    for (const auto& [name, value] : v) map.set(name.c_str(), value);
    json_.set(key, map);
  }
  void time(const char* key, const int64_t& v) { json_.set(key, v - began_); }
  void wall(const char* key, const int64_t& v) { json_.set(key, v); }
  void span(const TimeWindow& v) {
    time("from_ns", v.from_ns);
    time("to_ns", v.to_ns);
  }
  template <class E>
  void choice(const char* key, const E& v, std::span<const char* const> names) {
    json_.set(key, names[static_cast<size_t>(v)]);
  }
  void texts(const char* key, const std::vector<std::string>& v) {
    Json list = Json::array();
    for (const std::string& text : v) list.add(text);
    json_.set(key, list);
  }
  template <class T>
  void list(const char* key, const std::vector<T>& v) {
    Json list = Json::array();
    for (const T& one : v) {
      Out out(began_);
      describe(out, one);
      list.add(out.json_);
    }
    json_.set(key, list);
  }
  template <class T>
  void maybe(const char* key, const std::optional<T>& v) {
    if (!v) return;
    Out out(began_);
    describe(out, *v);
    json_.set(key, out.json_);
  }
  template <class T>
  void object(const char* key, const T& v) {
    Out out(began_);
    describe(out, v);
    json_.set(key, out.json_);
  }
  void samples(const std::vector<Sample>& v) {
    Json times = Json::array();
    Json values = Json::array();
    for (const Sample& s : v) {
      times.add(s.at_ns - began_);
      values.add(s.value);
    }
    json_.set("at_ns", times).set("values", values);
  }
  Json take() { return json_; }

 private:
  int64_t began_;
  Json json_ = Json::object();
};

class In {
 public:
  explicit In(Fields& fields) : fields_(fields) { fields_.ignore_unknown(); }
  void operator()(const char* key, std::string& v) { v = fields_.get<std::string>(key, ""); }
  void operator()(const char* key, double& v) { v = fields_.get<double>(key, 0); }
  void operator()(const char* key, std::optional<double>& v) {
    if (fields_.has(key)) v = fields_.get<double>(key, 0);
  }
  void operator()(const char* key, bool& v) { v = fields_.get<bool>(key, false); }
  void operator()(const char* key, uint64_t& v) { v = fields_.get<uint64_t>(key, 0); }
  void operator()(const char* key, int& v) { v = fields_.get<int>(key, 0); }
  void operator()(const char* key, std::map<std::string, std::string>& v) {
    const Json map = fields_.raw(key);
    for (const std::string& name : map.keys()) v[name] = map.at(name.c_str()).text().value_or("");
  }
  void time(const char* key, int64_t& v) { v = fields_.get<int64_t>(key, 0); }
  void wall(const char* key, int64_t& v) { v = fields_.get<int64_t>(key, 0); }
  void span(TimeWindow& v) {
    time("from_ns", v.from_ns);
    time("to_ns", v.to_ns);
  }
  template <class E>
  void choice(const char* key, E& v, std::span<const char* const> names) {
    const auto text = fields_.need<std::string>(key);
    for (size_t i = 0; i < names.size(); ++i) {
      if (text != names[i]) continue;
      v = static_cast<E>(i);
      return;
    }
    fields_.complain(key, fmt::format("expected one of {}", fmt::join(names, ", ")));
  }
  void texts(const char* key, std::vector<std::string>& v) {
    fields_.list(key, [&](const Json& one, const std::string&) {
      v.push_back(one.text().value_or(""));
    });
  }
  template <class T>
  void list(const char* key, std::vector<T>& v) {
    fields_.list(key, [&](const Json& one, const std::string& path) {
      Fields child(one, path);
      In in(child);
      T value;
      describe(in, value);
      fields_.absorb(child);
      v.push_back(std::move(value));
    });
  }
  template <class T>
  void maybe(const char* key, std::optional<T>& v) {
    if (!fields_.has(key)) return;
    Fields child = fields_.object(key);
    In in(child);
    describe(in, v.emplace());
    fields_.absorb(child);
  }
  template <class T>
  void object(const char* key, T& v) {
    Fields child = fields_.object(key);
    In in(child);
    describe(in, v);
    fields_.absorb(child);
  }
  void samples(std::vector<Sample>& v) {
    const Json times = fields_.raw("at_ns");
    const Json values = fields_.raw("values");
    if (times.size() != values.size())
      return fields_.complain("values", "expected as many as at_ns");
    for (size_t i = 0; i < times.size(); ++i) {
      const auto at = times.at(i).whole();
      const auto value = values.at(i).number();
      if (!at || !value) return fields_.complain("values", "expected numbers");
      v.push_back({*at, *value});
    }
  }

 private:
  Fields& fields_;
};

// The same description as JSON Schema.
class SchemaOut {
 public:
  void operator()(const char* key, const std::string&) { type(key, "string"); }
  void operator()(const char* key, const double&) { type(key, "number"); }
  void operator()(const char* key, const std::optional<double>&) { type(key, "number"); }
  void operator()(const char* key, const bool&) { type(key, "boolean"); }
  void operator()(const char* key, const uint64_t&) { type(key, "integer"); }
  void operator()(const char* key, const int&) { type(key, "integer"); }
  void operator()(const char* key, const std::map<std::string, std::string>&) {
    properties_.set(key, Json::object().set("type", "object").set("additionalProperties", text()));
  }
  void time(const char* key, const int64_t&) {
    properties_.set(key, Json::object()
                             .set("type", "integer")
                             .set("description", "nanoseconds since the run began"));
  }
  void wall(const char* key, const int64_t&) { type(key, "integer"); }
  void span(const TimeWindow& v) {
    time("from_ns", v.from_ns);
    time("to_ns", v.to_ns);
  }
  template <class E>
  void choice(const char* key, const E&, std::span<const char* const> names) {
    Json list = Json::array();
    for (const char* name : names) list.add(name);
    properties_.set(key, Json::object().set("enum", list));
    required_.add(key);
  }
  void texts(const char* key, const std::vector<std::string>&) { array(key, text()); }
  template <class T>
  void list(const char* key, const std::vector<T>&) {
    array(key, of(T{}));
  }
  template <class T>
  void maybe(const char* key, const std::optional<T>&) {
    properties_.set(key, of(T{}));
  }
  template <class T>
  void object(const char* key, const T& v) {
    properties_.set(key, of(v));
    required_.add(key);
  }
  void samples(const std::vector<Sample>&) {
    array("at_ns", Json::object().set("type", "integer"));
    array("values", Json::object().set("type", "number"));
  }
  Json take() {
    Json out = Json::object().set("type", "object").set("properties", properties_);
    return out.set_if(required_.size() > 0, "required", required_);
  }
  template <class T>
  static Json of(const T& value) {
    SchemaOut out;
    describe(out, value);
    return out.take();
  }

 private:
  static Json text() { return Json::object().set("type", "string"); }
  void type(const char* key, const char* name) {
    properties_.set(key, Json::object().set("type", name));
  }
  void array(const char* key, const Json& items) {
    properties_.set(key, Json::object().set("type", "array").set("items", items));
  }
  Json properties_ = Json::object();
  Json required_ = Json::array();
};

void describe(auto& to, Is<TimeWindow> auto& v) { to.span(v); }
void describe(auto& to, Is<ActorFacts> auto& v) {
  to("name", v.name);
  to("role", v.role);
  to("room", v.room);
  to("verify", v.verify);
  to("browser", v.browser);
  to.list("inside", v.inside);
}
void describe(auto& to, Is<EventFact> auto& v) {
  to.time("at_ns", v.at_ns);
  to("actor", v.actor);
  to("kind", v.kind);
  to("text", v.text);
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
void describe(auto& to, Is<Series> auto& v) {
  to("metric", v.metric);
  to("actor", v.actor);
  to("from", v.from);
  to("stream", v.stream);
  to.choice("state", v.state, kStates);
  to("why", v.why);
  to("uncertainty", v.uncertainty);
  to.samples(v.samples);
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

}  // namespace

Json to_json(const Evidence& evidence) {
  Out out(evidence.began_ns);
  describe(out, evidence);
  return out.take();
}

Result<Evidence> evidence_of(const Json& json) {
  Evidence evidence;
  Fields fields(json, "evidence");
  In in(fields);
  describe(in, evidence);
  return fields.done().map([&] { return evidence; });
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
      .set("runs", list);
}

Result<std::vector<RunRecord>> runs_of(const Json& json) {
  Fields fields(json);
  fields.ignore_unknown();
  if (fields.need<int>("callbot_run") != kVersion)
    fields.complain("callbot_run", fmt::format("expected {}", kVersion));
  std::vector<RunRecord> runs;
  In(fields).list("runs", runs);
  return fields.done().map([&] { return runs; });
}

Json run_schema() {
  const Json number = Json::object().set("type", "integer");
  return Json::object()
      .set("$schema", "https://json-schema.org/draft/2020-12/schema")
      .set("title", "runs of a callbot scenario")
      .set("type", "object")
      .set("properties",
           Json::object()
               .set("callbot_run", Json::object().set("const", kVersion))
               .set("exit_status", number)
               .set("runs", Json::object().set("type", "array").set("items", SchemaOut::of(RunRecord{}))))
      .set("required", Json::array().add("callbot_run").add("exit_status").add("runs"));
}

}  // namespace callbot::scenarios
