#include "scenarios/lateness.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/units.h"

namespace callbot::scenarios {
namespace {

constexpr double kShareOfLimit = 1.0 / 3;
constexpr double kUsual = 0.015;      // s
constexpr double kMostExplained = 3;  // times the lateness
constexpr double kFreezes = 0.05;     // s: one and a half frames of 30 a second

// Of the second that was worst of twenty; 0: nobody measured it then.
double p95(const char* metric, const Missed& missed, std::span<const Series* const> series) {
  std::vector<const Series*> those;
  for (const Series* s : series) {
    const bool concerned =
        s->actor.empty() || missed.senders.empty() || missed.senders.count(s->actor) > 0;
    if (s->metric == metric && s->state == Measured::kOk && concerned) those.push_back(s);
  }
  const Metric* row = find_metric(metric);
  if (row == nullptr || those.empty()) return 0;
  return compute({Stat::kPercentile, 95}, *row, those, {}, missed.window, missed.window.seconds())
      .value.value_or(0);
}

bool is_ours(const Metric& metric) {
  return metric.source == MetricSource::kBot || metric.source == MetricSource::kSender;
}

// More than this is too much; none: lateness does not make it worse.
std::optional<double> most_late(const Missed& missed, double late) {
  const Metric& metric = missed.metric;
  const Threshold& t = missed.threshold;
  if (is_ours(metric)) return std::nullopt;
  if (t.metric == "video.fps") return t.op[0] == '>' ? std::optional(kFreezes) : std::nullopt;
  if (t.op[0] != '<') return std::nullopt;
  const bool freezes = metric.kind == MetricKind::kSpan && t.metric.starts_with("video.");
  const bool seconds = unit_of(t.stat, metric) == "s";
  if (seconds && missed.value > t.value + kMostExplained * late) return std::nullopt;
  if (freezes) return kFreezes;
  if (!seconds || metric.kind != MetricKind::kGauge) return std::nullopt;
  return std::max(kUsual, t.value * kShareOfLimit);
}

}  // namespace

std::string blames_the_bot(const Missed& missed, std::span<const Series* const> series) {
  const double loop = p95("bot.lateness", missed, series);
  const double sending = p95("send.lateness", missed, series);
  const auto most = most_late(missed, loop + sending);
  if (!most || loop + sending <= *most) return "";
  return fmt::format(
      "the bot itself was late: its loop by {}, what it sent by {} (p95), together more than {}",
      seconds_text(loop), seconds_text(sending), seconds_text(*most));
}

}  // namespace callbot::scenarios
