#include "base/folding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace callbot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegin = 5000 * kSecond;

Series empty_series(const char* metric) {
  Series series;
  series.metric = metric;
  series.actor = "bob";
  series.state = Measured::kOk;
  return series;
}

size_t bytes_of(const Series& series) {
  size_t bytes = series.samples.capacity() * sizeof(Sample) +
                 series.folded.capacity() * sizeof(Folded) +
                 series.stretches.capacity() * sizeof(Stretch);
  for (const Folded& f : series.folded) bytes += f.classes.capacity() * sizeof(Folded::Class);
  return bytes;
}

// Delays of 30 frames a second: mostly 80 ms and a little more, some far more.
class Delays {
 public:
  Sample next() {
    const double value = 0.05 + exp_(random_) + (++n_ % 900 < 30 ? 0.7 : 0);
    return {kBegin + n_ * kSecond / 30, value};
  }

 private:
  std::mt19937_64 random_{7};
  std::exponential_distribution<double> exp_{30};
  int64_t n_ = 0;
};

TEST(Folding, AnHourTakesNoMoreMemoryThanItsFirstMinutes) {
  Series series = empty_series("video.e2e_delay");
  const FoldPlan plan;
  Delays delays;
  size_t early = 0, most = 0;
  for (int second = 0; second < 3600; ++second) {
    for (int n = 0; n < 30; ++n) series.samples.push_back(delays.next());
    fold(series, plan);
    most = std::max(most, bytes_of(series));
    if (second == 720) early = most;
  }
  EXPECT_EQ(count_of(series), 108000u);
  EXPECT_LE(most, early + early / 20);
  EXPECT_LT(most, 200'000u) << "all samples are 1.7 MB";
}

TEST(Folding, WhatComesOnceASecondStaysFlatToo) {
  Series series = empty_series("rtp.bitrate");
  const FoldPlan plan;
  size_t most = 0;
  for (int second = 0; second < 24 * 3600; ++second) {
    series.samples.push_back({kBegin + second * kSecond, 1e6 + second % 977});
    fold(series, plan);
    most = std::max(most, bytes_of(series));
  }
  EXPECT_EQ(count_of(series), 86400u);
  EXPECT_LT(most, 40'000u);
}

TEST(Folding, WhatIsShortStaysWhole) {
  Series series = empty_series("join.first_rtp");
  for (int n = 0; n < 500; ++n) series.samples.push_back({kBegin + n * 100 * kSecond, 0.3});
  fold(series, {});
  EXPECT_TRUE(series.folded.empty());
  EXPECT_EQ(series.samples.size(), 500u);
}

TEST(Folding, TheNewestStaysWhole) {
  FoldPlan plan;
  plan.keep(300 * kSecond);
  Series series = empty_series("video.interval");
  for (int n = 0; n < 30 * 1200; ++n) {
    series.samples.push_back({kBegin + n * kSecond / 30, 1.0 / 30});
    fold(series, plan);
  }
  EXPECT_FALSE(series.folded.empty());
  EXPECT_LE(series.samples.front().at_ns, series.samples.back().at_ns - 300 * kSecond);
}

TEST(Folding, NumbersSumsAndEndsAreExactBetweenCuts) {
  FoldPlan plan;
  plan.cut(kBegin + 100 * kSecond);
  plan.cut(kBegin + 400 * kSecond);
  Series series = empty_series("video.e2e_delay");
  Delays delays;
  std::vector<Sample> all;
  for (int n = 0; n < 30 * 900; ++n) {
    all.push_back(delays.next());
    series.samples.push_back(all.back());
    fold(series, plan);
  }
  ASSERT_EQ(series.folded.size(), 3u);
  const Folded& middle = series.folded[1];
  Folded truth;
  truth.least.value = 1e9;
  for (const Sample& s : all) {
    if (s.at_ns < kBegin + 100 * kSecond || s.at_ns >= kBegin + 400 * kSecond) continue;
    ++truth.count;
    truth.sum += s.value;
    truth.squares += s.value * s.value;
    if (s.value < truth.least.value) truth.least = s;
    if (s.value > truth.most.value) truth.most = s;
  }
  EXPECT_EQ(middle.count, truth.count);
  EXPECT_NEAR(middle.sum, truth.sum, 1e-9 * truth.sum);
  EXPECT_NEAR(middle.squares, truth.squares, 1e-9 * truth.squares);
  EXPECT_EQ(middle.least, truth.least);
  EXPECT_EQ(middle.most, truth.most);
  EXPECT_GE(middle.first_ns, kBegin + 100 * kSecond);
  EXPECT_LE(middle.end_ns, kBegin + 400 * kSecond);
  uint64_t in_classes = 0;
  for (const auto& c : middle.classes) in_classes += c.count;
  EXPECT_EQ(in_classes, truth.count);
}

TEST(Folding, ALateSampleGoesWhereItBelongs) {
  FoldPlan plan;
  plan.cut(kBegin + 100 * kSecond);
  Series series = empty_series("rtp.jitter");
  for (int n = 0; n < 1000; ++n) series.samples.push_back({kBegin + n * kSecond, 0.01});
  fold(series, plan);
  ASSERT_EQ(series.folded.size(), 2u);
  const uint64_t before = series.folded[0].count;
  series.samples.insert(series.samples.begin(), {kBegin + 50 * kSecond, 0.5});
  for (int n = 1000; n < 2000; ++n) series.samples.push_back({kBegin + n * kSecond, 0.01});
  fold(series, plan);
  EXPECT_EQ(series.folded.size(), 2u);
  EXPECT_EQ(series.folded[0].count, before + 1);
  EXPECT_EQ(series.folded[0].most.value, 0.5);
}

TEST(Folding, ASpanAcrossACutStaysWhole) {
  FoldPlan plan;
  plan.cut(kBegin + 100 * kSecond + kSecond / 2);
  Series series = empty_series("video.freeze");
  for (int n = 0; n < 1000; ++n) series.samples.push_back({kBegin + n * kSecond, 0.6});
  fold(series, plan);
  ASSERT_EQ(series.folded.size(), 2u);
  EXPECT_EQ(series.samples.front(), (Sample{kBegin + 100 * kSecond, 0.6}));
  EXPECT_EQ(series.folded[0].count, 100u);
  EXPECT_EQ(count_of(series), 1000u);
  EXPECT_NEAR(total_of(series), 600, 1e-9);
}

TEST(Folding, IsTheSameEachTime) {
  Series a = empty_series("video.e2e_delay"), b = a;
  Delays first, second;
  const FoldPlan plan;
  for (int n = 0; n < 30 * 1000; ++n) {
    a.samples.push_back(first.next());
    b.samples.push_back(second.next());
    fold(a, plan);
    fold(b, plan);
  }
  ASSERT_EQ(a.folded.size(), 1u);
  ASSERT_EQ(a.folded[0].classes.size(), b.folded[0].classes.size());
  for (size_t i = 0; i < a.folded[0].classes.size(); ++i) {
    EXPECT_EQ(a.folded[0].classes[i].value, b.folded[0].classes[i].value);
    EXPECT_EQ(a.folded[0].classes[i].count, b.folded[0].classes[i].count);
  }
}

TEST(Folding, ChartsHaveAllOfTheTime) {
  Series series = empty_series("video.fps");
  for (int n = 0; n < 10'000; ++n) {
    series.samples.push_back({kBegin + n * kSecond, 30});
    fold(series, {});
  }
  EXPECT_LE(series.stretches.size(), kStretches);
  EXPECT_GT(series.stretches.size(), kStretches / 4);
  uint64_t count = 0;
  for (const Stretch& s : series.stretches) {
    EXPECT_EQ(s.from_ns % series.stretch_ns, 0);
    EXPECT_EQ(s.sum, 30.0 * static_cast<double>(s.count));
    count += s.count;
  }
  EXPECT_EQ(count, count_of(series) - series.samples.size());
}

}  // namespace
}  // namespace callbot
