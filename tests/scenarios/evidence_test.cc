#include "scenarios/evidence.h"

#include <gtest/gtest.h>

#include "scenarios/run_json.h"
#include "tests/support/invented_run.h"
#include "tests/support/schema_check.h"

namespace callbot::scenarios {
namespace {

using test::window_s;

TEST(Evidence, ComesBackFromJson) {
  const Evidence before = test::invented_evidence();
  const Json json = to_json(before);
  const auto parsed = Json::parse(json.dump());
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto after = evidence_of(*parsed);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(to_json(*after).dump(), json.dump());
  EXPECT_EQ(after->began_ns, 0);  // times count from the run's beginning
  ASSERT_EQ(after->series.size(), before.series.size());
  EXPECT_EQ(after->series[0].samples.size(), before.series[0].samples.size());
  EXPECT_EQ(after->series[0].samples[7].value, before.series[0].samples[7].value);
}

TEST(Evidence, TheVerdictOfWhatCameBackIsTheSame) {
  const auto scenario = test::invented_scenario();
  const auto run = test::invented_run();
  const auto after = evidence_of(to_json(run.evidence));
  ASSERT_TRUE(after);
  const auto judged = judge(scenario, *after);
  ASSERT_EQ(judged.cases.size(), run.judged.cases.size());
  for (size_t i = 0; i < judged.cases.size(); ++i) {
    EXPECT_EQ(judged.cases[i].verdict, run.judged.cases[i].verdict);
    EXPECT_EQ(judged.cases[i].value, run.judged.cases[i].value);
    EXPECT_EQ(judged.cases[i].text, run.judged.cases[i].text);
  }
}

TEST(RunJson, FitsItsSchemaAndComesBack) {
  const RunRecord runs[] = {test::invented_run()};
  const Json json = run_json(runs);
  EXPECT_EQ(test::schema_mistake(run_schema(), json), "");
  const auto back = runs_of(*Json::parse(json.dump()));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ(back->front().judged.verdict, runs[0].judged.verdict);
  EXPECT_EQ(back->front().summary.size(), runs[0].summary.size());
  EXPECT_EQ(run_json(*back).dump(), json.dump());
}

TEST(RunJson, SaysWhatIsWrong) {
  EXPECT_EQ(runs_of(*Json::parse(R"({"callbot_run": 2})")).error().message,
            "callbot_run: expected 1");
  EXPECT_EQ(
      runs_of(*Json::parse(R"({"callbot_run": 1, "runs": [{"verdict": "good"}]})")).error().message,
      "runs[0].verdict: expected one of pass, warn, fail, unmeasured, invalid");
  EXPECT_FALSE(evidence_of(
      *Json::parse(R"({"series": [{"state": "ok", "at_ns": [1, 2], "values": [1]}]})")));
}

TEST(Evidence, SpansAreMergedAndMeasured) {
  const auto all = merged({window_s(5, 6), window_s(1, 3), window_s(2, 4), window_s(7, 7)});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_DOUBLE_EQ(seconds_within({window_s(1, 3), window_s(2, 4)}, window_s(2, 10)), 2);
}

}  // namespace
}  // namespace callbot::scenarios
