#include "scenarios/baseline.h"

#include <gmock/gmock.h>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Number number(const char* metric, const char* stat, const char* unit, double value) {
  Number n{.metric = metric, .stat = stat, .unit = unit, .who = "bob", .from = "alice"};
  n.stream = "camera";
  n.value = value;
  return n;
}
std::vector<Number> numbers(double delay, double fps, double skew, double missing = 0.001) {
  return {number("video.e2e_delay", "p95", "s", delay), number("video.fps", "p5", "1/s", fps),
          number("av.skew", "p95abs", "s", skew), number("video.missing", "ratio", "1", missing)};
}
std::vector<std::string> worse(const std::vector<Number>& now, double tolerance = 0.1) {
  std::vector<std::string> out;
  for (const Compared& c : compare({numbers(0.2, 30, 0.02)}, now, tolerance).both) {
    if (c.worse) out.push_back(c.now.metric);
  }
  return out;
}

TEST(Baseline, AJoinMayTakeASecondMore) {
  const std::vector<Number> before = {number("join.ice", "p50", "s", 0.07)};
  const auto worse = [&](double now) {
    return compare({before}, {number("join.ice", "p50", "s", now)}, 0.1).both.at(0).worse;
  };
  EXPECT_FALSE(worse(0.5));
  EXPECT_TRUE(worse(1.2));
}

TEST(Baseline, KnowsTheBetterDirection) {
  EXPECT_THAT(worse(numbers(0.21, 29, 0.021)), IsEmpty());
  EXPECT_THAT(worse(numbers(0.25, 30, 0.02)), ElementsAre("video.e2e_delay"));
  EXPECT_THAT(worse(numbers(0.2, 20, 0.02)), ElementsAre("video.fps"));
  EXPECT_THAT(worse(numbers(0.1, 60, 0.001)), IsEmpty());
  EXPECT_THAT(worse(numbers(0.2, 30, 0.05)), ElementsAre("av.skew"));
  EXPECT_THAT(worse(numbers(0.2, 30, 0.02, 0.0025)), IsEmpty());  // too little to matter
  EXPECT_THAT(worse(numbers(0.2, 30, 0.02, 0.02)), ElementsAre("video.missing"));
  EXPECT_THAT(worse(numbers(0.25, 30, 0.02), 0.3), IsEmpty());
}

TEST(Baseline, OfSeveralRunsTheMedianCounts) {
  const std::vector<std::vector<Number>> before = {numbers(0.2, 30, 0.02), numbers(0.9, 30, 0.02),
                                                   numbers(0.22, 30, 0.02)};
  EXPECT_DOUBLE_EQ(compare(before, numbers(0.3, 30, 0.02), 0.1).both[0].before, 0.22);
}

TEST(Baseline, ARunIsNoWorseThanItself) {
  const Evidence run = test::invented_evidence();
  EXPECT_GE(summary_of(run).size(), 8u);
  const auto all = numbers_of(run, test::invented_scenario().thresholds);
  EXPECT_GE(all.size(), summary_of(run).size());
  const auto same = compare({all}, all, 0.1);
  EXPECT_EQ(same.both.size(), all.size());
  const auto cases = baseline_cases(same, {});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].verdict, Verdict::kPass);
}

// Two bobs receive alice's camera and screen.
Evidence received(double camera, double screen, double late = 0) {
  Evidence e;
  e.began_ns = test::at_s(0);
  e.ended_ns = test::at_s(20);
  e.marks = {{"late", test::at_s(10)}};
  for (const char* name : {"alice", "bob-1", "bob-2"})
    e.actors.push_back({name,
                        std::string(name).substr(0, std::string(name).find('-')),
                        "main",
                        "all",
                        "",
                        {test::window_s(0, 20)}});
  for (const char* who : {"bob-1", "bob-2"}) {
    for (const auto& [stream, rate] : {std::pair("camera", camera), {"screen", screen}}) {
      if (rate == 0) continue;
      Series s{.metric = "rtp.bitrate", .actor = who, .from = "alice", .stream = stream};
      s.state = Measured::kOk;
      for (int i = 0; i < 20; ++i)
        s.samples.push_back({test::at_s(i + 0.5), i >= 10 && late > 0 ? late : rate});
      e.series.push_back(s);
    }
  }
  return e;
}

TEST(Baseline, OneStreamsCollapseIsSeen) {
  const auto before = numbers_of(received(397e3, 2e6), {});
  ASSERT_EQ(before.size(), 4u);  // p50 and p5 of each stream: both bobs together
  const auto cases =
      baseline_cases(compare({before}, numbers_of(received(93e3, 2e6), {}), 0.1), {});
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].name, "baseline: rtp.bitrate p50");
  EXPECT_EQ(cases[0].detail, "bob from alice (camera)");
  EXPECT_EQ(cases[0].verdict, Verdict::kWarn);
  EXPECT_EQ(cases[0].text, "bob from alice (camera): 93 kbit/s, was 397 kbit/s (tolerance 10 %)");
}

TEST(Baseline, WindowsAreThoseOfThresholds) {
  Threshold t;
  t.metric = "rtp.bitrate";
  t.span.from = Span::End{"late", 0};
  const auto before = numbers_of(received(2e6, 2e6), {t});
  const auto now = numbers_of(received(2e6, 2e6, 1e6), {t});
  const auto cases = baseline_cases(compare({before}, now, 0.1), {.fails = true});
  ASSERT_EQ(cases.size(), 4u);
  EXPECT_EQ(cases[0].name, "baseline: rtp.bitrate p50, after late");
  EXPECT_EQ(cases[0].verdict, Verdict::kFail);
  EXPECT_EQ(cases[0].window->from_ns, test::at_s(10));
  EXPECT_THAT(worse(now), IsEmpty()) << "others were never measured there";
}

TEST(Baseline, WhatVanishedIsUnmeasured) {
  const auto before = numbers_of(received(397e3, 2e6), {});
  const auto now = numbers_of(received(0, 2e6), {});
  for (const bool fails : {false, true}) {  // but for that the rest can be compared
    const auto cases = baseline_cases(compare({before}, now, 0.1), {.fails = fails});
    ASSERT_EQ(cases.size(), 1u);
    EXPECT_EQ(cases[0].detail, "bob from alice (camera)");
    EXPECT_EQ(cases[0].verdict, Verdict::kUnmeasured);
    EXPECT_EQ(cases[0].softened, !fails);
    EXPECT_EQ(
        cases[0].text,
        "bob from alice (camera): measured before, and no more: rtp.bitrate p50; rtp.bitrate p5");
  }
}

TEST(Baseline, WithNothingInCommonThereIsNoComparison) {
  const auto softened = [](const Comparison& comparison, const BaselineRules& rules) {
    const auto cases = baseline_cases(comparison, rules);
    EXPECT_EQ(cases.size(), 1u);
    EXPECT_EQ(cases[0].verdict, Verdict::kUnmeasured);
    return cases[0].softened;
  };
  const auto before = numbers_of(received(397e3, 0), {});
  const Comparison other = compare({before}, numbers_of(received(0, 2e6), {}), 0.1);
  EXPECT_TRUE(other.both.empty());
  for (const Comparison& none : {Comparison{}, other}) {
    EXPECT_FALSE(softened(none, {}));
    EXPECT_FALSE(softened(none, {.fails = true}));
    EXPECT_TRUE(softened(none, {.needs_one = false}));
  }
}

}  // namespace
}  // namespace callbot::scenarios
