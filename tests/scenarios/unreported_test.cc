#include "scenarios/unreported.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
using test::window_s;
using ::testing::HasSubstr;
using Points = std::vector<std::pair<double, double>>;

// Ten seconds of bob, who sends, and alice, who reports.
class Unreported : public ::testing::Test {
 protected:
  Unreported() {
    run_.began_ns = run_.steps_ns = at_s(0);
    run_.ended_ns = at_s(10);
    for (const char* name : {"alice", "bob"})
      run_.actors.push_back({name, name, "main", "all", "", {window_s(0, 10)}});
  }
  std::vector<TimeWindow>& inside(size_t index) { return run_.actors[index].inside; }
  void sends(const char* stream, const Points& points) {
    run_.series.push_back(series("send.bitrate", stream, points));
  }
  static Series series(const char* metric, const char* stream, const Points& points) {
    Series s{.metric = metric, .actor = "bob", .from = "alice", .stream = stream};
    s.state = Measured::kOk;
    for (const auto& [at, value] : points) s.samples.push_back({at_s(at), value});
    return s;
  }
  std::string judged(const Points& reports, const char* metric = "send.loss",
                     const char* stream = "camera") const {
    return unreported(series(metric, stream, reports), window_s(2, 8), run_);
  }
  Evidence run_;
};

TEST_F(Unreported, ReportsThatComeTellOfAll) {
  EXPECT_EQ(judged({{1, 0}, {2, 0}, {3, 0}, {5, 0}, {7, 0}, {9, 0}}), "");
  EXPECT_EQ(judged({{1, 0}, {2.1, 0}, {6.5, 0.2}}), "") << "they are seconds apart";
  EXPECT_EQ(judged({{6, 0}, {7, 0}, {8, 0}}), "") << "there was none before";
  EXPECT_EQ(judged({{1, 0}, {2.1, 0}}, "send.bitrate"), "") << "that is no report's";
}

TEST_F(Unreported, AHoleIsNamed) {
  EXPECT_THAT(judged({{1, 0}, {2.1, 0}, {9, 0.1}}),
              HasSubstr("no report of the other end told of it from 2.1 s to 8.0 s"))
      << "what came at 9 s is not of the window";
  EXPECT_NE(judged({{1, 0}, {2.1, 0}}), "") << "none came any more";
  EXPECT_NE(judged({{1, 0}, {2.1, 0}}, "rtp.rtt", ""), "");
}

TEST_F(Unreported, NoReportIsDueOfATimeInWhichOneOfThemWasNotThere) {
  const Points reports = {{1, 0}, {2.1, 0}, {3, 0}};
  EXPECT_NE(judged(reports), "");
  inside(1) = {window_s(0, 4)};
  EXPECT_EQ(judged(reports), "") << "he left";
  inside(1) = {window_s(0, 4), window_s(7.5, 10)};
  EXPECT_EQ(judged({{1, 0}, {2.1, 0}, {3, 0}, {7.9, 0}}), "") << "he came back";
  inside(1) = {window_s(0, 10)};
  inside(0) = {window_s(0, 4)};
  EXPECT_EQ(judged(reports), "") << "who reports left";
}

TEST_F(Unreported, NoReportIsDueOfATimeInWhichNothingWasSent) {
  const Points reports = {{2, 0}, {3, 0}, {4, 0}};
  sends("camera", {{2, 9}, {3, 9}, {4, 9}, {5, 0}, {6, 0}, {7, 0}, {8, 0}});
  EXPECT_EQ(judged(reports), "");
  EXPECT_NE(judged({{2.1, 0}}), "") << "of what was sent none told";
  // Of the round trip any stream's report tells.
  EXPECT_EQ(judged(reports, "rtp.rtt", ""), "");
  sends("microphone", {{2, 9}, {3, 9}, {4, 9}, {5, 9}, {6, 9}, {7, 9}, {8, 9}});
  EXPECT_EQ(judged(reports), "") << "the microphone is another one's";
  EXPECT_NE(judged({{2.1, 0}, {3, 0}}, "rtp.rtt", ""), "");
}

TEST_F(Unreported, WhatIsFoldedIsNotAsked) {
  sends("camera", {{2, 9}, {8, 9}});
  EXPECT_NE(judged({{2.1, 0}}), "");
  run_.series.back().folded.resize(1);
  EXPECT_EQ(judged({{2.1, 0}}), "");
}

}  // namespace
}  // namespace callbot::scenarios
