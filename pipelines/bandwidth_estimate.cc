#include "pipelines/bandwidth_estimate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace callbot::pipelines {
namespace {

constexpr double kLeast = 30'000;  // bit/s; below it nothing would be sent that could be reported
constexpr int64_t kSecond_ns = 1'000'000'000;

constexpr int64_t kReceivedOver_ns = kSecond_ns / 2;  // gcc-02, 5.5: R_hat over 0.5 s

constexpr double kDecreaseTo = 0.85;      // 5.5: beta
constexpr double kIncreaseTo = 1.08;      // 5.5: eta, each second
constexpr double kMostAhead = 1.5;        // 5.5: of what arrives; more has not been tried
constexpr double kHeadroom = 10'000;      // bit/s on top of that
constexpr double kResponseSeconds = 0.3;  // 5.5: response_time: a round trip and 100 ms
constexpr double kPacketBits = 1200 * 8;  // 5.5: expected_packet_size_bits
constexpr int64_t kBetweenDecreases_ns = 200'000'000;

// A queue that has gone again while as much arrives as before was made by one large frame, or by a
// receiver that was busy.
constexpr int64_t kTakeBackWithin_ns = kSecond_ns;
constexpr double kQueueGone_ms = 10, kAsMuch = 0.9;

constexpr double kCapacityWeight = 0.05;
constexpr double kLeastVariance = 0.4, kMostVariance = 2.5;  // of kbit/s, relative to the mean

constexpr double kLossTooMuch = 0.10, kLossLittle = 0.02;  // 6
constexpr double kLossIncrease = 1.05;                     // 6, each window
constexpr int64_t kLossWindow_ns = kSecond_ns;
constexpr int64_t kBetweenLosses_ns = 300'000'000;     // 6: a round trip and more
constexpr int64_t kLossLeast = 10, kLossEnough = 100;  // packets

constexpr int kProbeLeast = 4;                 // packets that have to arrive
constexpr double kProbeArrives = 0.8;          // share that has to
constexpr double kProbeClear = 0.9;            // arrives as fast as it was sent: no end was found
constexpr double kProbeUse = 0.95;             // of an end that was found
constexpr int64_t kProbeOver_ns = kSecond_ns;  // no report of its end within: lost
// Until a queue that a probe made has gone it says nothing about the media.
constexpr int64_t kAfterProbe_ns = 250'000'000;

double rate_of(double bytes, int64_t over_ns) {
  return bytes * 8 * 1e9 / static_cast<double>(std::max<int64_t>(over_ns, 1));
}

}  // namespace

double BandwidthEstimate::bitrate() const {
  return std::max(loss_rate_ ? std::min(delay_rate_, *loss_rate_) : delay_rate_, kLeast);
}

std::optional<double> BandwidthEstimate::received() const {
  if (arrivals_.empty() || arrivals_.back().at_ns - first_arrival_ns_ < kReceivedOver_ns)
    return std::nullopt;
  double bytes = 0;
  for (const Arrival& one : arrivals_) bytes += static_cast<double>(one.bytes);
  return rate_of(bytes, kReceivedOver_ns);
}

bool BandwidthEstimate::disturbed(const PacketReport& packet) const {
  return packet.sent_ns >= probed_from_ns_ && packet.sent_ns <= probed_until_ns_ + kAfterProbe_ns;
}

void BandwidthEstimate::take(std::span<const PacketReport> packets, int64_t now_ns) {
  if (changed_ns_ == 0) changed_ns_ = loss_from_ns_ = now_ns;
  for (const PacketReport& packet : packets) {
    if (probe_ && packet.sent_ns >= probe_->from_ns && packet.sent_ns <= probe_->until_ns)
      probe_->packets.push_back(packet);
    const bool after_probe = disturbed(packet);
    if (!after_probe) {
      ++counted_;
      counted_lost_ += packet.lost ? 1 : 0;
    }
    if (packet.lost) continue;
    if (arrivals_.empty() && first_arrival_ns_ == 0) first_arrival_ns_ = packet.arrived_ns;
    arrivals_.push_back({packet.arrived_ns, packet.bytes});
    if (after_probe)
      trend_.restart();
    else
      trend_.take(packet.sent_ns, packet.arrived_ns);
  }
  while (!arrivals_.empty() && arrivals_.back().at_ns - arrivals_.front().at_ns > kReceivedOver_ns)
    arrivals_.pop_front();
  const bool past_probe = probe_ && !packets.empty() && packets.back().sent_ns > probe_->until_ns;
  if (probe_ && (past_probe || now_ns > probe_->until_ns + kProbeOver_ns)) end_probe();
  follow_delay(now_ns);
  follow_loss(now_ns);
}

// --- delay

void BandwidthEstimate::follow_delay(int64_t now_ns) {
  switch (trend_.state()) {
    case DelayTrend::State::kOveruse:
      overused_ns_ = now_ns;
      decrease(now_ns);
      break;
    case DelayTrend::State::kUnderuse:  // the queue empties: wait until it has (5.5, table)
      take_back(now_ns);
      held_ = false;
      changed_ns_ = now_ns;
      break;
    case DelayTrend::State::kNormal:
      take_back(now_ns);
      if (!std::exchange(held_, false)) increase(now_ns);
      changed_ns_ = now_ns;
      break;
  }
}

void BandwidthEstimate::decrease(int64_t now_ns) {
  if (now_ns - decreased_ns_ < kBetweenDecreases_ns) return;
  const auto arrived = received();
  if (!arrived) return;
  learn_capacity(*arrived);
  if (!fall_ || now_ns - fall_->at_ns > kTakeBackWithin_ns)
    fall_ = Decrease{now_ns, delay_rate_, *arrived};
  delay_rate_ = std::max(std::min(delay_rate_, kDecreaseTo * *arrived), kLeast);
  decreased_ns_ = changed_ns_ = now_ns;
  held_ = true;
}

void BandwidthEstimate::take_back(int64_t now_ns) {
  if (!fall_) return;
  const auto arrived = received();
  if (now_ns - fall_->at_ns > kTakeBackWithin_ns) {
    fall_.reset();
  } else if (arrived && *arrived >= kAsMuch * fall_->received &&
             trend_.queue_ms() < kQueueGone_ms && counted_lost_ == 0) {
    delay_rate_ = std::max(delay_rate_, fall_->before);
    fall_.reset();
  }
}

void BandwidthEstimate::increase(int64_t now_ns) {
  const double passed_s = std::clamp(static_cast<double>(now_ns - changed_ns_) * 1e-9, 0.0, 1.0);
  const auto arrived = received();
  if (!arrived || passed_s <= 0) return;
  // What a probe brought was for a moment only.
  if (probed_until_ns_ != 0 && now_ns < probed_until_ns_ + 2 * kReceivedOver_ns) return;
  const double most = kMostAhead * *arrived + kHeadroom;
  if (delay_rate_ >= most)
    return;  // what the media does not use cannot be told from what is not there
  const double deviation = capacity_ ? std::sqrt(capacity_variance_ * *capacity_ * 1000) : 0;
  if (capacity_ && *arrived > *capacity_ + 3 * deviation) capacity_.reset();
  const bool near = capacity_ && delay_rate_ > *capacity_ - 3 * deviation;
  const double more = near ? std::max(1000.0, kPacketBits / kResponseSeconds) * passed_s
                           : delay_rate_ * (std::pow(kIncreaseTo, passed_s) - 1);
  delay_rate_ = std::min(delay_rate_ + more, most);
}

void BandwidthEstimate::learn_capacity(double received) {
  if (!capacity_) {
    capacity_ = received;
    return;
  }
  const double error_kbit = (received - *capacity_) / 1000;
  *capacity_ += kCapacityWeight * (received - *capacity_);
  const double relative = error_kbit * error_kbit / std::max(*capacity_ / 1000, 1.0);
  capacity_variance_ =
      std::clamp((1 - kCapacityWeight) * capacity_variance_ + kCapacityWeight * relative,
                 kLeastVariance, kMostVariance);
}

// --- loss

// A few packets say little about a share: it has to be too much beyond chance (two deviations), or
// the window goes on until there are enough.
void BandwidthEstimate::follow_loss(int64_t now_ns) {
  if (counted_ < kLossLeast) return;
  const auto n = static_cast<double>(counted_), lost = static_cast<double>(counted_lost_);
  const double chance = 2 * std::sqrt(kLossTooMuch * (1 - kLossTooMuch) * n);
  const double share = lost / n;
  const bool full = counted_ >= kLossEnough && now_ns - loss_from_ns_ >= kLossWindow_ns;
  const bool too_much = lost > kLossTooMuch * n + (full ? 0 : chance);
  const bool little = share < kLossLittle && now_ns - loss_from_ns_ >= kLossWindow_ns;
  if (!too_much && !little && !full) return;
  if (too_much && now_ns - loss_decreased_ns_ < kBetweenLosses_ns) return;
  if (too_much) {
    // Never below what gets through: that much fits.
    const double through = kDecreaseTo * received().value_or(0);
    loss_rate_ = std::max({bitrate() * (1 - 0.5 * share), std::min(through, bitrate()), kLeast});
    loss_decreased_ns_ = now_ns;
  } else if (little && loss_rate_) {
    *loss_rate_ *= kLossIncrease;
  }
  if (loss_rate_ && *loss_rate_ > kMostAhead * delay_rate_) loss_rate_.reset();
  lost_share_ = share;
  counted_ = counted_lost_ = 0;
  loss_from_ns_ = now_ns;
}

void BandwidthEstimate::believe(double rate) {
  delay_rate_ = std::max(delay_rate_, rate);
  if (loss_rate_) loss_rate_ = std::max(*loss_rate_, rate);
  capacity_.reset();
}

void BandwidthEstimate::no_feedback() {
  delay_rate_ = std::max(delay_rate_ * 0.8, kLeast);
  trend_.restart();
}

// --- probes

void BandwidthEstimate::probe(int64_t now_ns, int64_t until_ns) {
  probe_ = Probe{now_ns, until_ns, {}};
  probed_from_ns_ = now_ns;
  probed_until_ns_ = until_ns;
}

void BandwidthEstimate::end_probe() {
  const std::vector<PacketReport> sent = std::move(probe_->packets);
  probe_.reset();
  std::optional<PacketReport> first, last;
  double arrived = 0, bytes_after_first = 0, bytes_before_last = 0;
  for (const PacketReport& packet : sent) {
    if (packet.lost) continue;
    if (!first) first = packet;
    if (packet.arrived_ns < first->arrived_ns) continue;
    if (last) bytes_before_last += static_cast<double>(last->bytes);
    if (last) bytes_after_first += static_cast<double>(packet.bytes);
    last = packet;
    ++arrived;
  }
  if (arrived < kProbeLeast || arrived < kProbeArrives * static_cast<double>(sent.size())) return;
  const double went = rate_of(bytes_before_last, last->sent_ns - first->sent_ns);
  const double came = rate_of(bytes_after_first, last->arrived_ns - first->arrived_ns);
  const double found = came < kProbeClear * went ? kProbeUse * came : std::min(went, came);
  if (found > bitrate())
    believe(found);
  else if (came < kProbeClear * went)
    delay_rate_ = std::min(delay_rate_, std::max(found, received().value_or(found)));
}

}  // namespace callbot::pipelines
