#include "recordings/clock_estimate.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace callbot::recordings {
namespace {

constexpr double kLeastDeviation = 100e-6;
constexpr double kWander = 100e-6;      // what a rate may be wrong by while nothing is heard
constexpr double kUsualDrift = 200e-6;  // of cheap crystals
constexpr double kMostDrift = 1000e-6;
constexpr int64_t kSameLineNs = 3;  // what rounding to ns adds up to
// A step beyond this (and kMostDrift) is no drift: a clock was set.
constexpr double kStep = 0.05;

double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }
int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

int64_t in_era_of(int64_t near, int64_t ns) {
  constexpr int64_t kEra = (int64_t{1} << 32) * 1'000'000'000;
  if (near > 0 && ns < near - kEra / 2) return ns + kEra;
  if (near <= 0 ? ns > near + kEra / 2 : ns - near > kEra / 2) return ns - kEra;
  return ns;
}

void ClockEstimate::forget() {
  reports_.clear();
  outliers_.clear();
  rate_ = deviation_ = 0;
}

int64_t ClockEstimate::ntp_of(int64_t rtp_time) const {
  const int64_t at = nominal(rtp_time);
  return at + offset_ns_ + ns(rate_ * seconds(at - origin_ns_));
}

double ClockEstimate::allowed(double since_last) const {
  // Few reports say little about how far they scatter.
  const double few = 1 + 4.0 / static_cast<double>(reports_.size());
  return std::max(3 * deviation_ * few, kLeastDeviation) + kWander * std::abs(since_last);
}

ClockEstimate::Heard ClockEstimate::add(const SenderReport& heard) {
  SenderReport report = heard;
  if (known()) report.ntp_ns = in_era_of(reports_.back().ntp_ns, report.ntp_ns);
  const int64_t line = report.ntp_ns - nominal(report.rtp_time);
  for (const int64_t earlier : lines_) {
    if (std::abs(line - earlier) <= kSameLineNs) return Heard::kKnown;
  }
  lines_.push_back(line);
  if (lines_.size() > kWindow) lines_.pop_front();

  Heard result = Heard::kUsed;
  const double off = known() ? seconds(report.ntp_ns - ntp_of(report.rtp_time)) : 0;
  const double since_last =
      known() ? seconds(nominal(report.rtp_time) - nominal(reports_.back().rtp_time)) : 0;
  if (has_rate()) {
    if (std::abs(off) > allowed(since_last)) {
      outliers_.push_back(report);
      if (outliers_.size() < kOutliersInARow) return Heard::kOutlier;
      reports_.assign(outliers_.begin(), outliers_.end() - 1);
      result = Heard::kAnew;
    }
  } else if (std::abs(off) > kStep + kMostDrift * std::abs(since_last)) {
    reports_.clear();  // too few to be right against it
    result = Heard::kAnew;
  }
  outliers_.clear();
  reports_.push_back(report);
  if (reports_.size() > kWindow) reports_.pop_front();
  fit();
  return result;
}

void ClockEstimate::fit() {
  const auto n = static_cast<double>(reports_.size());
  const int64_t x0 = nominal(reports_.front().rtp_time);
  const int64_t y0 = reports_.front().ntp_ns - x0;
  const auto x = [&](const SenderReport& r) { return seconds(nominal(r.rtp_time) - x0); };
  const auto y = [&](const SenderReport& r) {
    return seconds(r.ntp_ns - nominal(r.rtp_time) - y0);
  };
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  for (const SenderReport& r : reports_) {
    mean_x += x(r) / n;
    mean_y += y(r) / n;
  }
  for (const SenderReport& r : reports_) {
    xx += (x(r) - mean_x) * (x(r) - mean_x);
    xy += (x(r) - mean_x) * (y(r) - mean_y);
  }
  const double slope = xx > 0 ? xy / xx : 0;
  double squares = 0;
  for (const SenderReport& r : reports_) {
    const double off = y(r) - mean_y - slope * (x(r) - mean_x);
    squares += off * off;
  }
  deviation_ = n > 2 ? std::sqrt(squares / (n - 2)) : 0;
  rate_ = 0;
  if (has_rate()) {
    // Where the scatter is large for the time the reports cover, a usual drift is the better guess.
    const double doubt = deviation_ / kUsualDrift;
    rate_ = xx > 0 ? std::clamp(xy / (xx + doubt * doubt), -kMostDrift, kMostDrift) : 0;
  }
  origin_ns_ = x0 + ns(mean_x);
  offset_ns_ = y0 + ns(mean_y);
}

void DriftFit::add(int64_t nominal_rtp_ns, int64_t ntp_ns) {
  if (reports_ > 0) ntp_ns = in_era_of(last_x_ns_ + last_y_ns_, ntp_ns);
  const int64_t y_ns = ntp_ns - nominal_rtp_ns;
  const double passed = std::abs(seconds(nominal_rtp_ns - last_x_ns_));
  if (count_ == 0 || std::abs(seconds(y_ns - last_y_ns_)) > kStep + kMostDrift * passed) {
    count_ = mean_x_ = mean_y_ = 0;
    first_x_ns_ = nominal_rtp_ns;
    first_y_ns_ = y_ns;
  }
  last_x_ns_ = nominal_rtp_ns;
  last_y_ns_ = y_ns;
  const double x = seconds(nominal_rtp_ns - first_x_ns_);
  const double y = seconds(y_ns - first_y_ns_);
  ++reports_;
  ++count_;
  const double dx = x - mean_x_;
  mean_x_ += dx / count_;
  mean_y_ += (y - mean_y_) / count_;
  xx_ += dx * (x - mean_x_);
  xy_ += dx * (y - mean_y_);
}

std::optional<double> DriftFit::drift_ppm() const {
  if (reports_ < 4 || xx_ <= 0) return std::nullopt;
  return -xy_ / xx_ * 1e6;
}

}  // namespace callbot::recordings
