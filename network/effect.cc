#include "network/effect.h"

#include <fmt/core.h>

#include <algorithm>
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

// What was found of one direction.
struct Findings {
  std::string fault;   // the first effect that is not there
  std::string unseen;  // the first of which nothing can be said
  int seen = 0;

  void wrong(std::string what) { fault = fault.empty() ? std::move(what) : fault; }
  void unknown(std::string what) { unseen = unseen.empty() ? std::move(what) : unseen; }
};

struct Span {
  const Direction& direction;
  const WayStats& before;
  const WayStats& after;
  double seconds;

  uint64_t in() const { return after.truth.in - before.truth.in; }
  uint64_t out() const { return after.truth.out - before.truth.out; }
  double bits_in() const {
    return 8 * static_cast<double>(after.truth.bytes_in - before.truth.bytes_in);
  }
  double bits_out() const {
    return 8 * static_cast<double>(after.truth.bytes_out - before.truth.bytes_out);
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
void check_share(Findings& f, const char* what, double chance, uint64_t seen, uint64_t of,
                 double spread = 1) {
  if (chance <= 0) return;
  const double expected = chance * static_cast<double>(of);
  if (expected < kMargin * std::pow(kDeviations * spread, 2))
    return f.unknown(fmt::format("{} packets are too few to see {}", of, what));
  const double tolerance = kDeviations * spread * std::sqrt(expected * (1 - chance));
  if (std::abs(static_cast<double>(seen) - expected) > tolerance)
    return f.wrong(fmt::format("{} of {} packets had {}, {:.0f} were to be expected", seen, of,
                               what, expected));
  ++f.seen;
}

void check_faults(Findings& f, const Span& s) {
  const uint64_t faults = s.after.refused - s.before.refused + s.after.overrun - s.before.overrun +
                          s.after.overflow - s.before.overflow;
  if (faults > 0) f.wrong(fmt::format("the relay itself lost {} packets", faults));
  const uint64_t passed = s.after.passed_all - s.before.passed_all;
  const double late = s.after.late_sum_s - s.before.late_sum_s;
  if (late > kMostLate * static_cast<double>(passed))
    f.wrong(fmt::format("the relay let packets go {} late on average",
                        seconds_text(late / static_cast<double>(passed))));
}

void check_blackout(Findings& f, const Span& s) {
  const uint64_t passed = s.in() - s.dropped(Drop::kBlackout);
  if (passed > 0)
    f.wrong(fmt::format("{} of {} packets passed a blackout", passed, s.in()));
  else
    ++f.seen;
}

void check_blocked(Findings& f, const Span& s) {
  const Kinds block = s.direction.block;
  if (block.none()) return;
  const uint64_t came = s.arrived_of(block), dropped = s.dropped(Drop::kBlocked);
  if (came == 0)
    f.unknown("no packet of the blocked kinds came");
  else if (dropped != came)
    f.wrong(fmt::format("{} of {} packets of blocked kinds passed", came - dropped, came));
  else
    ++f.seen;
}

void check_losses(Findings& f, const Span& s) {
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

void check_delay(Findings& f, const Span& s) {
  const Direction& d = s.direction;
  if (d.delay_s <= 0 && d.jitter_s <= 0) return;
  if (s.out() == 0) return f.unknown("nothing came out");
  const double mean = s.delay_mean_s();
  // By jitter alone the mean of few packets may lie below.
  const double least =
      d.delay_s - kDeviations * d.jitter_s / std::sqrt(static_cast<double>(s.out()));
  if (mean < least - 1e-6 || mean <= 0)
    return f.wrong(
        fmt::format("the mean delay was {}, not {}", seconds_text(mean), seconds_text(d.delay_s)));
  ++f.seen;
}

void check_rate(Findings& f, const Span& s) {
  const double rate = s.direction.trace ? s.direction.trace->mean_rate() : s.direction.rate;
  if (rate <= 0) return;
  if (s.bits_in() <= rate * s.seconds)
    return f.unknown(fmt::format("no more came than {} can carry", bit_rate_text(rate)));
  // The capacity of a trace in a part of it may be any.
  if (!s.direction.trace && s.bits_out() > rate * s.seconds * kRateSlack + 8 * kRateBytes)
    return f.wrong(fmt::format("{} came out of a line with {}",
                               bit_rate_text(s.bits_out() / s.seconds), bit_rate_text(rate)));
  ++f.seen;
}

void check_copies(Findings& f, const Span& s) {
  const Truth &a = s.after.truth, &b = s.before.truth;
  const uint64_t passed = s.in() - (a.dropped_all() - b.dropped_all());
  check_share(f, "a copy", s.direction.duplicate, a.duplicated - b.duplicated, passed);
  check_share(f, "been held back", s.direction.reorder, a.reordered - b.reordered, passed);
}

Result<> check(const char* way, const Span& s) {
  Findings f;
  check_faults(f, s);
  if (s.direction != Direction{}) {
    if (s.in() == 0) {
      f.wrong("no packet came");
    } else if (s.direction.blackout) {
      check_blackout(f, s);
    } else {
      for (const auto one : {check_losses, check_delay, check_rate, check_copies}) one(f, s);
      if (f.seen == 0) f.wrong(f.unseen.empty() ? "there is nothing to be seen" : f.unseen);
    }
  }
  if (f.fault.empty()) return {};
  return fail(Code::kUnmeasured, fmt::format("{}: {}", way, f.fault));
}

}  // namespace

Result<> effect_observed(const Phase& phase) {
  const double seconds = static_cast<double>(phase.end_ns - phase.begin_ns) / 1e9;
  const auto span = [&](Direction Conditions::*direction, WayStats LinkStats::*way) {
    return Span{phase.conditions.*direction, phase.before.*way, phase.after.*way, seconds};
  };
  const auto up = check("up", span(&Conditions::up, &LinkStats::up));
  return up ? check("down", span(&Conditions::down, &LinkStats::down)) : up;
}

}  // namespace callbot::network
