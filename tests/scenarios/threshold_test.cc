#include "scenarios/threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
using test::window_s;
using ::testing::HasSubstr;

// A run of ten seconds with alice and three bobs.
Evidence run() {
  Evidence e;
  e.began_ns = at_s(0);
  e.steps_ns = at_s(0);
  e.ended_ns = at_s(10);
  e.marks = {{"steady", at_s(2)}, {"end", at_s(8)}};
  e.actors.push_back({"alice", "alice", "main", "all", "", {window_s(0, 10)}});
  for (const char* name : {"bob-1", "bob-2", "bob-3"})
    e.actors.push_back({name, "bob", "main", "all", "", {window_s(0, 10)}});
  return e;
}

Series& add(Evidence& e, const char* metric, const char* actor, const char* from,
            std::vector<std::pair<double, double>> samples) {
  Series s{.metric = metric, .actor = actor, .from = from, .stream = "camera"};
  s.state = Measured::kOk;
  for (const auto& [at, value] : samples) s.samples.push_back({at_s(at), value});
  e.series.push_back(s);
  return e.series.back();
}

Threshold gate(const char* metric, const char* stat, const char* op, double value) {
  Threshold t;
  t.metric = metric;
  t.stat = *parse_stat(stat);
  t.op = op;
  t.value = value;
  t.written = "LIMIT";
  return t;
}

TEST(Threshold, PassesFailsAndWarns) {
  Evidence e = run();
  add(e, "video.e2e_delay", "bob-1", "alice", {{1, 0.1}, {3, 0.3}});
  const Case pass = judge_threshold(gate("video.e2e_delay", "max", "<=", 0.3), e);
  EXPECT_EQ(pass.verdict, Verdict::kPass) << pass.text;
  EXPECT_EQ(pass.value, 0.3);
  EXPECT_EQ(pass.samples, 2u);
  EXPECT_EQ(pass.place->at_ns, at_s(3));
  auto t = gate("video.e2e_delay", "max", "<", 0.3);
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kFail);
  EXPECT_EQ(judge_threshold(t, e).text, "max 300 ms, expected < 300 ms");
  t.warn = true;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kWarn);
}

TEST(Threshold, NothingMeasuredNeverPasses) {
  Evidence e = run();
  const auto t = gate("video.e2e_delay", "p95", "<=", 1);
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  EXPECT_THAT(judge_threshold(t, e).text, HasSubstr("nobody measured"));
  auto& s = add(e, "video.e2e_delay", "bob-1", "alice", {});
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  s.samples = {{at_s(1), 0.1}};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  s.state = Measured::kUnmeasured;
  s.why = "no marks";
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  EXPECT_THAT(judge_threshold(t, e).text, HasSubstr("no marks"));
  s.state = Measured::kInvalid;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kInvalid);
}

TEST(Threshold, LooksBetweenMarksOnly) {
  Evidence e = run();
  add(e, "video.e2e_delay", "bob-1", "alice", {{1, 9}, {5, 0.1}, {9, 9}});
  auto t = gate("video.e2e_delay", "max", "<=", 1);
  t.span = {Span::End{"steady"}, Span::End{"end"}};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  t.span = {Span::End{"", 4.0}, Span::End{"", 6.0}};
  EXPECT_EQ(judge_threshold(t, e).samples, 1u);
  t.span = {Span::End{"end"}, std::nullopt};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kFail);
  t.span = {Span::End{"never"}, std::nullopt};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  EXPECT_THAT(judge_threshold(t, e).text, HasSubstr("never came to the mark never"));
  t.span = {Span::End{"", 11.0}, std::nullopt};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
}

TEST(Threshold, WhoIsNamedHasToBeMeasured) {
  Evidence e = run();
  for (const char* bob : {"bob-1", "bob-2"}) add(e, "video.fps", bob, "alice", {{1, 30}});
  auto t = gate("video.fps", "mean", ">=", 25);
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);  // nobody is named: who there is
  t.who = "bob";
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  EXPECT_THAT(judge_threshold(t, e).text, HasSubstr("bob-3"));
  t.per = Per::kActor;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  t.who = "bob-1";
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  t.from = "bob";  // of the other bobs nobody saw anything
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
}

TEST(Threshold, AQuorumCountsWhoPassed) {
  Evidence e = run();
  add(e, "video.fps", "bob-1", "alice", {{1, 30}});
  add(e, "video.fps", "bob-2", "alice", {{1, 28}});
  auto& third = add(e, "video.fps", "bob-3", "alice", {{1, 5}});
  auto t = gate("video.fps", "mean", ">=", 25);
  t.who = "bob";
  t.per = Per::kActor;
  Case c = judge_threshold(t, e);
  EXPECT_EQ(c.verdict, Verdict::kFail);
  EXPECT_EQ(c.groups_passed, 2u);
  EXPECT_EQ(c.value, 5);  // the worst of them is shown
  EXPECT_EQ(c.detail, "bob-3");
  t.quorum = 0.66;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  t.quorum = 1;
  third.state = Measured::kUnmeasured;  // it might have passed: not failed, but not passed
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  third.state = Measured::kInvalid;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kInvalid);
  // Even if the third had passed, one that failed is one too many.
  e.series[0].samples[0].value = 3;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kFail);
}

TEST(Threshold, EachStreamIsJudgedByItself) {
  Evidence e = run();
  add(e, "video.fps", "bob-1", "alice", {{1, 30}, {2, 30}, {3, 30}});
  add(e, "video.fps", "bob-1", "bob-2", {{1, 10}});
  auto t = gate("video.fps", "mean", ">=", 25);
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);  // 25 of all together
  t.per = Per::kStream;
  const Case c = judge_threshold(t, e);
  EXPECT_EQ(c.verdict, Verdict::kFail);
  EXPECT_EQ(c.detail, "bob-1 from bob-2 (camera)");
}

TEST(Threshold, ZeroOfNothingIsNotZero) {
  Evidence e = run();
  add(e, "video.freeze", "bob-1", "alice", {});
  auto t = gate("video.freeze", "total", "<=", 0);
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  // Its witness says that nothing was decoded: a dead picture has no freezes.
  add(e, "video.decoded", "bob-1", "alice", {{1, 30}});
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  t.span = {Span::End{"", 5.0}, std::nullopt};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  EXPECT_THAT(judge_threshold(t, e).text, HasSubstr("video.decoded is 0"));
  // And who was not in the call measured nothing.
  e.series.pop_back();
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  e.actors[1].inside = {window_s(0, 4)};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
}

TEST(Threshold, ARatioNeedsBothCounts) {
  Evidence e = run();
  add(e, "video.missing", "bob-1", "alice", {});
  const auto t = gate("video.missing", "ratio", "<=", 0.01);
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  auto& expected = add(e, "video.expected", "bob-1", "alice", {});
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  expected.samples = {{at_s(1), 100}};
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass);
  expected.state = Measured::kInvalid;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
}

TEST(Threshold, NoGateIsTighterThanTheClocks) {
  Evidence e = run();
  auto& s = add(e, "video.e2e_delay", "bob-1", "alice", {{1, 0.1}});
  s.uncertainty = 0.02;
  EXPECT_EQ(judge_threshold(gate("video.e2e_delay", "max", "<=", 0.2), e).verdict, Verdict::kPass);
  EXPECT_EQ(judge_threshold(gate("video.e2e_delay", "max", "<=", 0.05), e).verdict, Verdict::kFail);
  // 100 ± 20 ms may lie on either side of 110 ms.
  EXPECT_EQ(judge_threshold(gate("video.e2e_delay", "max", "<=", 0.11), e).verdict,
            Verdict::kInvalid);
  s.samples[0].value = 0.001;
  EXPECT_EQ(judge_threshold(gate("video.e2e_delay", "max", "<=", 0.015), e).verdict,
            Verdict::kInvalid);
  // Of counting them the clocks' uncertainty says nothing.
  EXPECT_EQ(judge_threshold(gate("video.e2e_delay", "count", ">=", 1), e).verdict, Verdict::kPass);
}

TEST(Threshold, TooFewSamplesAreUnmeasured) {
  Evidence e = run();
  add(e, "video.psnr", "bob-1", "alice", {{1, 40}});
  auto t = gate("video.psnr", "p5", ">=", 30);
  t.least_samples = 10;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kUnmeasured);
  EXPECT_EQ(judge_threshold(t, e).text, "1 samples: expected 10");
}

TEST(Threshold, OperatorsCompare) {
  EXPECT_TRUE(holds(1, "<=", 1) && holds(1, ">=", 1) && holds(1, "==", 1) && holds(1, "!=", 2));
  EXPECT_FALSE(holds(1, "<", 1) || holds(1, ">", 1) || holds(1, "!=", 1) || holds(2, "==", 1));
}

TEST(Threshold, PointsAtTheRecording) {
  Evidence e = run();
  add(e, "video.e2e_delay", "bob-1", "alice", {{5, 0.9}});
  e.files.push_back({"x/bob-1.mkv", "media", "bob-1", "alice", "camera", window_s(2, 9), 1, ""});
  const Case c = judge_threshold(gate("video.e2e_delay", "max", "<=", 0.4), e);
  EXPECT_EQ(c.place->file, "x/bob-1.mkv");
  EXPECT_DOUBLE_EQ(c.place->in_file, 3);
}

}  // namespace
}  // namespace callbot::scenarios
