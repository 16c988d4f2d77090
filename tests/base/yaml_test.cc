#include "base/yaml.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace callbot {
namespace {

std::string mistake(std::string_view text, YamlDialect dialect = YamlDialect::kYaml,
                    YamlLimits limits = {}) {
  const auto document = parse_yaml(text, dialect, limits);
  return document ? "fine: " + document->root.dump() : document.error().message;
}
std::string json(std::string_view text, YamlDialect dialect = YamlDialect::kYaml) {
  const auto document = parse_yaml(text, dialect);
  return document ? document->root.dump() : document.error().message;
}

TEST(Yaml, KnowsTheKindsOfTheCoreSchema) {
  EXPECT_EQ(json("[1, -2, 1.5, 1e3, true, False, null, ~, yes, off, 007, 1_000, \"1\", '2', a b]"),
            R"([1,-2,1.5,1000.0,true,false,null,null,"yes","off","007","1_000","1","2","a b"])");
  EXPECT_EQ(json("a: !!str 5\nb:\n"), R"({"a":"5","b":null})");
  EXPECT_EQ(json("99999999999999999999"), "1e+20");
}

TEST(Yaml, SaysWhereEverythingStands) {
  const auto document = parse_yaml("name: x\nsteps:\n  - do: join\n    who: bob\n  - {wait: 5s}\n");
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->keys.at("steps"), (TextPlace{2, 1}));
  EXPECT_EQ(document->keys.at("steps[0].who"), (TextPlace{4, 5}));
  EXPECT_EQ(document->values.at("steps[0].who"), (TextPlace{4, 10}));
  EXPECT_EQ(document->values.at("steps[1].wait"), (TextPlace{5, 12}));
  EXPECT_EQ(document->values.at("steps[1]"), (TextPlace{5, 5}));
}

TEST(Yaml, AnchorsAndMergesKeepThePlaceWhereItIsWritten) {
  const auto document = parse_yaml("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n");
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->root.dump(), R"({"a":{"x":1,"y":2},"b":{"y":3,"x":1},"c":{"x":1,"y":2}})");
  EXPECT_EQ(document->values.at("b.x"), (TextPlace{1, 11}));
  EXPECT_EQ(document->values.at("b.y"), (TextPlace{4, 6}));
  EXPECT_EQ(json("- &a {x: 1}\n- &b {x: 2, z: 2}\n- <<: [*a, *b]\n"),
            R"([{"x":1},{"x":2,"z":2},{"x":1,"z":2}])");
  EXPECT_EQ(mistake("a: &a 5\nb: {<<: *a}\n"), "1:4: <<: expected a map, or a list of maps");
}

TEST(Yaml, RefusesWithAPlace) {
  EXPECT_EQ(mistake("a: 1\nb: 2\na: 3\n"),
            "3:1: a key that stands here twice: a (first in line 1)");
  EXPECT_EQ(mistake("a: 1\n---\nb: 2\n"), "3:1: expected one document, here is a second");
  EXPECT_EQ(mistake("a: !thing 1\n").substr(0, 5), "1:4: ");
  EXPECT_EQ(mistake("? [a]\n: 1\n"), "1:3: expected a text as key");
  EXPECT_EQ(mistake("a:\n  - b\n c: 1\n").substr(0, 2), "3:");
  EXPECT_EQ(mistake("a: [1, 2\n").substr(0, 2), "2:");
  EXPECT_EQ(mistake("ok: 1\nbad: \xff\n"), "2:6: expected UTF-8");
  EXPECT_EQ(mistake(""), "1:1: expected something in it");
  EXPECT_EQ(mistake("a: \"\\0\"\n"), "1:4: expected no NUL character");
  EXPECT_EQ(mistake("a: *nobody\n").substr(0, 5), "1:4: ");
  EXPECT_EQ(mistake("a: &a [*a]\n"), "1:8: an alias inside its own anchor");
}

TEST(Yaml, IsBounded) {
  EXPECT_EQ(mistake(std::string(11, 'a'), YamlDialect::kYaml, {.most_bytes = 10}),
            "11 bytes: expected at most 10");
  EXPECT_EQ(mistake("[[[1]]]", YamlDialect::kYaml, {.deepest = 2}),
            "1:3: expected at most 2 levels");
  EXPECT_EQ(mistake(std::string(40, '[') + std::string(40, ']')),
            "1:33: expected at most 32 levels");
  EXPECT_FALSE(parse_yaml(std::string(500'000, '[')));
  std::string names;
  for (int i = 0; i < 2001; ++i) names += fmt::format("k{}: 1\n", i);
  EXPECT_EQ(mistake(names), "2001:1: expected at most 2000 keys");
}

TEST(Yaml, WhatDoesNotStandThereIsAtTheNearestAroundIt) {
  const auto document = parse_yaml("a: 1\nb:\n  c: {d: 2}\n");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->nearest("b.c.d"), (TextPlace{3, 10}));
  EXPECT_EQ(document->nearest("b.c.d", true), (TextPlace{3, 7}));
  EXPECT_EQ(document->nearest("b.c.none[1].x"), (TextPlace{3, 3}));
  EXPECT_EQ(document->nearest("none"), (TextPlace{1, 1}));
}

TEST(Yaml, AnAliasBombDoesNotGoOff) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string uses;
    for (int n = 0; n < 10; ++n) uses += fmt::format("{}*a{}", n == 0 ? "" : ", ", i - 1);
    bomb += fmt::format("a{0}: &a{0} [{1}]\n", i, uses);
  }
  EXPECT_NE(mistake(bomb).find("expected at most 200000 values"), std::string::npos)
      << mistake(bomb);
}

TEST(Yaml, JsonMayHoldCommentsAndKeepsItsPlaces) {
  const std::string text =
      "{\n\t// \"no\": 1\n\t\"a\": \"x // y /* z\", /* b\n */ \"b\": [1, "
      "\"\\ud83d\\ude00\\/\\u00e9\"], "
      "\"c\": 3\n}";
  const auto document = parse_yaml(text, YamlDialect::kJson);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->root.dump(), "{\"a\":\"x // y /* z\",\"b\":[1,\"😀/é\"],\"c\":3}");
  EXPECT_EQ(document->keys.at("a"), (TextPlace{3, 2}));
  EXPECT_EQ(document->keys.at("b"), (TextPlace{4, 5}));
  EXPECT_EQ(document->keys.at("c"), (TextPlace{4, 39}));
  EXPECT_EQ(mistake("{\"a\": 1, \"a\": 2}", YamlDialect::kJson),
            "1:10: a key that stands here twice: a (first in line 1)");
}

}  // namespace
}  // namespace callbot
