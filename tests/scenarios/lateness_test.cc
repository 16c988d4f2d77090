#include "scenarios/lateness.h"

#include <gmock/gmock.h>

#include "scenarios/threshold.h"
#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
using test::window_s;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Series series(const char* metric, const char* actor, double value, const char* from = "") {
  Series s{.metric = metric, .actor = actor, .from = from};
  s.state = Measured::kOk;
  for (int i = 1; i < 10; ++i) s.samples.push_back({at_s(i), value});
  return s;
}

Threshold gate(const char* metric, const char* op, double value, const char* stat = "p95") {
  Threshold t;
  t.metric = metric;
  t.stat = *parse_stat(stat);
  t.op = op;
  t.value = value;
  return t;
}

class Lateness : public ::testing::Test {
 protected:
  // Of a gate that does not hold.
  std::string blame(const Threshold& t, double value, std::optional<int64_t> at_ns = {}) const {
    std::vector<const Series*> all;
    for (const Series& s : series_) all.push_back(&s);
    return blames_the_bot({t, *find_metric(t.metric), value, {"alice"}, window_s(0, 10), at_ns},
                          all);
  }
  // Once, for so long, in a long call.
  void stood_still(int at, double seconds) {
    Series s = series("bot.lateness", "", 0.002);
    for (int i = 10; i < 300; ++i) s.samples.push_back({at_s(i), i == at ? seconds : 0.002});
    series_ = {s};
  }
  void late(double loop, double sending) {
    series_ = {series("bot.lateness", "", loop), series("send.lateness", "alice", sending)};
  }
  std::vector<Series> series_;
};

TEST_F(Lateness, ADelayThatTheBotExplainsIsItsOwn) {
  const Threshold t = gate("video.e2e_delay", "<=", 0.05);
  EXPECT_THAT(blame(t, 0.182), IsEmpty()) << "nobody knows how late it was";
  late(0.098, 0.169);
  EXPECT_THAT(blame(t, 0.182), HasSubstr("its loop by 98 ms, what it sent by 169 ms"));
  late(0.002, 0.012);
  EXPECT_THAT(blame(t, 0.06), IsEmpty()) << "a third of the limit is 16.7 ms";
  late(0.005, 0.013);
  EXPECT_THAT(blame(t, 0.06), HasSubstr("more than 16.7 ms"));
}

TEST_F(Lateness, ADelayFarBeyondItIsTheServices) {
  late(0.01, 0.03);
  const Threshold t = gate("video.e2e_delay", "<=", 0.1);
  EXPECT_THAT(blame(t, 0.2), HasSubstr("more than 33.3 ms"));
  EXPECT_THAT(blame(t, 0.25), IsEmpty());
}

TEST_F(Lateness, AUsualLatenessIsNoExcuseForATightLimit) {
  late(0.004, 0.008);
  EXPECT_THAT(blame(gate("rtp.jitter", "<=", 0.01), 0.014), IsEmpty());
  late(0.008, 0.008);
  EXPECT_THAT(blame(gate("rtp.jitter", "<=", 0.01), 0.014), HasSubstr("more than 15 ms"));
}

TEST_F(Lateness, FreezesAndTheFrameRateHaveABoundOfTheirOwn) {
  late(0.01, 0.03);
  EXPECT_THAT(blame(gate("video.freeze", "<=", 0.1, "total"), 9), IsEmpty());
  EXPECT_THAT(blame(gate("video.fps", ">=", 25, "mean"), 9), IsEmpty());
  late(0.03, 0.03);
  for (const char* freeze : {"video.freeze", "video.arrival_freeze", "video.freeze_true"})
    EXPECT_THAT(blame(gate(freeze, "<=", 0.1, "total"), 0.25), HasSubstr("50 ms")) << freeze;
  EXPECT_THAT(blame(gate("video.freeze", "<=", 0.1, "total"), 9), IsEmpty())
      << "a dead stream is no lateness";
  EXPECT_THAT(blame(gate("audio.silence", "<=", 0.1, "total"), 0.25), IsEmpty());
  EXPECT_THAT(blame(gate("video.fps", "<=", 25, "mean"), 30), IsEmpty());
  EXPECT_THAT(blame(gate("video.fps", ">=", 25, "mean"), 9), HasSubstr("50 ms"));
}

TEST_F(Lateness, IsNotAskedOfWhatItDoesNotMakeWorse) {
  late(0.3, 0.3);
  EXPECT_THAT(blame(gate("rtp.lost", "<=", 0, "total"), 9), IsEmpty());
  EXPECT_THAT(blame(gate("video.psnr", ">=", 30), 9), IsEmpty());
  EXPECT_THAT(blame(gate("video.e2e_delay", ">=", 0.5), 0.1), IsEmpty());
  EXPECT_THAT(blame(gate("bot.lateness", "<=", 0.05), 0.3), IsEmpty());
  EXPECT_THAT(blame(gate("send.lateness", "<=", 0.05), 0.3), IsEmpty());
}

TEST_F(Lateness, APictureThatComesAfterItsSoundMayBeTheBots) {
  late(0.005, 0.09);
  const Threshold t = gate("av.skew", ">=", -0.045, "p5");
  EXPECT_THAT(blame(t, -0.064), HasSubstr("more than 15 ms"));
  EXPECT_THAT(blame(t, -0.5), IsEmpty()) << "so long after it that this does not explain it";
  late(0.002, 0.005);
  EXPECT_THAT(blame(t, -0.064), IsEmpty());
  late(0.005, 0.09);
  EXPECT_THAT(blame(gate("av.skew", "<=", 0.1), 0.13), HasSubstr("what it sent by 90 ms"));
}

TEST_F(Lateness, OneFreezeOfALongCallIsAskedWhatWasThen) {
  stood_still(200, 0.7);
  const Threshold t = gate("video.freeze_true", "<=", 0.6, "max");
  EXPECT_THAT(blame(t, 0.86, at_s(199)), HasSubstr("its loop by 700 ms"));
  EXPECT_THAT(blame(t, 0.86, at_s(200)), HasSubstr("around then"));
  EXPECT_THAT(blame(t, 0.86, at_s(196)), IsEmpty());
  EXPECT_THAT(blame(t, 0.86, at_s(202)), IsEmpty());
  EXPECT_THAT(blame(t, 3, at_s(199)), IsEmpty()) << "a longer one is not explained";
}

TEST_F(Lateness, WhatIsSmallAfterTheBotStoodStillMayBeItsDoing) {
  stood_still(200, 0.7);
  for (const char* adapts : {"video.width", "video.psnr", "video.vmaf", "rtp.bitrate"}) {
    const Threshold t = gate(adapts, ">=", 32, "min");
    EXPECT_THAT(blame(t, 16, at_s(207)), HasSubstr("more than 250 ms")) << adapts;
    EXPECT_THAT(blame(t, 16, at_s(195)), IsEmpty()) << adapts << " before it";
    EXPECT_THAT(blame(t, 16, at_s(220)), IsEmpty()) << adapts << " long after it";
  }
  EXPECT_THAT(blame(gate("audio.bandwidth", ">=", 8000, "min"), 16, at_s(207)), IsEmpty());
  stood_still(200, 0.2);
  EXPECT_THAT(blame(gate("video.width", ">=", 32, "min"), 16, at_s(201)), IsEmpty());
}

TEST_F(Lateness, OfASenderWhoIsNotInItDoesNotCount) {
  series_ = {series("send.lateness", "bob", 0.3)};
  EXPECT_THAT(blame(gate("video.e2e_delay", "<=", 0.05), 0.1), IsEmpty());
}

TEST_F(Lateness, MakesAThresholdInvalidInsteadOfFailed) {
  Evidence e;
  e.began_ns = e.steps_ns = at_s(0);
  e.ended_ns = at_s(10);
  for (const char* name : {"alice", "bob"})
    e.actors.push_back({name, name, "main", "all", "", {window_s(0, 10)}});
  e.series = {series("video.e2e_delay", "bob", 0.182, "alice"), series("bot.lateness", "", 0.098),
              series("send.lateness", "alice", 0.169)};
  Threshold t = gate("video.e2e_delay", "<=", 0.05);
  const Case c = judge_threshold(t, e);
  EXPECT_EQ(c.verdict, Verdict::kInvalid);
  EXPECT_THAT(c.text, HasSubstr("p95 182 ms, expected <= 50 ms (would be fail, but the bot"));
  t.value = 0.2;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kPass) << "what holds, holds all the more";
  for (Series& s : e.series)
    if (s.metric != "video.e2e_delay") s = series(s.metric.c_str(), s.actor.c_str(), 0.002);
  t.value = 0.05;
  EXPECT_EQ(judge_threshold(t, e).verdict, Verdict::kFail);
}

}  // namespace
}  // namespace callbot::scenarios
