#include "bot/cli_tests.h"

#include <gmock/gmock.h>

#include "tests/support/command_line.h"

namespace callbot::bot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CliTests, TakesScenariosAndVariables) {
  const auto o = options<TestOptions>({"test", "--check", "a.yaml", "b.json", "--var", "A=1",
                                       "--var", "B=x=y", "--vars", "rows.csv"});
  EXPECT_TRUE(o.check);
  EXPECT_THAT(o.files, ElementsAre("a.yaml", "b.json"));
  EXPECT_EQ(o.vars.at("A"), "1");
  EXPECT_EQ(o.vars.at("B"), "x=y");
  EXPECT_EQ(o.csv, "rows.csv");
}

TEST(CliTests, TakesWhereReportsGo) {
  const auto o =
      options<TestOptions>({"test", "a.yaml", "--junit", "j", "--json", "r", "--html", "h",
                            "--baseline", "b", "--repeat", "3", "--metrics", ":9100"});
  EXPECT_FALSE(o.check);
  EXPECT_EQ(o.junit, "j");
  EXPECT_EQ(o.json, "r");
  EXPECT_EQ(o.html, "h");
  EXPECT_EQ(o.baseline, "b");
  EXPECT_EQ(o.repeat, 3);
  EXPECT_EQ(o.metrics, ":9100");
  EXPECT_THAT(complaint({"test", "a.yaml", "--metrics", "9100"}),
              HasSubstr("--metrics: \"9100\": expected ADDRESS:PORT"));
  EXPECT_THAT(complaint({"test", "a.yaml", "--repeat", "0"}), HasSubstr("--repeat"));
}

TEST(CliTests, TakesAPlayoutLatency) {
  EXPECT_FALSE(options<TestOptions>({"test", "a.yaml"}).playout_latency);
  EXPECT_EQ(options<TestOptions>({"test", "a.yaml", "--playout-latency", "40ms"}).playout_latency,
            0.04);
  EXPECT_THAT(complaint({"test", "a.yaml", "--playout-latency", "11s"}),
              HasSubstr("--playout-latency: \"11s\": expected at most 10 s"));
  EXPECT_THAT(complaint({"test", "a.yaml", "--playout-latency", "soon"}),
              HasSubstr("--playout-latency"));
}

TEST(CliTests, TakesHowABaselineIsCompared) {
  const auto usual = options<TestOptions>({"test", "a.yaml", "--baseline", "b"}).baseline_rules;
  EXPECT_EQ(usual.tolerance, 0.1);
  EXPECT_FALSE(usual.fails);
  EXPECT_TRUE(usual.needs_one);
  const auto warns =
      options<TestOptions>({"test", "a.yaml", "--baseline", "b", "--baseline-severity", "warn"})
          .baseline_rules;
  EXPECT_FALSE(warns.fails);
  EXPECT_FALSE(warns.needs_one);
  const auto o = options<TestOptions>({"test", "a.yaml", "--baseline", "b", "--baseline-tolerance",
                                       "25%", "--baseline-severity", "fail"})
                     .baseline_rules;
  EXPECT_EQ(o.tolerance, 0.25);
  EXPECT_TRUE(o.fails);
  EXPECT_TRUE(o.needs_one);
  EXPECT_THAT(complaint({"test", "a.yaml", "--baseline", "b", "--baseline-tolerance", "x"}),
              HasSubstr("--baseline-tolerance"));
  EXPECT_THAT(complaint({"test", "a.yaml", "--baseline", "b", "--baseline-severity", "no"}),
              HasSubstr("--baseline-severity"));
  EXPECT_THAT(complaint({"test", "a.yaml", "--baseline-severity", "fail"}),
              HasSubstr("--baseline"));
}

TEST(CliTests, TakesASchemaAlone) {
  EXPECT_EQ(options<TestOptions>({"test", "--schema"}).schema, "scenario");
  EXPECT_EQ(options<TestOptions>({"test", "--schema=run"}).schema, "run");
  EXPECT_THAT(complaint({"test", "--schema=other"}), HasSubstr("--schema"));
}

TEST(CliTests, SaysWhatIsMissing) {
  EXPECT_THAT(complaint({"test"}), HasSubstr("expected FILE, or --schema"));
  EXPECT_THAT(complaint({"test", "--check", "a.yaml", "--var", "A"}),
              HasSubstr("--var: \"A\": expected NAME=VALUE"));
}

}  // namespace
}  // namespace callbot::bot
