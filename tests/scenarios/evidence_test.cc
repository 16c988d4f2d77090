#include "scenarios/evidence.h"

#include <gmock/gmock.h>

#include "scenarios/run_json.h"
#include "tests/support/invented_run.h"
#include "tests/support/schema_check.h"

namespace callbot::scenarios {
namespace {

using test::window_s;

// As it is written and read again.
std::vector<RunRecord> back(const RunRecord& run) {
  const RunRecord runs[] = {run};
  const auto parsed = Json::parse(run_json(runs).dump());
  EXPECT_TRUE(parsed) << parsed.error().message;
  auto all = runs_of(*parsed);
  EXPECT_TRUE(all) << all.error().message;
  return *all;
}

TEST(Evidence, ComesBackFromJson) {
  const RunRecord run = test::invented_run();
  const Evidence before = run.evidence;
  const Evidence after = back(run)[0].evidence;
  EXPECT_EQ(after.began_ns, 0);  // times count from the run's beginning
  ASSERT_EQ(after.series.size(), before.series.size());
  EXPECT_EQ(after.series[0].samples.size(), before.series[0].samples.size());
  EXPECT_EQ(after.series[0].samples[7].value, before.series[0].samples[7].value);
}

TEST(Evidence, TheVerdictOfWhatCameBackIsTheSame) {
  const auto scenario = test::invented_scenario();
  const auto run = test::invented_run();
  const auto judged = judge(scenario, back(run)[0].evidence);
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
  const auto again = back(runs[0]);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].judged.verdict, runs[0].judged.verdict);
  EXPECT_EQ(again[0].summary.size(), runs[0].summary.size());
  EXPECT_EQ(run_json(again).dump(), json.dump());
}

TEST(RunJson, SaysWhatIsWrong) {
  EXPECT_EQ(runs_of(*Json::parse(R"({"callbot_run": 2})")).error().message,
            "callbot_run: expected 1");
  EXPECT_EQ(
      runs_of(*Json::parse(R"({"callbot_run": 1, "runs": [{"verdict": "good"}]})")).error().message,
      "runs[0].verdict: expected one of pass, warn, fail, unmeasured, invalid");
  EXPECT_THAT(runs_of(*Json::parse(R"({"callbot_run": 1, "runs": [{"verdict": "pass", "evidence":
      {"series": [{"state": "ok", "at_ns": [1, 2], "values": [1]}]}}]})"))
                  .error()
                  .message,
              ::testing::HasSubstr("series[0].values: expected as many as at_ns"));
}

TEST(Evidence, SpansAreMergedAndMeasured) {
  const auto all = merged({window_s(5, 6), window_s(1, 3), window_s(2, 4), window_s(7, 7)});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_DOUBLE_EQ(seconds_within({window_s(1, 3), window_s(2, 4)}, window_s(2, 10)), 2);
}

}  // namespace
}  // namespace callbot::scenarios
