// recordings/clock_estimate.h: a track's RTP clock against its sender's wall clock. Plain
// arithmetic.
//
// A sender report (RFC 3550, 6.4.1) says which wall clock time a sender gives to an RTP time.
// Frames carry it too: each has the time of the last report, carried on at the nominal rate, so the
// first frame behind a report lies on that report's line, and stands for it here.
//
// The line is a regression over the last 20 reports. From 4 on it has a rate of its own; before,
// the nominal one. A report further off than three standard deviations (at least 100 us, and 100
// ppm of the time since the last one) is left out; five of these in a row and the line begins anew.
// Before there are 4, one that is 50 ms off is enough for that.
//
// Thread:  one at a time.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace callbot::recordings {

// `ticks` of an RTP clock of `rate` Hz, in ns, whatever their size.
constexpr int64_t ticks_to_ns(int64_t ticks, int rate) {
  constexpr int64_t kSecond = 1'000'000'000;
  return ticks / rate * kSecond + ticks % rate * kSecond / rate;
}

// NTP counts 2^32 s, then begins anew: in February 2036 (RFC 5905, 6). `ns` of whatever era, as
// the one next to `near`.
int64_t in_era_of(int64_t near, int64_t ns);

struct SenderReport {
  int64_t rtp_time = 0;  // extended over wrap-arounds
  int64_t ntp_ns = 0;    // the sender's wall clock, ns since the Unix epoch
};

class ClockEstimate {
 public:
  explicit ClockEstimate(int clock_rate) : clock_rate_(clock_rate) {}

  enum class Heard {
    kUsed,
    kKnown,    // says what an earlier one said
    kOutlier,  // left out for now
    kAnew,     // it (with the outliers) disagrees with those before: the line is theirs alone
  };
  Heard add(const SenderReport& report);
  // The RTP clock began anew: what was reported before says nothing any more.
  void forget();

  bool known() const { return !reports_.empty(); }
  bool has_rate() const { return reports_.size() >= kUsable; }
  // The sender's wall clock at an RTP time. Only when known().
  int64_t ntp_of(int64_t rtp_time) const;
  // How much faster than the wall clock RTP time runs, by the last reports; 0 without has_rate().
  double drift_ppm() const { return -rate_ * 1e6; }

 private:
  static constexpr size_t kWindow = 20;
  static constexpr size_t kUsable = 4;
  static constexpr size_t kOutliersInARow = 5;

  int64_t nominal(int64_t rtp_time) const { return ticks_to_ns(rtp_time, clock_rate_); }
  double allowed(double seconds_since_last) const;  // seconds off the line
  void fit();

  int clock_rate_;
  std::deque<SenderReport> reports_;
  std::vector<SenderReport> outliers_;
  std::deque<int64_t> lines_;  // NTP minus nominal RTP time of the reports heard last
  // ntp = nominal + offset_ns_ + rate_ * (nominal - origin_ns_)
  int64_t origin_ns_ = 0;
  int64_t offset_ns_ = 0;
  double rate_ = 0;
  double deviation_ = 0;  // seconds
};

// The drift over a whole track: a regression over any number of reports that keeps only sums. A
// clock that is set anew begins a new piece; the pieces have one rate.
class DriftFit {
 public:
  void add(int64_t nominal_rtp_ns, int64_t ntp_ns);
  // As ClockEstimate's; from 4 reports on.
  std::optional<double> drift_ppm() const;

 private:
  int64_t last_x_ns_ = 0, last_y_ns_ = 0;  // NTP minus RTP
  int64_t first_x_ns_ = 0, first_y_ns_ = 0;
  uint64_t reports_ = 0;
  double count_ = 0, mean_x_ = 0, mean_y_ = 0;  // of this piece, seconds from its first report
  double xx_ = 0, xy_ = 0;                      // of all
};

}  // namespace callbot::recordings
