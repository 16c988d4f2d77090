// tests/support/simulated_path.h: a sender of renditions and the path to its receiver, in virtual
// time: a bottleneck with a queue, delay, jitter, loss and other traffic; and what Uplink does with
// the feedback, step by step.
//
// Thread:  one.
// Owner:   the test.
// Fails:   never.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "pipelines/bandwidth_estimate.h"
#include "pipelines/rendition_ladder.h"

namespace callbot::pipelines {

struct SimulatedPath {
  std::function<double(double second)> rate = [](double) { return 10e6; };  // bit/s
  std::function<double(double second)> other = [](double) { return 0.0; };  // bit/s of others
  double queue_s = 0.3;  // longest wait; what would wait longer is dropped
  double delay_s = 0.03;
  double jitter_s = 0;     // up to so much more for each packet, order kept
  double loss = 0;         // share, at random
  double key_every_s = 0;  // a frame three times as large; 0: none
  double fps = 30;
  bool probes = true;
};

class SimulatedCall {
 public:
  struct At {
    double second, estimate, rendition_rate;
    size_t level;
  };
  // `renditions`: bit/s, best first.
  SimulatedCall(SimulatedPath path, std::vector<double> renditions, uint32_t seed = 1)
      : path_(std::move(path)),
        rates_(std::move(renditions)),
        random_(seed),
        estimate(1.5 * rates_.front()) {
    ladder.set_needs(rates_);
  }

  void run(double seconds) {
    const double end = now_ + seconds;
    while (now_ < end) step();
  }
  // Second from `from` on at which the level is reached first; negative: never.
  double reached(size_t level, double from) const {
    for (const At& at : curve)
      if (at.second >= from && at.level == level) return at.second - from;
    return -1;
  }
  // The longest wait in the queue since then, in seconds.
  double longest_wait(double from, double to) const {
    double most = 0;
    for (const auto& [at, wait] : waits_)
      if (at >= from && at < to) most = std::max(most, wait);
    return most;
  }
  double now() const { return now_; }

 private:
  static constexpr double kStep = 0.001;
  struct Flying {
    PacketReport report;
    double arrives;
  };

  SimulatedPath path_;
  std::vector<double> rates_;
  std::mt19937 random_;
  double now_ = 1, next_frame_ = 1, next_key_ = 1, next_feedback_ = 1, next_look_ = 1;
  double next_probe_packet_ = 0, probe_until_ = 0, probe_rate_ = 0, other_due_ = 0;
  double free_at_ = 0, last_arrival_ = 0;
  uint16_t sequence_ = 0;
  std::deque<Flying> flying_;
  std::vector<std::pair<double, double>> waits_;

 public:
  BandwidthEstimate estimate;
  RenditionLadder ladder;
  std::vector<At> curve;  // ten a second
  uint64_t probes = 0;

 private:
  static int64_t ns(double s) { return static_cast<int64_t>(s * 1e9); }
  double random() { return std::uniform_real_distribution<>(0, 1)(random_); }
  PathState state() const {
    return {estimate.bitrate(), estimate.received(), estimate.lost_share(), estimate.overused_ns()};
  }

  void step() {
    now_ += kStep;
    other_due_ += path_.other(now_) * kStep / 8;
    while (other_due_ >= 1200) {
      carry(1200);
      other_due_ -= 1200;
    }
    if (now_ >= next_frame_) {
      double bytes = rates_[ladder.level()] / 8 / path_.fps;
      if (path_.key_every_s > 0 && now_ >= next_key_)
        bytes *= 3, next_key_ = now_ + path_.key_every_s;
      while (bytes > 0) {
        send(static_cast<size_t>(std::min(bytes, 1200.0)) + 30);
        bytes -= 1200;
      }
      next_frame_ += 1 / path_.fps;
    }
    if (now_ < probe_until_ && now_ >= next_probe_packet_) {
      const double bytes = std::min(1200.0, rates_[ladder.level()] / 8 / path_.fps);
      send(static_cast<size_t>(bytes));
      next_probe_packet_ = std::max(next_probe_packet_, now_) + bytes * 8 / probe_rate_;
    }
    if (now_ >= next_feedback_) feed_back();
    if (now_ >= next_look_) look();
  }

  // When it is through the bottleneck; negative: no room.
  double carry(size_t bytes) {
    const double begins = std::max(free_at_, now_);
    if (begins - now_ > path_.queue_s) return -1;
    waits_.emplace_back(now_, begins - now_);
    free_at_ = begins + static_cast<double>(bytes) * 8 / path_.rate(begins);
    return free_at_;
  }
  void send(size_t bytes) {
    Flying one{{sequence_++, bytes, ns(now_), 0, false}, now_ + 1};
    const double through = carry(bytes);
    one.report.lost = through < 0 || random() < path_.loss;
    if (!one.report.lost) {
      // The receiver's clock is another; the report's resolution is 250 us.
      last_arrival_ = std::max(last_arrival_, through + path_.delay_s + random() * path_.jitter_s);
      one.arrives = last_arrival_;
      one.report.arrived_ns = ns(last_arrival_ + 1000) / 250'000 * 250'000;
    }
    flying_.push_back(one);
  }
  void feed_back() {
    next_feedback_ += 0.1;
    size_t known = 0;  // up to the newest that has arrived; those missing before it are lost
    for (size_t i = 0; i < flying_.size(); ++i)
      if (!flying_[i].report.lost && flying_[i].arrives + path_.delay_s <= now_) known = i + 1;
    std::vector<PacketReport> reports;
    for (; known > 0; --known) {
      reports.push_back(flying_.front().report);
      flying_.pop_front();
    }
    if (!reports.empty()) estimate.take(reports, ns(now_));
    ladder.look(state(), ns(now_));
    curve.push_back({now_, estimate.bitrate(), rates_[ladder.level()], ladder.level()});
  }
  void look() {
    next_look_ += 0.5;
    ladder.look(state(), ns(now_));
    if (estimate.probing()) return;
    const auto rate = ladder.probe(state(), ns(now_));
    if (!rate) return;
    if (!path_.probes) {
      estimate.believe(*rate);
      ladder.look(state(), ns(now_));
      return;
    }
    ++probes;
    probe_rate_ = *rate - rates_[ladder.level()];
    probe_until_ = now_ + 0.1;
    next_probe_packet_ = now_;
    estimate.probe(ns(now_), ns(probe_until_));
  }
};

}  // namespace callbot::pipelines
