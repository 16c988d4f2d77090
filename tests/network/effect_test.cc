#include "network/effect.h"

#include <gmock/gmock.h>

namespace callbot::network {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

// What is counted of so many packets under `real` conditions, one every 5 ms.
WayStats counted(const Direction& real, int packets, uint64_t seed = 3) {
  Impairment model(seed, real);
  WayStats way;
  for (int i = 0; i < packets; ++i) {
    const PacketKind kind = i % 10 == 0 ? PacketKind::kRtcp : PacketKind::kRtp;
    ++way.arrived.packets[static_cast<size_t>(kind)];
    model.take(1000, kind, i * 5 * kMs);
  }
  way.truth = model.truth(packets * 5 * kMs);
  return way;
}

Result<> effect_of(const Conditions& claimed, const LinkStats& before, const LinkStats& after,
                   int64_t lasted_ns) {
  return effect_observed({.conditions = claimed,
                          .begin_ns = 1000 * kMs,
                          .end_ns = 1000 * kMs + lasted_ns,
                          .before = before,
                          .after = after});
}

std::string observed(const Direction& claimed, const Direction& real, int packets = 2000) {
  LinkStats before, after;
  after.up = counted(real, packets);
  const auto result = effect_of({.up = claimed}, before, after, packets * 5 * kMs);
  if (result) return "observed";
  EXPECT_EQ(result.error().code, Code::kUnmeasured);
  return result.error().message;
}

std::vector<Direction> kinds_of_conditions() {
  return {{},
          {.loss = 0.1},
          {.burst = {.p = 0.02, .r = 0.25}},
          {.loss = 0.05, .burst = {.p = 0.1, .r = 0.1, .good = 0.02, .bad = 0.5}},
          {.delay_s = 0.04},
          {.delay_s = 0.04, .jitter_s = 0.01},
          {.delay_s = 0.04, .jitter_s = 0.01, .jitter_shape = JitterShape::kPareto},
          {.rate = 300e3, .queue_s = 0.2, .delay_s = 0.02},
          {.reorder = 0.05},
          {.loss = 0.1, .loss_of = {PacketKind::kRtp}},
          {.block = {PacketKind::kRtcp}},
          {.duplicate = 0.05},
          {.blackout = true}};
}

TEST(Effect, OfWhatWasDoneIsObserved) {
  for (const Direction& d : kinds_of_conditions())
    EXPECT_EQ(observed(d, d), "observed") << text_of(d);
  for (const Preset& preset : presets())
    EXPECT_EQ(observed(preset.conditions.down, preset.conditions.down), "observed") << preset.name;
}

TEST(Effect, OfWhatWasNotDoneIsNot) {
  for (const Direction& d : kinds_of_conditions()) {
    if (d == Direction{}) continue;
    EXPECT_NE(observed(d, {}), "observed") << text_of(d);
    EXPECT_THAT(observed(d, d, 0), HasSubstr("up: no packet came")) << text_of(d);
  }
  EXPECT_THAT(observed({.loss = 0.1}, {.loss = 0.05}), HasSubstr("were to be expected"));
  EXPECT_THAT(observed({.delay_s = 0.1}, {.delay_s = 0.05}), HasSubstr("the mean delay was 50 ms"));
  EXPECT_THAT(observed({.rate = 300e3}, {.rate = 600e3}),
              HasSubstr("out of a line with 300 kbit/s"));
  EXPECT_THAT(observed({.blackout = true}, {.loss = 0.9}), HasSubstr("passed a blackout"));
  EXPECT_THAT(observed({.block = {PacketKind::kRtcp}}, {}),
              HasSubstr("200 of 200 packets of blocked kinds passed"));
  // A share of all packets is another than the same share of those that it is about.
  EXPECT_THAT(observed({.loss = 0.5, .loss_of = {PacketKind::kRtcp}}, {.loss = 0.5}),
              HasSubstr("of 200 packets had random loss, 100 were to be expected"));
}

Effects effects(const Direction& claimed, const Direction& real, int packets = 2000) {
  LinkStats after;
  after.down = counted(real, packets);
  return effects_of({.conditions = {.down = claimed}, .end_ns = packets * 5 * kMs, .after = after});
}

TEST(Effect, OneThatIsSeenProvesNoOther) {
  const Direction claimed{.delay_s = 0.04, .jitter_s = 0.01, .loss = 0.1, .duplicate = 0.05};
  Direction real = claimed;
  real.jitter_s = real.duplicate = 0;
  const WayEffects way = effects(claimed, real).down;
  EXPECT_THAT(way.seen, ElementsAre("random loss", "delay"));
  EXPECT_THAT(way.missing, ElementsAre(HasSubstr("jitter of 10 ms spreads them by"),
                                       HasSubstr("packets had a copy")));
  EXPECT_FALSE(none_missing(effects(claimed, real)));
  EXPECT_TRUE(effect_observed(effects(claimed, claimed)));
}

// 1.6 Mbit/s come; what is lost or blocked before the line does not fill it.
TEST(Effect, ARateIsSeenOfWhatReachesTheBottleneck) {
  const Direction filled{.rate = 800e3}, lost{.rate = 1.2e6, .loss = 0.5},
      blocked{.rate = 800e3, .block = {PacketKind::kRtp}};
  EXPECT_THAT(effects(filled, filled).down.seen, ElementsAre("rate"));
  EXPECT_THAT(effects(lost, lost).down.seen, ElementsAre("random loss"));
  EXPECT_THAT(effects(lost, lost).down.hidden, ElementsAre(HasSubstr("no more came than")));
  EXPECT_THAT(effects(blocked, blocked).down.hidden, ElementsAre(HasSubstr("no more came than")));
}

TEST(Effect, WhatIsTooRareIsNamedAndDoesNoHarm) {
  const Direction d{.rate = 100e6, .delay_s = 0.03, .loss = 0.001, .duplicate = 0.001};
  const Effects found = effects(d, d, 200);
  EXPECT_TRUE(effect_observed(found));
  EXPECT_EQ(text_of(found),
            "seen: down: delay; could not show: down: 200 packets are too few to see random loss, "
            "no more came than 100 Mbit/s can carry, 200 packets are too few to see a copy");
  // Alone it proves nothing, but it is not missing.
  const Direction rare{.loss = 0.001};
  EXPECT_FALSE(effect_observed(effects(rare, rare, 200)));
  EXPECT_TRUE(none_missing(effects(rare, rare, 200)));
}

TEST(Effect, JitterIsSeenInTheSpreadOfDelays) {
  for (const double jitter : {0.001, 0.01, 0.05, 0.2})
    for (const auto shape : {JitterShape::kUniform, JitterShape::kNormal, JitterShape::kPareto})
      for (const bool reorders : {false, true}) {
        const Direction d{
            .delay_s = 0.2, .jitter_s = jitter, .jitter_shape = shape, .jitter_reorders = reorders};
        EXPECT_EQ(observed(d, d), "observed") << text_of(d);
        Direction steady = d;
        steady.jitter_s = 0;
        EXPECT_THAT(observed(d, steady), HasSubstr("delays were spread by 0")) << text_of(d);
        EXPECT_THAT(effects(d, steady, 40).down.hidden, ElementsAre(HasSubstr("too few to see")));
      }
}

// A queue spreads delays as well.
TEST(Effect, AQueueIsNoJitter) {
  const Direction queue{.rate = 300e3, .queue_s = 0.2, .delay_s = 0.02};
  Direction claimed = queue;
  claimed.jitter_s = 0.005;
  EXPECT_THAT(observed(claimed, queue), HasSubstr("delays were spread by 0"));
}

TEST(Effect, FewPacketsProveNothing) {
  EXPECT_THAT(observed({.loss = 0.01}, {.loss = 0.01}, 100),
              HasSubstr("too few to see random loss"));
  EXPECT_THAT(observed({.block = {PacketKind::kStun}}, {}), HasSubstr("no packet of the blocked"));
  EXPECT_THAT(observed({.loss = 0.5, .loss_of = {PacketKind::kStun}}, {}),
              HasSubstr("0 packets are too few"));
}

TEST(Effect, IsThatOfTheSpanOnly) {
  LinkStats before, after;
  before.up = counted({.loss = 0.5}, 1000);
  after.up = before.up;
  after.up.truth.in += 500;
  after.up.truth.out += 500;
  after.up.arrived.packets[static_cast<size_t>(PacketKind::kRtp)] += 500;
  EXPECT_TRUE(effect_of({}, before, after, 1000 * kMs));
  EXPECT_FALSE(effect_of({.up = {.loss = 0.5}}, before, after, 1000 * kMs));
}

TEST(Effect, TheRelaysOwnLossesSpoilIt) {
  LinkStats before, after;
  after.down.overrun = 2;
  after.down.refused = 1;
  const auto result = effect_of({}, before, after, 1000 * kMs);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("down: the relay itself lost 3 packets"));
}

TEST(Effect, ARelayThatIsLateSpoilsIt) {
  LinkStats before, after;
  before.up.passed_all = 100;
  before.up.late_sum_s = 7;  // long ago
  after.up.passed_all = 300;
  after.up.late_sum_s = before.up.late_sum_s + 200 * 0.004;
  EXPECT_TRUE(effect_of({}, before, after, 1000 * kMs));
  after.up.late_sum_s = before.up.late_sum_s + 200 * 0.006;
  const auto result = effect_of({}, before, after, 1000 * kMs);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("up: the relay let packets go 6 ms late"));
}

}  // namespace
}  // namespace callbot::network
