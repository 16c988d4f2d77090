#include "network/effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/units.h"

namespace callbot::network {
namespace {

constexpr double kDeviations = 4;  // missed by chance once in 16,000 times
// So much more than the deviations are to be expected, that none at all is not by chance.
constexpr double kMargin = 1.2;
constexpr double kMostLate = 0.005;   // s, mean: what a measured delay may be off (our choice)
constexpr double kRateSlack = 1.02;   // the packets that are on the line at both ends of the span
constexpr double kRateBytes = 65536;  // the biggest of them

// Jitter shows in the spread of delays. Where nobody may overtake, packets wait for those before
// them: of jitter far above their distance a small part of the spread is left. Simulated for frames
// of 1 to 30 packets, each 5 to 33 ms, and 1 to 200 ms of jitter: at least 0.3 of it where packets
// come further apart than they are spread, 0.04 elsewhere.
constexpr double kSpreadLeft = 0.2, kSpreadLeftInOrder = 0.025;
constexpr uint64_t kLeastSpread = 50;  // packets
constexpr double kLeastJitters = 10;   // as many times the jitter has to fit into the time

struct Span {
  const Direction& direction;
  const WayStats& before;
  const WayStats& after;
  double seconds;

  uint64_t in() const { return after.truth.in - before.truth.in; }
  uint64_t out() const { return after.truth.out - before.truth.out; }
  double bits_to_bottleneck() const {
    return 8 *
           static_cast<double>(after.truth.bytes_to_bottleneck - before.truth.bytes_to_bottleneck);
  }
  double bits_out() const {
    return 8 * static_cast<double>(after.truth.bytes_out - before.truth.bytes_out);
  }
  uint64_t jittered() const { return after.truth.jittered - before.truth.jittered; }
  // Standard deviation of the delays behind the bottleneck.
  double spread_s() const {
    const auto n = static_cast<double>(jittered());
    const double mean = (after.truth.jittered_sum_s - before.truth.jittered_sum_s) / n;
    const double squares = (after.truth.jittered_squares - before.truth.jittered_squares) / n;
    return std::sqrt(std::max(0.0, squares - mean * mean));
  }
  double delay_mean_s() const {
    return (after.truth.delay_sum_s - before.truth.delay_sum_s) / static_cast<double>(out());
  }
  uint64_t arrived_of(Kinds kinds) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < kPacketKinds; ++i)
      if (kinds.has(static_cast<PacketKind>(i)))
        sum += after.arrived.packets[i] - before.arrived.packets[i];
    return sum;
  }
  uint64_t dropped(Drop why) const {
    const auto i = static_cast<size_t>(why);
    return after.truth.dropped[i] - before.truth.dropped[i];
  }
};

// Each of `of` packets had this chance, and `seen` of them were hit. `spread`: how much further
// apart counts lie than if each were hit by itself.
void check_share(WayEffects& f, const char* what, double chance, uint64_t seen, uint64_t of,
                 double spread = 1) {
  if (chance <= 0) return;
  const double expected = chance * static_cast<double>(of);
  if (expected < kMargin * std::pow(kDeviations * spread, 2))
    return f.hidden.push_back(fmt::format("{} packets are too few to see {}", of, what));
  const double tolerance = kDeviations * spread * std::sqrt(expected * (1 - chance));
  if (std::abs(static_cast<double>(seen) - expected) > tolerance)
    return f.missing.push_back(fmt::format("{} of {} packets had {}, {:.0f} were to be expected",
                                           seen, of, what, expected));
  f.seen.emplace_back(what);
}

void check_faults(WayEffects& f, const Span& s) {
  const uint64_t faults = s.after.refused - s.before.refused + s.after.overrun - s.before.overrun +
                          s.after.overflow - s.before.overflow;
  if (faults > 0) f.missing.push_back(fmt::format("the relay itself lost {} packets", faults));
  const uint64_t passed = s.after.passed_all - s.before.passed_all;
  const double late = s.after.late_sum_s - s.before.late_sum_s;
  if (late > kMostLate * static_cast<double>(passed))
    f.missing.push_back(fmt::format("the relay let packets go {} late on average",
                                    seconds_text(late / static_cast<double>(passed))));
}

void check_blackout(WayEffects& f, const Span& s) {
  const uint64_t passed = s.in() - s.dropped(Drop::kBlackout);
  if (passed > 0)
    f.missing.push_back(fmt::format("{} of {} packets passed a blackout", passed, s.in()));
  else
    f.seen.emplace_back("blackout");
}

void check_blocked(WayEffects& f, const Span& s) {
  const Kinds block = s.direction.block;
  if (block.none()) return;
  const uint64_t came = s.arrived_of(block), dropped = s.dropped(Drop::kBlocked);
  if (came == 0)
    f.hidden.emplace_back("no packet of the blocked kinds came");
  else if (dropped != came)
    f.missing.push_back(
        fmt::format("{} of {} packets of blocked kinds passed", came - dropped, came));
  else
    f.seen.emplace_back("blocked kinds");
}

void check_losses(WayEffects& f, const Span& s) {
  const Direction& d = s.direction;
  check_blocked(f, s);
  const BurstLoss& b = d.burst;
  const uint64_t concerned = s.arrived_of(d.loss_of.without(d.block));
  check_share(f, "random loss", d.loss, s.dropped(Drop::kLoss), concerned);
  const double bad = b.p > 0 ? b.p / (b.p + b.r) : 0;
  // The states of a Markov chain of two are correlated by 1 - p - r from packet to packet.
  const double spread = b.p > 0 ? std::sqrt((2 - b.p - b.r) / (b.p + b.r)) : 1;
  check_share(f, "loss in bursts", (bad * b.bad + (1 - bad) * b.good) * (1 - d.loss),
              s.dropped(Drop::kBurst), concerned, std::max(1.0, spread));
}

void check_delay(WayEffects& f, const Span& s) {
  const Direction& d = s.direction;
  if (d.delay_s <= 0) return;
  if (s.out() == 0) return f.hidden.push_back("nothing came out to have a delay");
  const double mean = s.delay_mean_s();
  // By jitter alone the mean of few packets may lie below.
  const double least =
      d.delay_s - kDeviations * d.jitter_s / std::sqrt(static_cast<double>(s.out()));
  if (mean < least - 1e-6 || mean <= 0)
    return f.missing.push_back(
        fmt::format("the mean delay was {}, not {}", seconds_text(mean), seconds_text(d.delay_s)));
  f.seen.emplace_back("delay");
}

// Standard deviation of the delays, if each were by itself.
// Of Pareto's shape it is 1.7 times the jitter, but few packets have none of the tail.
double wanted_spread(const Direction& d) {
  return d.jitter_shape == JitterShape::kUniform ? d.jitter_s / std::sqrt(3.0) : d.jitter_s;
}

void check_jitter(WayEffects& f, const Span& s) {
  const Direction& d = s.direction;
  if (d.jitter_s <= 0) return;
  if (s.jittered() < kLeastSpread || s.seconds < kLeastJitters * d.jitter_s)
    return f.hidden.push_back(fmt::format("{} packets in {} are too few to see jitter of {}",
                                          s.jittered(), seconds_text(s.seconds),
                                          seconds_text(d.jitter_s)));
  const bool apart =
      d.jitter_reorders || s.seconds / static_cast<double>(s.jittered()) > d.jitter_s;
  const double least = wanted_spread(d) * (apart ? kSpreadLeft : kSpreadLeftInOrder);
  if (s.spread_s() < least)
    return f.missing.push_back(
        fmt::format("delays were spread by {}, jitter of {} spreads them by "
                    "{} and more",
                    seconds_text(s.spread_s()), seconds_text(d.jitter_s), seconds_text(least)));
  f.seen.emplace_back("jitter");
}

void check_rate(WayEffects& f, const Span& s) {
  const double rate = s.direction.trace ? s.direction.trace->mean_rate() : s.direction.rate;
  if (rate <= 0) return;
  if (s.bits_to_bottleneck() <= rate * s.seconds)
    return f.hidden.push_back(fmt::format("no more came than {} can carry", bit_rate_text(rate)));
  // The capacity of a trace in a part of it may be any.
  if (!s.direction.trace && s.bits_out() > rate * s.seconds * kRateSlack + 8 * kRateBytes)
    return f.missing.push_back(fmt::format("{} came out of a line with {}",
                                           bit_rate_text(s.bits_out() / s.seconds),
                                           bit_rate_text(rate)));
  f.seen.emplace_back("rate");
}

void check_copies(WayEffects& f, const Span& s) {
  const Truth &a = s.after.truth, &b = s.before.truth;
  const uint64_t passed = s.in() - (a.dropped_all() - b.dropped_all());
  check_share(f, "a copy", s.direction.duplicate, a.duplicated - b.duplicated, passed);
  check_share(f, "reordering", s.direction.reorder, a.reordered - b.reordered, passed);
}

WayEffects check(const Span& s) {
  WayEffects f;
  f.wanted = s.direction != Direction{};
  check_faults(f, s);
  if (!f.wanted) return f;
  if (s.in() == 0) {
    f.hidden.emplace_back("no packet came");
  } else if (s.direction.blackout) {
    check_blackout(f, s);
  } else {
    for (const auto one : {check_losses, check_delay, check_jitter, check_rate, check_copies})
      one(f, s);
  }
  return f;
}

struct Way {
  const char* name;
  const WayEffects& effects;
};
std::array<Way, 2> ways_of(const Effects& e) { return {Way{"up", e.up}, Way{"down", e.down}}; }

// "up: this, that; down: those"; of neither: empty.
std::string all_of(const Effects& effects, std::vector<std::string> WayEffects::*which) {
  std::string text;
  for (const Way& way : ways_of(effects)) {
    const auto& those = way.effects.*which;
    if (those.empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", way.name, fmt::join(those, ", "));
  }
  return text;
}

}  // namespace

Effects effects_of(const Phase& phase) {
  const double seconds = static_cast<double>(phase.end_ns - phase.begin_ns) / 1e9;
  const auto of = [&](Direction Conditions::*direction, WayStats LinkStats::*way) {
    return check({phase.conditions.*direction, phase.before.*way, phase.after.*way, seconds});
  };
  return {of(&Conditions::up, &LinkStats::up), of(&Conditions::down, &LinkStats::down)};
}

std::string text_of(const Effects& effects) {
  const std::string seen = all_of(effects, &WayEffects::seen);
  const std::string hidden = all_of(effects, &WayEffects::hidden);
  return (seen.empty() ? "" : "seen: " + seen) + (seen.empty() || hidden.empty() ? "" : "; ") +
         (hidden.empty() ? "" : "could not show: " + hidden);
}

Result<> none_missing(const Effects& effects) {
  const std::string missing = all_of(effects, &WayEffects::missing);
  if (missing.empty()) return {};
  return fail(Code::kUnmeasured, missing);
}

Result<> effect_observed(const Effects& effects) {
  if (auto whole = none_missing(effects); !whole) return whole;
  for (const Way& way : ways_of(effects)) {
    const WayEffects& e = way.effects;
    if (!e.wanted || !e.seen.empty()) continue;
    const std::string why = e.hidden.empty() ? "there is nothing to be seen" : e.hidden.front();
    return fail(Code::kUnmeasured, fmt::format("{}: {}", way.name, why));
  }
  return {};
}

Result<> effect_observed(const Phase& phase) { return effect_observed(effects_of(phase)); }

}  // namespace callbot::network
