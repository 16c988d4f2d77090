#include "scenarios/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/yaml.h"
#include "scenarios/shapes.h"
#include "tests/support/schema_check.h"

namespace callbot::scenarios {
namespace {

std::string mistake(const std::string& yaml) {
  const auto document = parse_yaml(yaml);
  return document ? test::schema_mistake(scenario_schema(), document->root)
                  : document.error().message;
}

TEST(Schema, HasTheKeysOfTheTableAndNoOthers) {
  const Json defs = scenario_schema().at("$defs");
  for (const Shape* shape : all_shapes()) {
    const Json properties = defs.at(shape->name).at("properties");
    std::set<std::string> in_schema;
    for (const std::string& key : properties.keys()) in_schema.insert(key);
    std::set<std::string> in_table;
    for (const auto name : shape->names()) in_table.insert(std::string(name));
    EXPECT_EQ(in_schema, in_table) << shape->name;
  }
  std::set<std::string> names;
  for (const Shape* shape : all_shapes())
    EXPECT_TRUE(names.insert(shape->name).second) << shape->name;
}

TEST(Schema, TakesWhatTheDecoderTakes) {
  EXPECT_EQ(mistake("callbot: 1\nname: t\nactors: {a: }\nx-anchors: 5\nsteps:\n"
                    "  - {do: join, who: a}\n  - {wait: 5}\n  - {do: network, who: a, set: own}\n"
                    "thresholds: [{metric: video.fps, stat: p99.5, op: '>', value: 5}]\n"),
            "");
}

TEST(Schema, RefusesWhatTheDecoderRefuses) {
  const std::string head = "callbot: 1\nname: t\nactors: {a: }\n";
  const std::string steps = "steps: [{do: join, who: a}]\n";
  for (const std::string& wrong :
       {std::string("name: t\nactors: {a: }\n") + steps, head + steps + "tresholds: []\n",
        head + "steps: []\n", head + "steps: [{do: jion, who: a}]\n",
        head + "steps: [{wait: 5, mark: x}]\n", head + "steps: [{do: mute}]\n",
        head + steps + "thresholds: [{metric: nothing, stat: p95, op: '<', value: 1}]\n",
        head + steps + "thresholds: [{metric: video.fps, stat: p, op: '<', value: 1}]\n",
        head + steps + "rooms: {r: {count: 0}}\n", head + steps + "unmeasured: skip\n"})
    EXPECT_NE(mistake(wrong), "") << wrong;
}

}  // namespace
}  // namespace callbot::scenarios
