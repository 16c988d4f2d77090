#include "scenarios/lateness.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/units.h"

namespace callbot::scenarios {
namespace {

constexpr double kShareOfLimit = 1.0 / 3;
constexpr double kUsual = 0.015;      // s
constexpr double kMostExplained = 3;  // times the lateness
constexpr double kFreezes = 0.05;     // s: one and a half frames of 30 a second
constexpr double kStoodStill = 0.25;  // s: congestion control takes it for a queue that fills
constexpr double kRecovers = 10;      // s: so long it asks for less afterwards
constexpr double kALook = 1;          // s: a sample says how late it was in the second before it

enum class Harm {
  kNone,
  kLonger,    // a time
  kFreezes,   // pictures that came late
  kTooLittle  // for congestion control
};

// A picture that comes too long after its sound.
bool is_skew_of_pictures(const Threshold& t) {
  return t.metric == "av.skew" && t.op[0] == '>' && t.value < 0;
}

bool is_ours(const Metric& metric) {
  return metric.source == MetricSource::kBot || metric.source == MetricSource::kSender;
}

// What lateness does to it.
Harm harm_of(const Missed& missed) {
  const Metric& metric = missed.metric;
  const Threshold& t = missed.threshold;
  if (is_ours(metric)) return Harm::kNone;
  const std::string_view unit = metric.unit;
  if (is_skew_of_pictures(t)) return Harm::kLonger;
  if (t.op[0] == '>') {
    if (t.metric == "video.fps") return Harm::kFreezes;
    const bool adapts = unit == "px" || unit == "bit/s" ||
                        metric.name == std::string_view("video.psnr") ||
                        metric.name == std::string_view("video.ssim") ||
                        metric.name == std::string_view("video.vmaf");
    return adapts && missed.at_ns ? Harm::kTooLittle : Harm::kNone;
  }
  if (t.op[0] != '<') return Harm::kNone;
  if (metric.kind == MetricKind::kSpan && t.metric.starts_with("video.")) return Harm::kFreezes;
  const bool seconds = unit_of(t.stat, metric) == "s" && metric.kind == MetricKind::kGauge;
  return seconds ? Harm::kLonger : Harm::kNone;
}

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

// When being late would have done it.
TimeWindow when(const Missed& missed, Harm harm) {
  if (!missed.at_ns) return {missed.window.from_ns, missed.window.to_ns + nanoseconds(kALook)};
  const double before = harm == Harm::kTooLittle ? kRecovers : kALook;
  const double lasts =
      unit_of(missed.threshold.stat, missed.metric) == "s" ? std::abs(missed.value) : 0;
  return {*missed.at_ns - nanoseconds(before), *missed.at_ns + nanoseconds(lasts + kALook)};
}

// 0: nobody measured it then.
double how_late(const char* metric, const Missed& missed, Harm harm,
                std::span<const Series* const> series) {
  std::vector<const Series*> those;
  for (const Series* s : series) {
    const bool concerned =
        s->actor.empty() || missed.senders.empty() || missed.senders.count(s->actor) > 0;
    if (s->metric == metric && s->state == Measured::kOk && concerned) those.push_back(s);
  }
  const Metric* row = find_metric(metric);
  if (row == nullptr || those.empty()) return 0;
  const TimeWindow window = when(missed, harm);
  // Of a whole window the second that was worst of twenty.
  const StatName stat = missed.at_ns ? StatName{Stat::kMax} : StatName{Stat::kPercentile, 95};
  return compute(stat, *row, those, {}, window, window.seconds()).value.value_or(0);
}

double too_late(Harm harm, const Missed& missed) {
  if (harm == Harm::kTooLittle) return kStoodStill;
  if (harm == Harm::kFreezes) return kFreezes;
  return std::max(kUsual, std::abs(missed.threshold.value) * kShareOfLimit);
}

bool is_explained(const Missed& missed, double late) {
  if (unit_of(missed.threshold.stat, missed.metric) != "s") return true;
  return std::abs(missed.value - missed.threshold.value) <= kMostExplained * late;
}

}  // namespace

std::string blames_the_bot(const Missed& missed, std::span<const Series* const> series) {
  const Harm harm = harm_of(missed);
  if (harm == Harm::kNone) return "";
  const double loop = how_late("bot.lateness", missed, harm, series);
  const double sending = how_late("send.lateness", missed, harm, series);
  const double most = too_late(harm, missed);
  if (loop + sending <= most || !is_explained(missed, loop + sending)) return "";
  return fmt::format(
      "the bot itself was late: its loop by {}, what it sent by {} ({}), together more than {}",
      seconds_text(loop), seconds_text(sending), missed.at_ns ? "around then" : "p95",
      seconds_text(most));
}

}  // namespace callbot::scenarios
