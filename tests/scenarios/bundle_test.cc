#include "scenarios/bundle.h"

#include <gmock/gmock.h>

#include "base/folding.h"

namespace callbot::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;

// A run from 100 s to 200 s.
Evidence run() {
  Evidence e;
  e.began_ns = 100 * kSecond;
  e.ended_ns = 200 * kSecond;
  return e;
}

Case failed(const std::string& name, std::optional<TimeWindow> window,
            std::optional<CasePlace> place = {}) {
  Case c;
  c.name = name;
  c.verdict = Verdict::kFail;
  c.window = window;
  c.place = place;
  return c;
}

Judged judged(std::vector<Case> cases) {
  return {.verdict = Verdict::kFail, .cases = std::move(cases)};
}

TEST(Moments, FiveSecondsAroundTheWorstSample) {
  const auto all = moments_of(judged({failed("delay", TimeWindow{100 * kSecond, 200 * kSecond},
                                             CasePlace{150 * kSecond, "bob", "alice", "", 0})}),
                              run());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].span.from_ns, 145 * kSecond);
  EXPECT_EQ(all[0].span.to_ns, 155 * kSecond);
  EXPECT_EQ(all[0].at_ns, 150 * kSecond);
  EXPECT_THAT(all[0].actors, ElementsAre("bob"));
  EXPECT_THAT(all[0].cases, ElementsAre("delay"));
}

TEST(Moments, AShortWindowIsShownWholeAndNothingBeyondTheRun) {
  const auto all = moments_of(
      judged({failed("a", TimeWindow{102 * kSecond, 120 * kSecond}), failed("b", std::nullopt)}),
      run());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].span.from_ns, 102 * kSecond);
  EXPECT_EQ(all[0].span.to_ns, 125 * kSecond);
  EXPECT_THAT(all[0].actors, IsEmpty());
  EXPECT_EQ(all[1].span.from_ns, 195 * kSecond);
  EXPECT_EQ(all[1].span.to_ns, 200 * kSecond);
}

TEST(Moments, WhatOverlapsIsOneAndWhatPassedIsNone) {
  Case passed = failed("p", TimeWindow{110 * kSecond, 111 * kSecond});
  passed.verdict = Verdict::kPass;
  const CasePlace bob{150 * kSecond, "bob", "alice", "", 0}, later{158 * kSecond, "bob", "", "", 0},
      eve{150 * kSecond, "eve", "", "", 0};
  const auto all = moments_of(
      judged({passed, failed("b", {}, later), failed("a", {}, bob), failed("c", {}, eve)}), run());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_THAT(all[0].cases, ElementsAre("a", "b"));
  EXPECT_EQ(all[0].span.to_ns, 163 * kSecond);
  EXPECT_THAT(all[1].actors, ElementsAre("eve"));
}

TEST(Moments, WhatIsUnmeasuredOrInvalidIsShownToo) {
  for (const Verdict verdict : {Verdict::kUnmeasured, Verdict::kInvalid, Verdict::kWarn}) {
    Case c = failed("gone", TimeWindow{110 * kSecond, 111 * kSecond});
    c.verdict = verdict;
    EXPECT_EQ(moments_of(judged({c}), run()).size(), verdict == Verdict::kWarn ? 0u : 1u);
  }
}

TEST(Moments, WithinASpanIsWhatHappenedThen) {
  Evidence e = run();
  e.events = {{101 * kSecond, "bob", "joined", "alice", false},
              {150 * kSecond, "bob", "left", "alice", true}};
  e.marks = {{"m", 151 * kSecond}};
  e.steps = {
      {0, "wait 60 s", "wait", "", Outcome::kDone, false, {120 * kSecond, 180 * kSecond}, ""},
      {1, "leave", "leave", "", Outcome::kFailed, false, {180 * kSecond, 181 * kSecond}, "no"}};
  e.pairs = {{149 * kSecond, "bob", "alice", "host 127.0.0.1:1", "host 127.0.0.1:2", "first"}};
  e.series = {{"video.fps",
               "bob",
               "alice",
               "camera",
               Measured::kOk,
               "",
               0,
               {{120 * kSecond, 30}, {150 * kSecond, 10}, {160 * kSecond, 30}}}};
  const Evidence part = within(e, {145 * kSecond, 155 * kSecond});
  EXPECT_EQ(part.events.size(), 1u);
  EXPECT_EQ(part.steps.size(), 1u);
  ASSERT_EQ(part.series.size(), 1u);
  EXPECT_THAT(part.series[0].samples, ElementsAre(Sample{150 * kSecond, 10}));
  EXPECT_EQ(
      log_text(part),
      "  0:20.0               step         wait 60 s\n"
      "  0:49.0  bob          pair         host 127.0.0.1:1 -> host 127.0.0.1:2 (alice, first)\n"
      "  0:50.0  bob          left         alice (unexpected)\n"
      "  0:51.0               mark         m\n"
      "  1:20.0               step         wait 60 s: done\n");
  EXPECT_THAT(log_text(e), HasSubstr("leave: failed: no\n"));
}

TEST(Within, OfALongRunWhatWasFoldedThen) {
  Evidence e = run();
  e.ended_ns = 10'000 * kSecond;
  Series& series = e.series.emplace_back();
  series.metric = "video.fps";
  FoldPlan plan;
  plan.cut(1000 * kSecond);
  for (int64_t n = 100; n < 10'000; ++n) {
    series.samples.push_back({n * kSecond, 30});
    fold(series, plan);
  }
  ASSERT_EQ(series.folded.size(), 2u);
  const Evidence part = within(e, {145 * kSecond, 155 * kSecond});
  ASSERT_EQ(part.series[0].folded.size(), 1u);
  EXPECT_EQ(part.series[0].folded[0].count, 900u);
  EXPECT_TRUE(part.series[0].samples.empty());
  EXPECT_EQ(part.series[0].stretches.size(), 1u);
}

}  // namespace
}  // namespace callbot::scenarios
