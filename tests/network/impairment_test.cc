#include "network/impairment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace callbot::network {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr auto kRtp = PacketKind::kRtp;

std::vector<Fate> fates(Impairment& model, int count, int64_t every_ns = 20 * kMs,
                        uint32_t bytes = 1000) {
  std::vector<Fate> all;
  for (int i = 0; i < count; ++i) all.push_back(model.take(bytes, kRtp, (i + 1) * every_ns));
  return all;
}

uint64_t count(const std::vector<Fate>& fates, Drop why) {
  return static_cast<uint64_t>(
      std::count_if(fates.begin(), fates.end(), [&](const Fate& f) { return f.drop == why; }));
}

// Lengths of the runs of lost packets.
std::vector<double> bursts(const std::vector<Fate>& fates) {
  std::vector<double> lengths;
  bool inside = false;
  for (const Fate& fate : fates) {
    if (fate.drop && inside) ++lengths.back();
    if (fate.drop && !inside) lengths.push_back(1);
    inside = fate.drop.has_value();
  }
  return lengths;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  const double m = mean(values);
  double sum = 0;
  for (const double v : values) sum += (v - m) * (v - m);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST(Impairment, CleanDoesNothing) {
  Impairment model(1);
  for (const Fate& fate : fates(model, 1000)) {
    EXPECT_FALSE(fate.drop);
    EXPECT_FALSE(fate.twice);
    EXPECT_EQ(fate.out_ns, static_cast<int64_t>(fate.id) * 20 * kMs);
  }
  const Truth truth = model.truth(0);
  EXPECT_EQ(truth.in, 1000u);
  EXPECT_EQ(truth.out, 1000u);
  EXPECT_EQ(truth.bytes_to_bottleneck, 1'000'000u);
  EXPECT_EQ(truth.bytes_out, 1'000'000u);
  EXPECT_EQ(truth.dropped_all() + truth.waiting + truth.duplicated + truth.reordered, 0u);
  EXPECT_EQ(truth.delay_max_s, 0);
}

// --- loss

TEST(Impairment, TenPercentOfAHundredThousand) {
  Impairment model(7, {.loss = 0.1});
  const auto all = fates(model, 100'000);
  // Binomial: 95 is one standard deviation; with this seed it is what it is, on every machine.
  EXPECT_NEAR(static_cast<double>(count(all, Drop::kLoss)), 10'000, 4 * 95);
  EXPECT_EQ(model.truth(0).dropped[static_cast<size_t>(Drop::kLoss)], count(all, Drop::kLoss));
  // Each by itself: a run is 1/(1-0.1) packets long on average.
  EXPECT_NEAR(mean(bursts(all)), 1 / 0.9, 0.02);
}

TEST(Impairment, TheSameSeedGivesTheSameFates) {
  Direction d;
  d.loss = 0.1;
  d.burst = {.p = 0.01, .r = 0.3};
  d.jitter_s = 0.01;
  d.delay_s = 0.02;
  d.reorder = 0.01;
  d.duplicate = 0.01;
  Impairment one(5, d), same(5, d), other(6, d);
  const auto a = fates(one, 10'000), b = fates(same, 10'000), c = fates(other, 10'000);
  int differ = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].drop, b[i].drop);
    EXPECT_EQ(a[i].out_ns, b[i].out_ns);
    EXPECT_EQ(a[i].twice, b[i].twice);
    differ += a[i].drop != c[i].drop ? 1 : 0;
  }
  EXPECT_GT(differ, 1000);
}

// On every machine and with every standard library.
TEST(Impairment, TheFatesOfASeedAreKnown) {
  Impairment model(42, {.loss = 0.5});
  std::string lost;
  for (const Fate& fate : fates(model, 32)) lost += fate.drop ? 'x' : '.';
  EXPECT_EQ(lost, ".x.x...x.xx.xx.x..x.x..x.xxx.xxx");
}

TEST(Impairment, OneConditionDoesNotShiftAnothersChances) {
  Direction d;
  d.loss = 0.1;
  Impairment plain(5, d);
  d.jitter_s = 0.03;
  d.jitter_shape = JitterShape::kNormal;
  d.duplicate = d.reorder = 0.5;
  Impairment rich(5, d);
  const auto a = fates(plain, 10'000), b = fates(rich, 10'000);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].drop, b[i].drop) << i;
}

TEST(Impairment, GilbertElliottLosesInBursts) {
  Direction d;
  d.burst = {.p = 0.02, .r = 0.25};
  Impairment model(3, d);
  const auto all = fates(model, 200'000);
  const auto lengths = bursts(all);
  // 3704 bursts of 4 packets, geometric: their mean has a standard deviation of 0.057.
  EXPECT_NEAR(mean(lengths), 4, 0.25);
  EXPECT_NEAR(deviation(lengths), std::sqrt(1 - 0.25) / 0.25, 0.4);
  EXPECT_NEAR(static_cast<double>(count(all, Drop::kBurst)) / 200'000, 0.02 / 0.27, 0.005);
  EXPECT_EQ(count(all, Drop::kLoss), 0u);
}

TEST(Impairment, BothStatesOfGilbertElliottHaveALoss) {
  Direction d;
  d.burst = {.p = 0.1, .r = 0.1, .good = 0.02, .bad = 0.5};
  Impairment model(3, d);
  const auto all = fates(model, 200'000);
  EXPECT_NEAR(static_cast<double>(count(all, Drop::kBurst)) / 200'000, 0.26, 0.01);
}

TEST(Impairment, ABurstEndsWhereTheLineIsCleanAgain) {
  Direction d;
  d.burst = {.p = 1, .r = 0.001};
  Impairment model(1, d);
  fates(model, 10);
  ASSERT_EQ(model.take(100, kRtp, 1000 * kMs).drop, Drop::kBurst);
  model.change({}, 1000 * kMs);
  EXPECT_FALSE(model.take(100, kRtp, 1000 * kMs).drop);
}

TEST(Impairment, LossOfSomeKindsOnly) {
  Impairment model(1, {.loss = 1, .loss_of = {PacketKind::kRtp}});
  EXPECT_EQ(model.take(100, PacketKind::kRtp, 1).drop, Drop::kLoss);
  for (const PacketKind kind :
       {PacketKind::kStun, PacketKind::kDtls, PacketKind::kRtcp, PacketKind::kOther})
    EXPECT_FALSE(model.take(100, kind, 1).drop);
}

TEST(Impairment, BlockedKindsAndABlackout) {
  Direction d;
  d.block = {PacketKind::kRtp, PacketKind::kRtcp};
  Impairment model(1, d);
  EXPECT_EQ(model.take(100, PacketKind::kRtp, 1).drop, Drop::kBlocked);
  EXPECT_FALSE(model.take(100, PacketKind::kStun, 1).drop);
  d.blackout = true;
  model.change(d, 2);
  EXPECT_EQ(model.take(100, PacketKind::kStun, 2).drop, Drop::kBlackout);
  model.change({}, 3);
  EXPECT_FALSE(model.take(100, PacketKind::kRtp, 3).drop);
}

TEST(Impairment, WhatIsUnderWayAtABlackoutArrives) {
  Direction d;
  d.delay_s = 0.1;
  d.rate = 1e6;
  Impairment model(1, d);
  const Fate before = model.take(1250, kRtp, 0);
  d.blackout = true;
  EXPECT_EQ(model.change(d, 5 * kMs).size(), 1u);
  EXPECT_EQ(before.out_ns, 110 * kMs);
  EXPECT_EQ(model.truth(20 * kMs).out, 1u);
}

// --- time

TEST(Impairment, RateQueueAndDelayAddUp) {
  Impairment model(1, {.rate = 1e6, .queue_s = 0.02, .delay_s = 0.05});
  EXPECT_EQ(model.take(1250, kRtp, 0).out_ns, 60 * kMs);
  EXPECT_EQ(model.take(1250, kRtp, 0).out_ns, 70 * kMs);
  EXPECT_EQ(model.take(1250, kRtp, 0).out_ns, 80 * kMs);
  EXPECT_EQ(model.take(1250, kRtp, 0).drop, Drop::kQueue);
  const Truth now = model.truth(10 * kMs);
  EXPECT_EQ(now.in, 4u);
  EXPECT_EQ(now.out, 1u);
  EXPECT_EQ(now.waiting, 2u);
  EXPECT_EQ(now.dropped[static_cast<size_t>(Drop::kQueue)], 1u);
  const Truth later = model.truth(100 * kMs);
  EXPECT_EQ(later.out, 3u);
  EXPECT_EQ(later.waiting, 0u);
  EXPECT_DOUBLE_EQ(later.delay_sum_s, 0.06 + 0.07 + 0.08);
  EXPECT_DOUBLE_EQ(later.delay_max_s, 0.08);
  EXPECT_DOUBLE_EQ(later.delay_mean_s(), 0.07);
}

TEST(Impairment, ASteadyFlowGetsNoMoreThanTheRate) {
  Direction d;
  d.rate = 300e3;
  d.queue_s = 0.2;
  Impairment model(1, d);
  const auto all = fates(model, 10'000, 5 * kMs, 1000);  // 1.6 Mbit/s for 50 s
  const Truth truth = model.truth(50'000 * kMs);
  EXPECT_NEAR(static_cast<double>(truth.bytes_out) * 8 / 50, 300e3, 300);
  EXPECT_NEAR(truth.delay_max_s, 0.2 + 8000 / 300e3, 0.027);
  EXPECT_EQ(truth.in, truth.out + truth.dropped_all() + truth.waiting);
  EXPECT_GT(count(all, Drop::kQueue), 8000u);
}

std::vector<double> delays(JitterShape shape, bool reorders, int64_t every_ns) {
  Direction d;
  d.delay_s = 0.05;
  d.jitter_s = 0.01;
  d.jitter_shape = shape;
  d.jitter_reorders = reorders;
  Impairment model(11, d);
  std::vector<double> all;
  int64_t in = 0;
  for (const Fate& fate : fates(model, 100'000, every_ns))
    all.push_back(static_cast<double>(fate.out_ns - (in += every_ns)) / 1e9);
  return all;
}

TEST(Impairment, JitterHasTheShapeThatWasAskedFor) {
  const auto uniform = delays(JitterShape::kUniform, true, kMs);
  EXPECT_NEAR(mean(uniform), 0.05, 0.0002);
  EXPECT_NEAR(deviation(uniform), 0.01 / std::sqrt(3), 0.0002);
  EXPECT_GE(*std::min_element(uniform.begin(), uniform.end()), 0.04);
  EXPECT_LE(*std::max_element(uniform.begin(), uniform.end()), 0.06);

  const auto normal = delays(JitterShape::kNormal, true, kMs);
  EXPECT_NEAR(mean(normal), 0.05, 0.0002);
  EXPECT_NEAR(deviation(normal), 0.01, 0.0003);
  EXPECT_GE(*std::min_element(normal.begin(), normal.end()), 0.02);
  EXPECT_LE(*std::max_element(normal.begin(), normal.end()), 0.08);

  const auto pareto = delays(JitterShape::kPareto, true, kMs);
  EXPECT_NEAR(mean(pareto), 0.06, 0.0004);
  EXPECT_GE(*std::min_element(pareto.begin(), pareto.end()), 0.05);
  EXPECT_LE(*std::max_element(pareto.begin(), pareto.end()), 0.25 + 1e-9);
  EXPECT_GT(*std::max_element(pareto.begin(), pareto.end()), 0.15) << "a long tail";
}

TEST(Impairment, JitterReordersOnlyWhenItIsTold) {
  for (const bool reorders : {false, true}) {
    for (const auto shape : {JitterShape::kUniform, JitterShape::kNormal, JitterShape::kPareto}) {
      Direction d;
      d.delay_s = 0.05;
      d.jitter_s = 0.02;
      d.jitter_shape = shape;
      d.jitter_reorders = reorders;
      Impairment model(2, d);
      int overtaken = 0;
      int64_t last = 0;
      for (const Fate& fate : fates(model, 1000, kMs)) {
        overtaken += fate.out_ns < last ? 1 : 0;
        last = std::max(last, fate.out_ns);
      }
      if (reorders) {
        EXPECT_GT(overtaken, 100);
      } else {
        EXPECT_EQ(overtaken, 0);
      }
    }
  }
}

TEST(Impairment, NothingArrivesBeforeItWasSent) {
  Impairment model(2, {.delay_s = 0.001, .jitter_s = 0.1, .jitter_reorders = true});
  for (const Fate& fate : fates(model, 10'000, kMs))
    EXPECT_GE(fate.out_ns, static_cast<int64_t>(fate.id) * kMs);
}

TEST(Impairment, WhatIsHeldBackIsOvertakenAndNobodyElseIs) {
  Impairment model(4, {.reorder = 0.1, .reorder_by_s = 0.005});
  uint64_t held_back = 0;
  int64_t last = 0;
  for (const Fate& fate : fates(model, 10'000, kMs)) {
    const int64_t in = static_cast<int64_t>(fate.id) * kMs;
    if (fate.out_ns == in + 5 * kMs) {
      ++held_back;
    } else {
      EXPECT_EQ(fate.out_ns, in);
      EXPECT_GT(fate.out_ns, last);
      last = fate.out_ns;
    }
  }
  EXPECT_NEAR(static_cast<double>(held_back), 1000, 4 * 30);
  EXPECT_EQ(model.truth(0).reordered, held_back);
}

TEST(Impairment, DuplicatesAreCounted) {
  Impairment model(4, {.duplicate = 0.1});
  uint64_t twice = 0;
  for (const Fate& fate : fates(model, 10'000)) twice += fate.twice ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(twice), 1000, 4 * 30);
  EXPECT_EQ(model.truth(0).duplicated, twice);
  EXPECT_EQ(model.truth(0).out, 10'000u);
}

TEST(Impairment, TracesAreReplayed) {
  Direction d;
  d.trace = *Trace::parse("2\n5\n5\n10\n", "t");
  d.delay_s = 0.03;
  Impairment model(1, d, 1000 * kMs);
  EXPECT_EQ(model.take(1500, kRtp, 1000 * kMs).out_ns, 1032 * kMs);
  EXPECT_EQ(model.take(1500, kRtp, 1000 * kMs).out_ns, 1035 * kMs);
  EXPECT_EQ(model.take(1500, kRtp, 1011 * kMs).out_ns, 1042 * kMs);
}

// --- changes

TEST(Impairment, WhatWaitsLeavesAtTheNewPaceAndInOrder) {
  Direction d;
  d.rate = 100e3;
  d.queue_s = 10;
  d.delay_s = 0.02;
  Impairment model(1, d);
  for (int i = 0; i < 5; ++i) model.take(1250, kRtp, 0);  // 100 ms each
  d.rate = 1e6;
  d.delay_s = 0.01;
  const auto moved = model.change(d, 100 * kMs);
  ASSERT_EQ(moved.size(), 4u) << "the first is past the bottleneck";
  EXPECT_EQ(moved[0].id, 2u);
  EXPECT_EQ(moved[0].out_ns, 120 * kMs) << "not before the first, which comes out at 120";
  EXPECT_EQ(moved[1].out_ns, 130 * kMs);
  EXPECT_EQ(moved[3].out_ns, 150 * kMs);
  EXPECT_EQ(model.take(1250, kRtp, 100 * kMs).out_ns, 160 * kMs);
  EXPECT_DOUBLE_EQ(model.truth(1000 * kMs).delay_max_s, 0.15);
}

TEST(Impairment, AShorterDelayLetsNobodyOvertake) {
  Impairment model(1, {.delay_s = 0.1});
  EXPECT_EQ(model.take(100, kRtp, 0).out_ns, 100 * kMs);
  EXPECT_TRUE(model.change({}, kMs).empty());
  EXPECT_EQ(model.take(100, kRtp, 2 * kMs).out_ns, 100 * kMs);
  EXPECT_EQ(model.take(100, kRtp, 101 * kMs).out_ns, 101 * kMs);
}

TEST(Impairment, TimeDoesNotFall) {
  Impairment model(1, {}, 100);
  EXPECT_EQ(model.take(100, kRtp, 50).out_ns, 100);
  EXPECT_EQ(model.take(100, kRtp, 200).out_ns, 200);
  EXPECT_EQ(model.take(100, kRtp, 150).out_ns, 200);
}

// Whatever happens, each packet is out, dropped or waiting, and known once.
TEST(Impairment, TheTruthAddsUpUnderAnyChange) {
  std::mt19937_64 random(99);
  const auto chance = [&](double share) { return (random() >> 11) * 0x1p-53 < share; };
  const auto trace = *Trace::parse("1\n7\n7\n20\n", "t");
  Direction d;
  Impairment model(8, d);
  std::map<uint64_t, int64_t> outs;
  int64_t now = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<int64_t>(random() % (3 * kMs));
    if (chance(0.01)) {
      d = {};
      if (chance(0.5)) d.rate = 50e3 + static_cast<double>(random() % 2'000'000);
      if (d.rate == 0 && chance(0.5)) d.trace = trace;
      if (chance(0.5)) d.queue_bytes = 1500 + random() % 100'000;
      if (chance(0.5)) d.delay_s = 0.05;
      if (chance(0.5)) d.jitter_s = 0.03;
      d.blackout = chance(0.1);
      d.loss = chance(0.5) ? 0.1 : 0;
      for (const auto& moved : model.change(d, now)) {
        ASSERT_TRUE(outs.contains(moved.id));
        EXPECT_GE(moved.out_ns, now);
        outs[moved.id] = moved.out_ns;
      }
    }
    const Fate fate = model.take(40 + static_cast<uint32_t>(random() % 1460), kRtp, now);
    if (!fate.drop) {
      EXPECT_GE(fate.out_ns, now);
      outs[fate.id] = fate.out_ns;
    }
    const Truth truth = model.truth(now);
    ASSERT_EQ(truth.in, truth.out + truth.dropped_all() + truth.waiting);
    ASSERT_EQ(truth.in - truth.dropped_all(), outs.size());
  }
  int64_t last = 0;
  for (const auto& [id, out] : outs) {
    EXPECT_GE(out, last) << "packet " << id << " overtakes";
    last = out;
  }
}

}  // namespace
}  // namespace callbot::network
