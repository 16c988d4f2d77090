// pipelines/bandwidth_estimate.h: how much the path to one receiver takes, from its transport-wide
// feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01); plain arithmetic.
//
// Two controllers of draft-ietf-rmcat-gcc-02, and the lower of them counts: one that follows the
// delay (DelayTrend, then additive or multiplicative increase and decrease to a share of what
// arrived, 5.5), one that follows the loss (6). Both only tell that too much was sent. That there
// is room for more is found by probes: for a moment more is sent than the media needs, and what
// arrives of it is measured.
//
// Thread:  any one at a time.
// Owner:   Uplink.
// Fails:   never; reports that make no sense are left out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/delay_trend.h"

namespace callbot::pipelines {

struct PacketReport {
  uint16_t sequence = 0;  // transport-wide
  size_t bytes = 0;       // from the RTP header to the end of SRTP's tag
  int64_t sent_ns = 0;
  int64_t arrived_ns = 0;  // on the receiver's clock; only if it did
  bool lost = false;
};

class BandwidthEstimate {
 public:
  // `start`: what is believed until the path says otherwise, bit/s.
  explicit BandwidthEstimate(double start) : delay_rate_(start) {}

  // One feedback's packets, in the order of sending. monotonic_ns().
  void take(std::span<const PacketReport> packets, int64_t now_ns);
  // From now until `until_ns` more is sent than the media needs.
  void probe(int64_t now_ns, int64_t until_ns);
  bool probing() const { return probe_.has_value(); }
  // Without a probe: so much is taken for granted until the path says otherwise.
  void believe(double rate);
  // Sent for a while, and nothing was reported.
  void no_feedback();

  double bitrate() const;  // bit/s
  // What arrived in the last half second, bit/s; nothing until there is so much.
  std::optional<double> received() const;
  double lost_share() const { return lost_share_; }  // of the last window
  bool overused() const { return trend_.state() == DelayTrend::State::kOveruse; }
  int64_t overused_ns() const { return overused_ns_; }  // when last; 0: never

 private:
  struct Probe {
    int64_t from_ns, until_ns;
    std::vector<PacketReport> packets;
  };
  void follow_delay(int64_t now_ns);
  void decrease(int64_t now_ns);
  void increase(int64_t now_ns);
  void take_back(int64_t now_ns);
  void learn_capacity(double received);
  void follow_loss(int64_t now_ns);
  void end_probe();
  bool disturbed(const PacketReport& packet) const;

  DelayTrend trend_;
  double delay_rate_;
  std::optional<double> loss_rate_;
  struct Arrival {
    int64_t at_ns;
    size_t bytes;
  };
  std::deque<Arrival> arrivals_;
  int64_t first_arrival_ns_ = 0;
  int64_t changed_ns_ = 0, decreased_ns_ = 0, overused_ns_ = 0;
  bool held_ = false;  // after a decrease, until the queue has gone
  // The first of the decreases that are not a second old: what was believed, and what arrived.
  struct Decrease {
    int64_t at_ns;
    double before, received;
  };
  std::optional<Decrease> fall_;
  // Where the path seems to end: mean and relative variance of what arrived when it was overused.
  std::optional<double> capacity_;
  double capacity_variance_ = 0.4;
  int64_t counted_ = 0, counted_lost_ = 0, loss_from_ns_ = 0, loss_decreased_ns_ = 0;
  double lost_share_ = 0;
  std::optional<Probe> probe_;
  int64_t probed_from_ns_ = 0, probed_until_ns_ = 0;
};

}  // namespace callbot::pipelines
