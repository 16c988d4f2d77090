#include "scenarios/live_run.h"

#include <gmock/gmock.h>

#include <limits>

namespace callbot::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Series series(const char* metric, std::vector<Sample> samples, Measured state = Measured::kOk) {
  return {metric, "bob", "alice", "camera", state, "", 0, std::move(samples)};
}

LiveRun run_of(const std::vector<Series>& all) {
  LiveRun run{"drop \"1\"\\\n", 2, 12.5, "wait 5 s", 3, 7, 1, 2, {}};
  for (const Series& s : all) run.series.push_back(&s);
  return run;
}

constexpr const char* kOfBob =
    "{scenario=\"drop "
    "\\\"1\\\"\\\\\\n\",run=\"2\",actor=\"bob\",from=\"alice\",stream=\"camera\"} ";

TEST(Prometheus, AGaugeIsItsLastSampleInItsBaseUnit) {
  const std::vector<Series> all = {series("video.e2e_delay", {{1, 0.25}, {2, 0.125}})};
  const std::string text = prometheus_text(run_of(all));
  EXPECT_THAT(text, HasSubstr("# TYPE callbot_video_e2e_delay_seconds gauge\n"));
  EXPECT_THAT(text, HasSubstr(std::string("callbot_video_e2e_delay_seconds") + kOfBob + "0.125\n"));
}

TEST(Prometheus, CountsAreTotalsAndSpansAreNumberAndSeconds) {
  const std::vector<Series> all = {series("video.missing", {{1, 2}, {2, 3}}),
                                   series("video.freeze", {{1, 0.5}, {2, 0.25}})};
  const std::string text = prometheus_text(run_of(all));
  EXPECT_THAT(text, HasSubstr("# TYPE callbot_video_missing_total counter\n"));
  EXPECT_THAT(text, HasSubstr(std::string("callbot_video_missing_total") + kOfBob + "5\n"));
  EXPECT_THAT(text, HasSubstr(std::string("callbot_video_freeze_seconds_total") + kOfBob + "0.75"));
  EXPECT_THAT(text, HasSubstr(std::string("callbot_video_freeze_total") + kOfBob + "2\n"));
}

TEST(Prometheus, WhatMayBeTakenBackIsNoCounter) {
  const std::vector<Series> all = {series("rtp.lost", {{1, 4}, {2, -3}})};
  const std::string text = prometheus_text(run_of(all));
  EXPECT_THAT(text, HasSubstr("# TYPE callbot_rtp_lost_total gauge\n"));
  EXPECT_THAT(text, HasSubstr(std::string("callbot_rtp_lost_total") + kOfBob + "1\n"));
}

TEST(Prometheus, WhatWasNotMeasuredIsNotThere) {
  const std::vector<Series> all = {series("video.missing", {}, Measured::kUnmeasured),
                                   series("video.fps", {}), series("video.duplicate", {})};
  const std::string text = prometheus_text(run_of(all));
  EXPECT_THAT(text, Not(HasSubstr("video_missing")));
  EXPECT_THAT(text, Not(HasSubstr(std::string("callbot_video_fps_per_second") + kOfBob)));
  // Measured, and there was none.
  EXPECT_THAT(text, HasSubstr(std::string("callbot_video_duplicate_total") + kOfBob + "0\n"));
}

TEST(Prometheus, TheRunItself) {
  const std::vector<Series> all = {
      series("video.psnr", {{1, std::numeric_limits<double>::infinity()}})};
  const std::string text = prometheus_text(run_of(all));
  const std::string of_run = "{scenario=\"drop \\\"1\\\"\\\\\\n\",run=\"2\"} ";
  EXPECT_THAT(text, HasSubstr("callbot_run_seconds" + of_run + "12.5\n"));
  EXPECT_THAT(text, HasSubstr("callbot_run_step" + of_run + "3\n"));
  EXPECT_THAT(text, HasSubstr("callbot_run_steps" + of_run + "7\n"));
  EXPECT_THAT(text, HasSubstr("callbot_run_actors_inside" + of_run + "1\n"));
  EXPECT_THAT(text, HasSubstr(std::string("callbot_video_psnr_decibels") + kOfBob + "+Inf\n"));
}

TEST(LiveTable, ARowForEachReceivedStream) {
  std::vector<Series> all = {series("rtp.bitrate", {{1, 1}, {2, 1'234'000}}),
                             series("rtp.loss", {{2, 0.015}}),
                             series("video.frames", {{2, 29}}),
                             series("video.freeze", {{1, 0.5}, {2, 0.7}}),
                             {"bot.cpu", "", "", "", Measured::kOk, "", 0, {{1, 0.5}}}};
  auto table = live_table(run_of(all), 20);
  EXPECT_EQ(table.summary,
            "drop \"1\"\\\\u000a  0:12.5  1 of 2 in the call  step 3 of 7: wait 5 s");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_THAT(table.rows[1],
              ElementsAre("bob", "alice", "camera", "1234", "29", "1.5", "-", "1.2"));
  all.push_back(series("video.fps", {{2, 29.97}}));
  EXPECT_EQ(live_table(run_of(all), 20).rows[1][4], "30.0");
}

TEST(LiveTable, WhatDoesNotFitIsCounted) {
  std::vector<Series> all;
  for (const char* stream : {"screen", "camera", "microphone"}) {
    all.push_back(series("rtp.bitrate", {{1, 64000}}));
    all.back().stream = stream;
  }
  const auto table = live_table(run_of(all), 2);
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[1][2], "camera");
  EXPECT_THAT(table.rows[2], ElementsAre("bob", "alice", "microphone", "64", "", "-", "-", ""));
  EXPECT_EQ(table.left_out, 1u);
}

}  // namespace
}  // namespace callbot::scenarios
