#include "scenarios/abort_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;

Scenario asks(const char* metric, const char* stat, const char* op, double value) {
  Scenario s;
  Threshold t;
  t.metric = metric;
  t.stat = *parse_stat(stat);
  t.op = op;
  t.value = value;
  t.written = "LIMIT";
  t.abort = true;
  s.thresholds = {t};
  return s;
}

TEST(AbortWatch, RunningStatsAgreeWithTheSamples) {
  std::mt19937 random(5);
  Series series{.metric = "av.skew", .state = Measured::kOk};
  RunningStat running;
  for (int i = 0; i < 5000; ++i) {
    const double value = (static_cast<double>(random() % 2000) - 700) / 10'000;
    series.samples.push_back({at_s(i * 0.01), value});
    running.add(value);
  }
  const Metric& metric = *find_metric("av.skew");
  const Series* pooled[] = {&series};
  for (const char* name : {"min", "max", "mean", "p5", "p50", "p95", "p95abs", "harmonic"}) {
    const StatName stat = *parse_stat(name);
    const double exact = *compute(stat, metric, pooled, {}, test::window_s(0, 60), 60).value;
    EXPECT_NEAR(*running.value(stat, metric, 60, 0), exact, std::abs(exact) * 0.021 + 1e-9) << name;
  }
}

TEST(AbortWatch, EndsARunThatIsLost) {
  auto scenario = asks("rtp.loss", "mean", "<", 0.2);
  scenario.thresholds[0].delay = 5;
  AbortWatch watch(scenario);
  watch.steps_began(at_s(0));
  for (int i = 0; i < 10; ++i) {
    watch.sample({"rtp.loss", "bob-1", "bob", "alice", "alice", "camera"}, {at_s(i), 0.5});
    if (i < 5) {
      EXPECT_FALSE(watch.check(at_s(i))) << i;
    }
  }
  EXPECT_EQ(watch.check(at_s(9)), "aborted by rtp.loss mean < LIMIT (0.5)");
}

TEST(AbortWatch, KnowsItsWindowAndItsStreams) {
  auto scenario = asks("rtp.loss", "max", "<", 0.2);
  scenario.thresholds[0].span.from = Span::End{"steady"};
  scenario.thresholds[0].who = "bob";
  AbortWatch watch(scenario);
  watch.steps_began(at_s(0));
  const AbortWatch::Source bob{"rtp.loss", "bob-1", "bob", "alice", "alice", "camera"};
  watch.sample(bob, {at_s(1), 0.9});
  EXPECT_FALSE(watch.check(at_s(2)));  // the mark has not come
  watch.mark("steady", at_s(3));
  watch.sample(bob, {at_s(2), 0.9});
  watch.sample({"rtp.loss", "alice", "alice", "bob-1", "bob", "camera"}, {at_s(4), 0.9});
  EXPECT_FALSE(watch.check(at_s(5)));
  watch.sample(bob, {at_s(5), 0.9});
  EXPECT_TRUE(watch.check(at_s(6)));
}

TEST(AbortWatch, AQuorumOfActorsDecides) {
  auto scenario = asks("video.missing", "ratio", "<=", 0.1);
  scenario.thresholds[0].per = Per::kActor;
  scenario.thresholds[0].quorum = 0.5;
  AbortWatch watch(scenario);
  const auto feed = [&](const char* actor, double missing) {
    watch.sample({"video.expected", actor, "bob", "alice", "alice", ""}, {at_s(1), 100});
    watch.sample({"video.missing", actor, "bob", "alice", "alice", ""}, {at_s(1), missing});
  };
  feed("bob-1", 50);
  feed("bob-2", 0);
  EXPECT_FALSE(watch.check(at_s(2)));
  feed("bob-3", 50);
  EXPECT_TRUE(watch.check(at_s(2)));
}

TEST(AbortWatch, LooksAtNothingThatDoesNotAbort) {
  auto scenario = asks("rtp.loss", "max", "<", 0.2);
  scenario.thresholds[0].abort = false;
  EXPECT_TRUE(AbortWatch(scenario).empty());
}

}  // namespace
}  // namespace callbot::scenarios
