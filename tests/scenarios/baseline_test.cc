#include "scenarios/baseline.h"

#include <gtest/gtest.h>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

std::vector<SummaryRow> rows(double delay, double fps, double skew, double missing = 0.001) {
  return {{"video.e2e_delay", "p95", "s", delay, 100},
          {"video.fps", "p5", "1/s", fps, 100},
          {"av.skew", "p95abs", "s", skew, 100},
          {"video.missing", "ratio", "1", missing, 0}};
}
std::vector<std::string> worse(const std::vector<SummaryRow>& now) {
  std::vector<std::string> out;
  for (const Compared& c : compare(rows(0.2, 30, 0.02), now)) {
    if (c.worse) out.push_back(c.metric);
  }
  return out;
}

TEST(Baseline, KnowsTheBetterDirection) {
  EXPECT_TRUE(worse(rows(0.21, 29, 0.021)).empty());
  EXPECT_EQ(worse(rows(0.25, 30, 0.02)), (std::vector<std::string>{"video.e2e_delay"}));
  EXPECT_EQ(worse(rows(0.2, 20, 0.02)), (std::vector<std::string>{"video.fps"}));
  EXPECT_TRUE(worse(rows(0.1, 60, 0.001)).empty());
  EXPECT_EQ(worse(rows(0.2, 30, 0.05)), (std::vector<std::string>{"av.skew"}));
  EXPECT_TRUE(worse(rows(0.2, 30, 0.02, 0.0025)).empty());  // too little to matter
  EXPECT_EQ(worse(rows(0.2, 30, 0.02, 0.02)), (std::vector<std::string>{"video.missing"}));
}

TEST(Baseline, ARunIsNoWorseThanItself) {
  const auto summary = summary_of(test::invented_evidence());
  EXPECT_GE(summary.size(), 8u);
  const auto compared = compare(summary, summary);
  EXPECT_EQ(compared.size(), summary.size());
  const auto cases = baseline_cases(compared, 0.1);
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].verdict, Verdict::kPass);
}

TEST(Baseline, WarnsOfRegressionsAndNeverPassesOnNothing) {
  const auto cases = baseline_cases(compare(rows(0.2, 30, 0.02), rows(0.4, 10, 0.02)), 0.1);
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].verdict, Verdict::kWarn);
  EXPECT_EQ(cases[0].text, "400 ms, was 200 ms (tolerance 10 %)");
  EXPECT_EQ(baseline_cases(compare(rows(0.2, 30, 0), {}), 0.1)[0].verdict, Verdict::kUnmeasured);
}

}  // namespace
}  // namespace callbot::scenarios
