#include "pipelines/delay_trend.h"

#include <algorithm>
#include <cmath>

namespace callbot::pipelines {
namespace {

constexpr int64_t kGroup_ns = 5'000'000;  // draft-ietf-rmcat-gcc-02, 5.2: burst_time
// Groups the line goes through, and the weight of what was there when smoothing: what Chromium
// uses, with frames at 30 a second about 0.7 s.
constexpr size_t kPoints = 20;
constexpr double kSmoothing = 0.9;
// The slope is weighed by how many groups it rests on, and scaled so that the thresholds of the
// draft (in ms) fit.
constexpr int kMostWeight = 60;
constexpr double kGain = 4;
constexpr double kOverFor_ms = 10;               // 5.4: overuse_time_th
constexpr double kUp = 0.0087, kDown = 0.039;    // 5.4: K_u and K_d for a threshold in ms
constexpr double kLeast_ms = 6, kMost_ms = 600;  // 5.4: del_var_th(i)
constexpr double kOutlier_ms = 15;               // 5.4: further above it the threshold stays
constexpr int64_t kStall_ns = 3'000'000'000;     // nothing for so long: a new beginning

constexpr int64_t kLeastOver_ns = 5'000'000'000;

double ms(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

}  // namespace

void DelayTrend::restart() {
  group_.reset();
  before_.reset();
  points_.clear();
  deltas_ = 0;
  summed_ms_ = smoothed_ms_ = slope_ = 0;
  over_ms_ = -1;
  over_count_ = 0;
  state_ = State::kNormal;
}

double DelayTrend::queue_ms() const {
  if (!least_ms_) return 0;
  return delay_ms_ - std::min(*least_ms_, least_before_ms_.value_or(*least_ms_));
}

void DelayTrend::note_delay(int64_t sent_ns, int64_t arrived_ns) {
  delay_ms_ = ms(arrived_ns - sent_ns);
  if (!least_ms_ || std::abs(sent_ns - least_from_ns_) > kLeastOver_ns) {
    least_before_ms_ = least_ms_;
    least_ms_ = delay_ms_;
    least_from_ns_ = sent_ns;
  }
  least_ms_ = std::min(*least_ms_, delay_ms_);
}

void DelayTrend::take(int64_t sent_ns, int64_t arrived_ns) {
  if (group_ && sent_ns < group_->sent_ns) return;  // reordered by a lost report
  if (group_ && sent_ns - group_->sent_ns <= kGroup_ns) {
    group_->last_sent_ns = sent_ns;
    return;
  }
  if (group_ && std::abs(arrived_ns - group_->arrived_ns) > kStall_ns) restart();
  note_delay(sent_ns, arrived_ns);
  before_ = group_;
  group_ = Group{sent_ns, arrived_ns, sent_ns};
  if (!before_) return;
  add(ms(group_->sent_ns - before_->sent_ns), ms(group_->arrived_ns - before_->arrived_ns),
      arrived_ns);
}

void DelayTrend::add(double sent_ms, double arrived_ms, int64_t arrived_ns) {
  if (deltas_++ == 0) first_arrival_ns_ = arrived_ns;
  summed_ms_ += arrived_ms - sent_ms;
  smoothed_ms_ = kSmoothing * smoothed_ms_ + (1 - kSmoothing) * summed_ms_;
  points_.push_back({ms(arrived_ns - first_arrival_ns_), smoothed_ms_});
  if (points_.size() > kPoints) points_.pop_front();
  double slope = slope_;
  if (points_.size() == kPoints) {
    double at = 0, delay = 0, up = 0, down = 0;
    for (const Point& p : points_) at += p.at_ms / kPoints, delay += p.delay_ms / kPoints;
    for (const Point& p : points_) {
      up += (p.at_ms - at) * (p.delay_ms - delay);
      down += (p.at_ms - at) * (p.at_ms - at);
    }
    if (down > 0) slope = up / down;
  }
  judge(slope, sent_ms, arrived_ns);
}

void DelayTrend::judge(double slope, double sent_ms, int64_t arrived_ns) {
  const double trend = std::min(deltas_, kMostWeight) * slope * kGain;
  if (deltas_ < 2) {
    state_ = State::kNormal;
  } else if (trend > threshold_ms_) {
    over_ms_ = over_ms_ < 0 ? sent_ms / 2 : over_ms_ + sent_ms;
    // More than once, for a while, and not on its way back already.
    if (++over_count_ > 1 && over_ms_ > kOverFor_ms && slope >= slope_) {
      over_ms_ = 0;
      over_count_ = 0;
      state_ = State::kOveruse;
    }
  } else {
    over_ms_ = -1;
    over_count_ = 0;
    state_ = trend < -threshold_ms_ ? State::kUnderuse : State::kNormal;
  }
  slope_ = slope;
  adapt(trend, arrived_ns);
}

// Faster down than up: it must not starve beside flows that fill the queue, nor get deaf (5.4).
void DelayTrend::adapt(double trend, int64_t arrived_ns) {
  const double passed_ms =
      adapted_ns_ == 0 ? 0 : std::clamp(ms(arrived_ns - adapted_ns_), 0.0, 100.0);
  adapted_ns_ = arrived_ns;
  const double size = std::abs(trend);
  if (size > threshold_ms_ + kOutlier_ms) return;
  threshold_ms_ += (size < threshold_ms_ ? kDown : kUp) * (size - threshold_ms_) * passed_ms;
  threshold_ms_ = std::clamp(threshold_ms_, kLeast_ms, kMost_ms);
}

}  // namespace callbot::pipelines
