#include "scenarios/evidence.h"

#include <gmock/gmock.h>

#include "base/folding.h"
#include "scenarios/run_json.h"
#include "tests/support/invented_run.h"
#include "tests/support/schema_check.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
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

// Of a long run: what was folded is in it, and gives the same numbers.
TEST(RunJson, FoldedSamplesComeBack) {
  RunRecord run = test::invented_run();
  Series& series = run.evidence.series.emplace_back();
  series.metric = "rtp.jitter";
  series.actor = "bob";
  series.state = Measured::kOk;
  for (int n = 0; n < 2000; ++n) {
    series.samples.push_back({at_s(n), 0.001 * (n % 17 + 1)});
    fold(series, {});
  }
  ASSERT_FALSE(series.folded.empty());
  const RunRecord runs[] = {run};
  EXPECT_EQ(test::schema_mistake(run_schema(), run_json(runs)), "");
  const auto again = back(run);
  EXPECT_EQ(run_json(again).dump(), run_json(runs).dump());
  const Series* before[] = {&series};
  const Series* after[] = {&again[0].evidence.series.back()};
  const Metric& metric = *find_metric("rtp.jitter");
  for (const char* stat : {"p50", "p95", "min", "max", "mean", "count"}) {
    const auto of = [&](const Series* const* one, const TimeWindow& window) {
      return *compute(*parse_stat(stat), metric, {one, 1}, {}, window, window.seconds()).value;
    };
    // Times count from the run's beginning.
    EXPECT_EQ(of(after, {at_s(0) - run.evidence.began_ns, at_s(3000) - run.evidence.began_ns}),
              of(before, {at_s(0), at_s(3000)}))
        << stat;
  }
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
  const auto both = common({window_s(0, 3), window_s(5, 9)}, {window_s(2, 6), window_s(9, 10)});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].from_ns, at_s(2));
  EXPECT_EQ(both[0].to_ns, at_s(3));
  EXPECT_EQ(both[1].to_ns, at_s(6));
}

}  // namespace
}  // namespace callbot::scenarios
