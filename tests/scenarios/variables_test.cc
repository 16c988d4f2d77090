#include "scenarios/variables.h"

#include <gtest/gtest.h>

#include "scenarios/decode.h"

namespace callbot::scenarios {
namespace {

std::string text(const std::string& head, const std::string& steps = "") {
  return "callbot: 1\n" + head + "actors:\n  a: {verify: all}\nsteps:\n  - {do: join, who: a}\n" +
         steps;
}
Result<Scenario> decoded(const std::string& yaml, const Variables& variables = {}) {
  return decode_scenario(yaml, "f.yaml", variables);
}
std::string name_of(const std::string& name, const Variables& variables = {},
                    const std::string& more = "") {
  const auto scenario = decoded(text("name: " + name + "\n" + more), variables);
  return scenario ? scenario->name : scenario.error().message;
}

TEST(Variables, TheNearestSayCounts) {
  Variables v;
  v.environment = [](const std::string& name) {
    return name == "X" ? std::optional<std::string>("environment") : std::nullopt;
  };
  EXPECT_EQ(name_of("${Y:-otherwise}", v, "vars: {X: vars}\n"), "otherwise");
  EXPECT_EQ(name_of("${Y}", v, "vars: {Y: vars}\n"), "vars");
  EXPECT_EQ(name_of("${X}", v, "vars: {X: vars}\n"), "environment");
  v.row["X"] = "row";
  EXPECT_EQ(name_of("${X}", v, "vars: {X: vars}\n"), "row");
  v.given["X"] = "given";
  EXPECT_EQ(name_of("a ${X} b ${X}", v), "a given b given");
}

TEST(Variables, UndefinedIsAMistakeWithItsPlace) {
  EXPECT_EQ(name_of("x ${RUN_DI}", {}, "vars: {RUN_ID: 1}\n"),
            "f.yaml:2:7: name: undefined variable ${RUN_DI}, did you mean \"RUN_ID\"?");
  EXPECT_EQ(
      name_of("x ${A}"),
      "f.yaml:2:7: name: undefined variable ${A}: expected --var, the environment, or vars to "
      "say it");
  EXPECT_EQ(name_of("${1A}"), "f.yaml:2:7: name: ${1A}: expected a name of letters, digits and _");
  EXPECT_EQ(name_of("'${A'"), "f.yaml:2:7: name: a ${ without its }; $${ is the text ${");
}

TEST(Variables, ATextOfItsOwnIsLeftAlone) { EXPECT_EQ(name_of("$${A} $5"), "${A} $5"); }

TEST(Variables, BecomeNumbersWhereTheKeyWantsOne) {
  const auto s = decoded(
      "callbot: 1\nname: ${N}\nactors:\n  a: {count: \"${N}\", optional: \"${F}\"}\nsteps:\n"
      "  - {do: join, who: a, timeout: \"${T}\"}\n",
      {{{"N", "3"}, {"F", "true"}, {"T", "400ms"}}, {}, {}});
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_EQ(s->name, "3");  // a text where the key wants a text
  EXPECT_EQ(s->actors[0].count, 3);
  EXPECT_TRUE(s->actors[0].optional);
  EXPECT_EQ(s->steps[0].timeout, 0.4);
  const auto wrong =
      decoded("callbot: 1\nname: t\nactors:\n  a: {count: \"${N}\"}\nsteps: [{do: join, who: a}]",
              {{{"N", "many"}}, {}, {}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "f.yaml:4:14: actors.a.count: expected a whole number from 1 to 10000");
}

TEST(Variables, ValuesOfVarsMayNeedEachOtherButNotThemselves) {
  EXPECT_EQ(name_of("${A}", {}, "vars: {A: \"x${B}\", B: y}\n"), "xy");
  EXPECT_EQ(name_of("${A}", {}, "vars: {A: \"${B}\", B: \"${A}\"}\n"),
            "f.yaml:2:7: name: ${A} needs itself");
  // What this run does not use may be undefined.
  EXPECT_EQ(name_of("x", {}, "vars: {A: \"${NOBODY}\"}\n"), "x");
}

TEST(Variables, ManyReferencesEnd) {
  std::string vars = "vars:\n  A0: \"\"\n";
  for (int i = 1; i < 15; ++i) {
    const std::string ref = "${A" + std::to_string(i - 1) + "}";
    vars += "  A" + std::to_string(i) + ": \"" + ref + ref + ref + ref + ref + "\"\n";
  }
  EXPECT_NE(name_of("${A14}", {}, vars).find("expected at most 10000 references"),
            std::string::npos);
}

TEST(Variables, ValuesCannotAddKeys) {
  EXPECT_EQ(name_of("${A}", {{{"A", "x\nseed: 5"}}, {}, {}}), "x\nseed: 5");
}

TEST(Variables, OfTheCommandLine) {
  EXPECT_EQ(*parse_var("A=b=c"), (std::pair<std::string, std::string>("A", "b=c")));
  EXPECT_EQ(parse_var("A").error().message,
            "\"A\": expected NAME=VALUE, the name of letters, digits and _");
  EXPECT_FALSE(parse_var("1=2"));
}

TEST(Csv, ARowIsARun) {
  const auto rows =
      parse_csv("\xEF\xBB\xBFURL,NAME\r\nws://a,\"say \"\"hi\"\",\nyou\"\nws://b,\n\n");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].at("NAME"), "say \"hi\",\nyou");
  EXPECT_EQ((*rows)[1].at("NAME"), "");
}

TEST(Csv, SaysTheLineOfAMistake) {
  const auto wrong = [](std::string_view text) { return parse_csv(text).error().message; };
  EXPECT_EQ(wrong("A,B\n1,2\n1\n"), "line 3: 1 fields: expected 2");
  EXPECT_EQ(wrong("A,A\n1,2\n"), "line 1: column A stands here twice");
  EXPECT_EQ(wrong("A B\n1\n"), "line 1: \"A B\": expected a name of letters, digits and _");
  EXPECT_EQ(wrong("A\n\"x\n\ny"), "line 2: a quoted field that does not end in a quote");
  EXPECT_EQ(wrong("A\n\"x\"y\n"), "line 2: a quoted field that does not end in a quote");
  EXPECT_EQ(wrong("A\n"), "line 2: expected a row for each run");
}

}  // namespace
}  // namespace callbot::scenarios
