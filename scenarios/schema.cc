#include "scenarios/schema.h"

#include <fmt/core.h>

#include <cmath>
#include <string>

#include "scenarios/shapes.h"

namespace callbot::scenarios {
namespace {

Json ref(const std::string& name) { return Json::object().set("$ref", "#/$defs/" + name); }
Json type(const char* name) { return Json::object().set("type", name); }

template <class... Schemas>
Json any_of(const Schemas&... schemas) {
  Json list = Json::array();
  (list.add(schemas), ...);
  return Json::object().set("anyOf", list);
}

Json one_or_list(const Json& item) { return any_of(item, type("array").set("items", item)); }

Json choices(const Key& key) {
  Json names = Json::array();
  for (const char* name : key.choices) names.add(name);
  return any_of(Json::object().set("enum", names), ref("variable"));
}

Json bounded(Json schema, const Key& key) {
  schema.set_if(std::isfinite(key.least), "minimum", key.least);
  return schema.set_if(std::isfinite(key.most), "maximum", key.most);
}

Json metric_names() {
  Json names = Json::array();
  for (const Metric& metric : metrics()) names.add(metric.name);
  return any_of(Json::object().set("enum", names), ref("variable"));
}

Json stat_names() {
  Json names = Json::array();
  for (const char* name : {"min", "max", "mean", "p50", "p90", "p95", "p99", "p95abs", "total",
                           "count", "rate", "ratio", "harmonic"})
    names.add(name);
  return any_of(Json::object().set("enum", names),
                type("string").set("pattern", "^p[0-9]{1,2}(\\.[0-9]+)?(abs)?$"), ref("variable"));
}

Json object_or_plain(const Shape& shape);

Json steps() {
  Json list = Json::array();
  for (const StepShape& row : step_shapes()) list.add(ref(row.shape->name));
  return type("array").set("minItems", 1).set("items", Json::object().set("oneOf", list));
}

Json names_of(const Shape& shape) {
  return type("object").set("additionalProperties", any_of(object_or_plain(shape), type("null")));
}

Json schema_of(const Key& key) {
  switch (key.kind) {
    case KeyKind::kText:
      return type("string");
    case KeyKind::kTexts:
      return one_or_list(type("string"));
    case KeyKind::kWhole:
      return any_of(bounded(type("integer"), key), ref("variable"));
    case KeyKind::kNumber:
      return any_of(bounded(type("number"), key), ref("variable"));
    case KeyKind::kFlag:
      return any_of(type("boolean"), ref("variable"));
    case KeyKind::kSeconds:
      return ref("time");
    case KeyKind::kBitRate:
      return ref("rate");
    case KeyKind::kShare:
      return ref("share");
    case KeyKind::kAmount:
    case KeyKind::kQuantity:
    case KeyKind::kMoment:
      return ref("quantity");
    case KeyKind::kSize:
      return ref("size");
    case KeyKind::kChoice:
      return choices(key);
    case KeyKind::kChoices:
      return one_or_list(choices(key));
    case KeyKind::kMetric:
      return metric_names();
    case KeyKind::kStat:
      return stat_names();
    case KeyKind::kMoments:
      return type("array").set("items", ref("quantity")).set("minItems", 2).set("maxItems", 2);
    case KeyKind::kValues:
      return type("object").set("additionalProperties",
                                any_of(type("string"), type("number"), type("boolean")));
    case KeyKind::kObject:
      return object_or_plain(*key.shape);
    case KeyKind::kMap:
      return names_of(*key.shape);
    case KeyKind::kList:
      return type("array").set("items", ref(key.shape->name));
    case KeyKind::kSteps:
      return steps();
  }
  return {};
}

// A name in `networks` stands where a network may stand; any text stands for a plain key that is
// one.
Json object_or_plain(const Shape& shape) {
  if (shape.plain == nullptr) return ref(shape.name);
  const Key* plain = shape.find(shape.plain);
  const bool named = std::string_view(shape.name) == "network";
  return any_of(ref(shape.name), named || plain == nullptr ? type("string") : schema_of(*plain));
}

Json described(Json schema, const char* what) { return schema.set("description", what); }

Json shape_schema(const Shape& shape, const char* told_by, const char* value) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const std::string_view name : shape.names()) {
    const Key& key = *shape.find(name);
    const bool told = told_by != nullptr && value != nullptr && name == told_by;
    properties.set(key.name,
                   described(told ? Json::object().set("const", value) : schema_of(key), key.what));
    if (key.required) required.add(key.name);
  }
  Json out = type("object")
                 .set("description", shape.what)
                 .set("properties", properties)
                 .set("additionalProperties", false);
  if (shape.extra) out.set("patternProperties", Json::object().set("^x-", Json::of(true)));
  return out.set_if(required.size() > 0, "required", required);
}

Json text_or_number(const char* pattern, const char* what) {
  return described(any_of(type("number").set("minimum", 0), type("string").set("pattern", pattern),
                          ref("variable")),
                   what);
}

}  // namespace

Json scenario_schema() {
  Json defs = Json::object();
  defs.set("variable", described(type("string").set("pattern", "\\$\\{"), "holds a ${NAME}"));
  defs.set("time", text_or_number("^ *[0-9]", "400ms, 1.5s, 2min, 1h30m; a number is seconds"));
  defs.set("rate", text_or_number("^ *[0-9]", "300 kbit/s, 2 Mbit/s; a number is bit/s"));
  defs.set("share", text_or_number("^ *[0-9]", "10%, 0.1; from 0 to 1"));
  defs.set("quantity", any_of(type("number"), type("string")));
  defs.set("size", any_of(type("string").set("pattern", "^[0-9]+x[0-9]+$"), ref("variable")));
  for (const Shape* shape : all_shapes())
    defs.set(shape->name, shape_schema(*shape, nullptr, nullptr));
  for (const StepShape& row : step_shapes())
    defs.set(row.shape->name, shape_schema(*row.shape, row.key, row.value));
  return Json::object()
      .set("$schema", "https://json-schema.org/draft/2020-12/schema")
      .set("title", "callbot scenario, version 1")
      .set("$ref", std::string("#/$defs/") + scenario_shape().name)
      .set("$defs", defs);
}

}  // namespace callbot::scenarios
