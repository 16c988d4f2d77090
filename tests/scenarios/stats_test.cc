#include "scenarios/stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/folding.h"
#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
using test::window_s;

Series series(const char* metric, const std::vector<std::pair<double, double>>& samples) {
  Series s{.metric = metric, .state = Measured::kOk};
  for (const auto& [at, value] : samples) s.samples.push_back({at_s(at), value});
  return s;
}

StatValue of(const char* stat, const Series& s, TimeWindow window, const Series* share = nullptr) {
  const Series* pooled[] = {&s};
  const Series* by[] = {share};
  return compute(*parse_stat(stat), *find_metric(s.metric), pooled,
                 share == nullptr ? std::span<const Series* const>() : by, window,
                 window.seconds());
}

TEST(Stats, NamesAreReadAndWritten) {
  for (const char* name : {"min", "max", "mean", "p50", "p99.9", "p95abs", "total", "count", "rate",
                           "ratio", "harmonic"}) {
    const auto stat = parse_stat(name);
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(text_of(*stat), name);
  }
  for (const char* name : {"", "p", "p0", "p100", "p-5", "pabs", "avg", "p5e1", "95"})
    EXPECT_FALSE(parse_stat(name)) << name;
}

TEST(Stats, APercentileIsASampleThatWasMeasured) {
  Series s = series("video.e2e_delay", {});
  for (int i = 100; i >= 1; --i) s.samples.push_back({at_s((101 - i) * 0.1), i / 1000.0});
  const auto p95 = of("p95", s, window_s(0, 100));
  EXPECT_EQ(p95.value, 0.095);
  EXPECT_EQ(p95.at_ns, at_s(0.6));
  EXPECT_EQ(of("p50", s, window_s(0, 100)).value, 0.05);
  EXPECT_EQ(of("p0.1", s, window_s(0, 100)).value, 0.001);
  EXPECT_EQ(of("max", s, window_s(0, 100)).value, 0.1);
  EXPECT_EQ(of("min", s, window_s(0, 100)).value, 0.001);
  EXPECT_NEAR(*of("mean", s, window_s(0, 100)).value, 0.0505, 1e-12);
  EXPECT_EQ(of("count", s, window_s(0, 1.05)).value, 10);
}

TEST(Stats, TheWindowsEndIsOutside) {
  const Series s = series("video.fps", {{1, 10}, {2, 20}, {3, 30}});
  EXPECT_EQ(of("mean", s, window_s(1, 3)).value, 15);
  EXPECT_EQ(of("mean", s, window_s(1, 3)).samples, 2u);
}

TEST(Stats, SkewBySize) {
  const Series s = series("av.skew", {{1, -0.09}, {2, 0.01}, {3, 0.02}});
  EXPECT_EQ(of("p95abs", s, window_s(0, 9)).value, 0.09);
  EXPECT_EQ(of("p95", s, window_s(0, 9)).value, 0.02);
}

TEST(Stats, CountsAreSummedAndShared) {
  const Series lost = series("rtp.lost", {{1, 2}, {2, -1}, {3, 4}});
  const Series packets = series("rtp.packets", {{1, 50}, {2, 50}, {3, 100}});
  EXPECT_EQ(of("total", lost, window_s(0, 4)).value, 5);
  EXPECT_EQ(of("count", lost, window_s(0, 4)).value, 5);
  EXPECT_EQ(of("rate", lost, window_s(0, 4)).value, 1.25);
  EXPECT_EQ(of("ratio", lost, window_s(0, 4), &packets).value, 0.025);
  EXPECT_EQ(of("ratio", lost, window_s(1.5, 2.5), &packets).value, -0.02);
}

TEST(Stats, SpansAreCutAtTheWindow) {
  const Series s = series("video.freeze", {{1, 2}, {5, 1}});
  EXPECT_EQ(of("total", s, window_s(2, 5.5)).value, 1.5);
  EXPECT_EQ(of("max", s, window_s(2, 5.5)).value, 1);
  EXPECT_EQ(of("count", s, window_s(2, 5.5)).value, 2);
  EXPECT_EQ(of("ratio", s, window_s(0, 10)).value, 0.3);
  EXPECT_EQ(of("count", s, window_s(3, 5)).value, 0);
}

TEST(Stats, HarmonicWeighsFreezesIn) {
  const Series even = series("video.interval", {{1, 0.04}, {2, 0.04}, {3, 0.04}});
  EXPECT_NEAR(*of("harmonic", even, window_s(0, 9)).value, 25, 1e-9);
  const Series frozen = series("video.interval", {{1, 0.04}, {2, 0.04}, {3, 0.92}});
  EXPECT_NEAR(*of("harmonic", frozen, window_s(0, 9)).value, 1 / (2 * 0.0016 + 0.8464), 1e-9);
}

TEST(Stats, NothingIsZeroOnlyWhereItWasCounted) {
  const Series freezes = series("video.freeze", {});
  const Series missing = series("video.missing", {});
  const Series delays = series("video.e2e_delay", {});
  const Series expected = series("video.expected", {});
  const auto w = window_s(0, 10);
  for (const char* stat : {"total", "count", "rate", "max", "ratio"})
    EXPECT_EQ(of(stat, freezes, w).value, 0) << stat;
  for (const char* stat : {"total", "count", "rate"})
    EXPECT_EQ(of(stat, missing, w).value, 0) << stat;
  for (const char* stat : {"mean", "p95", "min"}) EXPECT_FALSE(of(stat, freezes, w).value) << stat;
  for (const char* stat : {"mean", "p95", "min", "max", "count", "rate"})
    EXPECT_FALSE(of(stat, delays, w).value) << stat;
  const auto ratio = of("ratio", missing, w, &expected);
  EXPECT_FALSE(ratio.value);
  EXPECT_EQ(ratio.why, "video.expected is 0");
}

// An hour of 30 frames a second, in which one frame of twenty comes late.
struct Hour {
  Series whole = series("video.e2e_delay", {}), folded = whole;
  explicit Hour(const FoldPlan& plan) {
    std::mt19937_64 random(11);
    std::exponential_distribution<double> usual(40), late(4);
    for (int n = 0; n < 3600 * 30; ++n) {
      whole.samples.push_back(
          {at_s(n / 30.0), 0.04 + usual(random) + (n % 20 == 0 ? late(random) : 0)});
      folded.samples.push_back(whole.samples.back());
      if (n % 30 == 0) fold(folded, plan);
    }
  }
};

TEST(Stats, OfAnHourAreThoseOfAllItsSamples) {
  FoldPlan plan;
  plan.cut(at_s(600));
  plan.cut(at_s(1800));
  const Hour hour(plan);
  ASSERT_LT(hour.folded.samples.size(), hour.whole.samples.size() / 10);
  for (const TimeWindow& window : {window_s(0, 3600), window_s(600, 1800), window_s(1800, 3600)}) {
    for (const char* stat : {"count", "mean", "min", "max", "rate", "harmonic"}) {
      const double truth = *of(stat, hour.whole, window).value;
      EXPECT_NEAR(*of(stat, hour.folded, window).value, truth, 1e-9 * truth) << stat;
    }
    for (const char* stat : {"p1", "p50", "p95", "p99", "p99.9", "p95abs"}) {
      const auto truth = of(stat, hour.whole, window), got = of(stat, hour.folded, window);
      EXPECT_NEAR(*got.value, *truth.value, 0.01 * *truth.value) << stat;
      EXPECT_EQ(got.samples, truth.samples);
      // It was measured, then and there.
      const auto at =
          static_cast<size_t>(std::lround(static_cast<double>(got.at_ns - at_s(0)) / 1e9 * 30));
      EXPECT_EQ(hour.whole.samples.at(at).value, *got.value) << stat;
    }
  }
}

TEST(Stats, OfAnHourAreOnTheRightSideOfALimit) {
  const double truth = *of("p95", Hour(FoldPlan()).whole, window_s(0, 3600)).value;
  // Nearer than a class is wide.
  for (const double limit : {truth * 0.9999, truth, truth * 1.0001}) {
    FoldPlan plan;
    plan.limit("video.e2e_delay", limit);
    const Hour hour(plan);
    const double got = *of("p95", hour.folded, window_s(0, 3600)).value;
    EXPECT_EQ(got <= limit, truth <= limit) << limit;
    EXPECT_EQ(got < limit, truth < limit) << limit;
    EXPECT_NEAR(got, truth, 0.01 * truth);
  }
}

TEST(Stats, CountsOfAnHourAreExact) {
  FoldPlan plan;
  Series lost = series("rtp.lost", {}), packets = series("rtp.packets", {});
  for (int n = 0; n < 3600; ++n) {
    lost.samples.push_back({at_s(n), n % 100 == 0 ? -1.0 : n % 7});
    packets.samples.push_back({at_s(n), 100});
    fold(lost, plan);
    fold(packets, plan);
  }
  ASSERT_FALSE(lost.folded.empty());
  double sum = 0;
  for (int n = 0; n < 3600; ++n) sum += n % 100 == 0 ? -1.0 : n % 7;
  EXPECT_EQ(of("total", lost, window_s(0, 3600)).value, sum);
  EXPECT_EQ(of("ratio", lost, window_s(0, 3600), &packets).value, sum / 360000);
}

TEST(Stats, SayWhereTheyMeanNothing) {
  const auto wrong = [](const char* stat, const char* metric) {
    return stat_mistake(*parse_stat(stat), *find_metric(metric));
  };
  EXPECT_EQ(wrong("p95", "video.e2e_delay"), "");
  EXPECT_EQ(wrong("ratio", "video.freeze"), "");
  EXPECT_NE(wrong("ratio", "video.fps"), "");
  EXPECT_NE(wrong("total", "video.fps"), "");
  EXPECT_NE(wrong("p95", "rtp.lost"), "");
  EXPECT_NE(wrong("harmonic", "rtp.bitrate"), "");
  // Every metric has at least one.
  for (const Metric& m : metrics())
    EXPECT_TRUE(stat_mistake({Stat::kMean}, m).empty() || stat_mistake({Stat::kTotal}, m).empty());
}

}  // namespace
}  // namespace callbot::scenarios
