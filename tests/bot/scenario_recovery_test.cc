#include "bot/scenario_recovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/folding.h"

namespace callbot::bot {
namespace {

int64_t at_s(double second) { return 1'000'000'000'000 + std::llround(second * 1e9); }

// 30 frames a second; a delay below 0: the frame never came.
Series delays(double seconds, const std::function<double(double)>& delay) {
  Series out;
  out.metric = "video.e2e_delay";
  out.actor = "bob";
  out.from = "alice";
  out.stream = "camera";
  out.state = Measured::kOk;
  for (int n = 0; n < seconds * 30; ++n) {
    const double second = n / 30.0, value = delay(second);
    if (value >= 0) out.samples.push_back({at_s(second + value), value});
  }
  std::sort(out.samples.begin(), out.samples.end(),
            [](const Sample& a, const Sample& b) { return a.at_ns < b.at_ns; });
  return out;
}

TEST(ScenarioRecovery, IsTheTimeUntilDelayAndRateAreBack) {
  // Half a second late from 10 s on; the line is good again at 15 s, the delay at 17 s.
  const auto slow = [](double t) { return t >= 10 && t < 17 ? 0.5 : 0.05; };
  const Series series = recovery_of(delays(30, slow), {{at_s(10), at_s(15)}, {}}, at_s(30));
  EXPECT_EQ(series.metric, "recovery_time");
  EXPECT_EQ(series.actor, "bob");
  EXPECT_EQ(series.from, "alice");
  EXPECT_EQ(series.stream, "camera");
  ASSERT_EQ(series.state, Measured::kOk) << series.why;
  ASSERT_EQ(series.samples.size(), 1u) << "while it was bad it did not recover";
  EXPECT_NEAR(series.samples[0].value, 2, 0.6);
  EXPECT_EQ(series.samples[0].at_ns,
            at_s(15) + std::llround(series.samples[0].value * 1e9) + 1'000'000'000);
}

TEST(ScenarioRecovery, FewerFramesAreNoRecovery) {
  const auto half = [](double t) {
    return t >= 10 && t < 18 && std::llround(t * 30) % 2 == 0 ? -1 : 0.05;
  };
  const Series series = recovery_of(delays(30, half), {{at_s(10), at_s(12)}, {}}, at_s(30));
  ASSERT_EQ(series.samples.size(), 1u);
  EXPECT_NEAR(series.samples[0].value, 6, 0.3);
}

TEST(ScenarioRecovery, WhatWasNotDisturbedIsBackAtOnce) {
  const Series series =
      recovery_of(delays(30, [](double) { return 0.05; }), {{at_s(10), at_s(20)}, {}}, at_s(30));
  ASSERT_EQ(series.samples.size(), 2u);
  EXPECT_EQ(series.samples[0].value, 0);
  EXPECT_EQ(series.samples[1].value, 0);
  EXPECT_EQ(series.samples[0].at_ns, at_s(11));
}

TEST(ScenarioRecovery, WhatNeverComesBackTookUntilTheEnd) {
  const auto slow = [](double t) { return t >= 10 ? 0.5 : 0.05; };
  const Series series = recovery_of(delays(30, slow), {{at_s(10), at_s(15)}, {}}, at_s(30));
  ASSERT_EQ(series.samples.size(), 1u);
  EXPECT_EQ(series.samples[0].value, 15);
  EXPECT_LT(series.samples[0].at_ns, at_s(30));
}

TEST(ScenarioRecovery, WhatStopsIsWaitedForUntilThen) {
  // Its sender goes at 15 s, comes back at 20 s, and is slow for a second when the line changes.
  const auto delay = [](double t) {
    if (t >= 15 && t < 20) return -1.0;
    return (t >= 10 && t < 15) || (t >= 30 && t < 31) ? 0.5 : 0.05;
  };
  const Series all = delays(40, delay);
  const Series gone = recovery_of(all, {{at_s(10)}, {at_s(15)}}, at_s(20));
  ASSERT_EQ(gone.samples.size(), 1u);
  EXPECT_EQ(gone.samples[0], (Sample{at_s(15), 5}));
  const Series while_gone = recovery_of(all, {{at_s(17)}, {at_s(15)}}, at_s(20));
  EXPECT_EQ(while_gone.state, Measured::kUnmeasured) << "there is nothing to be as it was";
  const Series again = recovery_of(all, {{at_s(10), at_s(30)}, {at_s(15)}}, at_s(40));
  ASSERT_EQ(again.samples.size(), 2u);
  EXPECT_EQ(again.samples[0], gone.samples[0]);
  EXPECT_NEAR(again.samples[1].value, 1, 0.6);
}

TEST(ScenarioRecovery, WithoutABeforeItIsUnmeasured) {
  const Series series =
      recovery_of(delays(30, [](double) { return 0.05; }), {{at_s(0.1)}, {}}, at_s(30));
  EXPECT_EQ(series.state, Measured::kUnmeasured);
  EXPECT_EQ(series.why, "too little was measured before the network changed");
  EXPECT_TRUE(series.samples.empty());
}

// A soak of hours keeps no old delays.
TEST(ScenarioRecovery, IsTheSameWhenOldDelaysAreFolded) {
  const auto slow = [](double t) {
    return (t >= 100 && t < 130) || (t >= 1000 && t < 1400) ? 0.5 : 0.05;
  };
  const Series all = delays(2000, slow);
  const std::vector<int64_t> changes = {at_s(100), at_s(120), at_s(1000), at_s(1990)};
  Series folded = all;
  folded.samples.clear();
  Recovery recovery;
  std::vector<int64_t> so_far;
  for (const Sample& sample : all.samples) {
    if (so_far.size() < changes.size() && changes[so_far.size()] <= sample.at_ns)
      so_far.push_back(changes[so_far.size()]);
    folded.samples.push_back(sample);
    fold(folded, {});
    recovery.look(folded, {so_far, {}}, sample.at_ns - 1'000'000'000);
  }
  EXPECT_LT(folded.samples.size(), all.samples.size() / 5);
  const Series truth = recovery_of(all, {changes, {}}, at_s(2000));
  ASSERT_EQ(truth.samples.size(), 3u);
  EXPECT_EQ(recovery.series(folded, {changes, {}}, at_s(2000)).samples, truth.samples);
}

// Changes of the receiver's own network count for all streams, a sender's for his.
TEST(ScenarioRecovery, OfAllThatOneReceives) {
  const auto slow = [](double t) { return t >= 10 && t < 17 ? 0.5 : 0.05; };
  const auto fine = [](double) { return 0.05; };
  Series carols = delays(30, fine), daves = delays(30, fine);
  carols.from = "carol";
  daves.from = "dave";
  const std::vector<Series> all = {delays(30, slow), carols, daves};
  Recoveries recoveries;
  EXPECT_TRUE(recoveries.series(all, at_s(30)).empty());
  recoveries.changed("alice", at_s(10));
  recoveries.look(all, at_s(14));
  recoveries.changed("alice", at_s(15));
  recoveries.changed("erin", at_s(16));
  ASSERT_EQ(recoveries.series(all, at_s(30)).size(), 1u);
  const Series alices = recoveries.series(all, at_s(30))[0];
  EXPECT_EQ(alices.from, "alice");
  EXPECT_EQ(alices.samples, recovery_of(all[0], {{at_s(10), at_s(15)}, {}}, at_s(30)).samples);
  recoveries.own_changed(at_s(20));
  const auto out = recoveries.series(all, at_s(30));
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].samples.size(), 2u);
  EXPECT_EQ(out[1].samples.size(), 1u);
  EXPECT_EQ(out[1].from, "carol");
}

TEST(ScenarioRecovery, WhoStopsStopsForThoseItConcerns) {
  const std::vector<Series> all = {delays(30, [](double t) { return t >= 10 ? 0.5 : 0.05; })};
  const struct {
    const char *sender, *stream;
    double took;
  } cases[] = {
      {"alice", "", 5},        {"alice", "camera", 5}, {"", "", 5},
      {"alice", "screen", 20}, {"carol", "", 20},
  };
  for (const auto& [sender, stream, took] : cases) {
    Recoveries recoveries;
    recoveries.changed("alice", at_s(10));
    recoveries.look(all, at_s(14));
    recoveries.stopped(sender, stream, at_s(15));
    recoveries.look(all, at_s(20));
    const auto out = recoveries.series(all, at_s(30));
    ASSERT_EQ(out.size(), 1u);
    ASSERT_EQ(out[0].samples.size(), 1u);
    EXPECT_EQ(out[0].samples[0].value, took) << sender << "/" << stream;
  }
}

}  // namespace
}  // namespace callbot::bot
