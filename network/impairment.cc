#include "network/impairment.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace callbot::network {
namespace {

constexpr double kNormalReach = 3;   // standard deviations
constexpr double kParetoShape = 3;   // the smallest whole one with a finite variance
constexpr double kParetoReach = 20;  // means: one in 1300 is cut

int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

uint64_t Truth::dropped_all() const {
  return std::accumulate(dropped.begin(), dropped.end(), uint64_t{0});
}

Impairment::Impairment(uint64_t seed, const Direction& direction, int64_t begin_ns)
    : random_(seed), last_in_ns_(begin_ns), last_out_ns_(begin_ns) {
  change(direction, begin_ns);
}

// In [0, 1), with all the bits a double has.
double Impairment::uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

Impairment::Draws Impairment::draw() {
  Draws d{};
  for (double* one :
       {&d.loss, &d.burst, &d.state, &d.jitter, &d.jitter_too, &d.reorder, &d.duplicate})
    *one = uniform();
  return d;
}

std::optional<Drop> Impairment::lost(PacketKind kind, const Draws& draws) {
  if (!direction_.loss_of.has(kind)) return std::nullopt;
  const BurstLoss& b = direction_.burst;
  const bool in_burst = draws.burst < (bad_ ? b.bad : b.good);
  if (draws.state < (bad_ ? b.r : b.p)) bad_ = !bad_;
  if (draws.loss < direction_.loss) return Drop::kLoss;
  return in_burst ? std::optional(Drop::kBurst) : std::nullopt;
}

int64_t Impairment::after_bottleneck(const Draws& draws) const {
  const double j = direction_.jitter_s;
  double extra = 0;
  switch (direction_.jitter_shape) {
    case JitterShape::kUniform:
      extra = j * (2 * draws.jitter - 1);
      break;
    case JitterShape::kNormal:  // Box-Muller
      extra = std::sqrt(-2 * std::log(1 - draws.jitter)) *
              std::cos(2 * std::numbers::pi * draws.jitter_too);
      extra = j * std::clamp(extra, -kNormalReach, kNormalReach);
      break;
    case JitterShape::kPareto:  // Lomax: mean = scale / (shape - 1)
      extra = (std::pow(1 - draws.jitter, -1 / kParetoShape) - 1) * (kParetoShape - 1);
      extra = j * std::min(extra, kParetoReach);
      break;
  }
  return ns(std::max(0.0, direction_.delay_s + extra));
}

int64_t Impairment::in_order(int64_t out, bool held_back) {
  if (held_back) return out;
  if (!direction_.jitter_reorders) out = std::max(out, last_out_ns_);
  last_out_ns_ = std::max(out, last_out_ns_);
  return out;
}

Fate Impairment::take(uint32_t bytes, PacketKind kind, int64_t in) {
  in = last_in_ns_ = std::max(in, last_in_ns_);
  settle(in);
  Fate fate;
  fate.id = ++last_id_;
  ++truth_.in;
  const Draws draws = draw();
  if (direction_.blackout)
    fate.drop = Drop::kBlackout;
  else if (direction_.block.has(kind))
    fate.drop = Drop::kBlocked;
  else
    fate.drop = lost(kind, draws);
  if (!fate.drop) truth_.bytes_to_bottleneck += bytes;
  const auto leaves = fate.drop ? std::nullopt : bottleneck_.admit(fate.id, bytes, in);
  if (!fate.drop && !leaves) fate.drop = Drop::kQueue;
  if (fate.drop) {
    ++truth_.dropped[static_cast<size_t>(*fate.drop)];
    return fate;
  }
  const bool held_back = draws.reorder < direction_.reorder;
  const int64_t after =
      after_bottleneck(draws) + (held_back ? ns(direction_.reorder_by_s) : int64_t{0});
  fate.out_ns = in_order(*leaves + after, held_back);
  fate.twice = draws.duplicate < direction_.duplicate;
  truth_.reordered += held_back ? 1 : 0;
  truth_.duplicated += fate.twice ? 1 : 0;
  const Queued packet{in, *leaves, after, fate.out_ns, bytes, held_back};
  if (*leaves > in)
    queued_[fate.id] = packet;
  else
    left(packet);
  return fate;
}

// Past the bottleneck its time of arrival stands.
void Impairment::left(const Queued& packet) {
  ++truth_.out;
  truth_.bytes_out += packet.bytes;
  const double delay = static_cast<double>(packet.out_ns - packet.in_ns) / 1e9;
  truth_.delay_sum_s += delay;
  truth_.delay_max_s = std::max(truth_.delay_max_s, delay);
  if (packet.held_back) return;
  past_out_ns_ = std::max(past_out_ns_, packet.out_ns);
  const double after = static_cast<double>(packet.out_ns - packet.leaves_ns) / 1e9;
  ++truth_.jittered;
  truth_.jittered_sum_s += after;
  truth_.jittered_squares += after * after;
}

void Impairment::settle(int64_t now) {
  for (const Bottleneck::Waiting& packet : bottleneck_.waiting()) {
    if (packet.leaves_ns > now) break;
    const auto found = queued_.find(packet.id);
    left(found->second);
    queued_.erase(found);
  }
  bottleneck_.settle(now);
}

std::vector<Impairment::Moved> Impairment::change(const Direction& direction, int64_t now) {
  now = last_in_ns_ = std::max(now, last_in_ns_);
  settle(now);
  const int64_t longer = ns(direction.delay_s) - ns(direction_.delay_s);
  direction_ = direction;
  if (direction.burst.p <= 0) bad_ = false;  // else what is clean would lose a packet more
  last_out_ns_ = past_out_ns_;
  std::vector<Moved> moved;
  for (const Bottleneck::Waiting& packet : bottleneck_.change(direction, now)) {
    Queued& q = queued_.at(packet.id);
    q.after_ns = std::max<int64_t>(0, q.after_ns + longer);
    q.leaves_ns = packet.leaves_ns;
    q.out_ns = in_order(q.leaves_ns + q.after_ns, q.held_back);
    moved.push_back({packet.id, q.out_ns});
  }
  settle(now);
  return moved;
}

Truth Impairment::truth(int64_t now) {
  settle(std::max(now, last_in_ns_));
  truth_.waiting = bottleneck_.waiting().size();
  return truth_;
}

}  // namespace callbot::network
