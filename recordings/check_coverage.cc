#include <fmt/core.h>

#include <algorithm>

#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

struct Covered {
  double uncovered = 0;
  Interval worst;  // the longest piece that is not covered
  bool any = false;
};

void uncover(Covered& covered, double from, double to) {
  if (to <= from) return;
  covered.uncovered += to - from;
  if (to - from > covered.worst.length()) covered.worst = {from, to};
}

// Head and tail of every interval; holes in between are gaps.
Covered cover(const Lane& lane, const std::vector<double>& times, const VerifyConfig& config) {
  Covered covered;
  for (const Interval& on : lane.expected) {
    const auto first = std::lower_bound(times.begin(), times.end(), on.from);
    const auto behind = std::upper_bound(times.begin(), times.end(), on.to);
    if (first == behind) {
      if (on.length() > config.start_slack + config.end_slack) uncover(covered, on.from, on.to);
      continue;
    }
    covered.any = true;
    const double head = *first - on.from;
    const double tail = on.to - *(behind - 1);
    if (head > config.start_slack) uncover(covered, on.from, *first);
    if (tail > config.end_slack) uncover(covered, *(behind - 1), on.to);
  }
  return covered;
}

void find_gaps(const Lane& lane, const std::vector<double>& times, const VerifyConfig& config,
               Findings& out, double& missing) {
  for (size_t i = 1; i < times.size(); ++i) {
    const double from = times[i - 1];
    const double to = times[i];
    const Interval* on = at_time(lane.expected, from);
    if (on == nullptr || on != at_time(lane.expected, to)) continue;
    const bool screen = lane.media == MediaKind::kVideo && on->source == "screen";
    const double warn = screen ? config.screen_gap_warn : config.gap_warn;
    const double length = to - from;
    if (length < warn) continue;
    missing += length;
    out.add(
        lane,
        {.code = "gap",
         .severity = length >= std::max(config.gap_fail, warn) ? Severity::kFail : Severity::kWarn,
         .start = from,
         .end = to,
         .value = length,
         .threshold = warn,
         .text = fmt::format("no {} for {:.2f} s although it is on", name_of(lane.media), length)});
  }
}

}  // namespace

void check_coverage(const Lane& lane, const VerifyConfig& config, TrackMeasure& measure,
                    Findings& out) {
  const auto times = lane.packet_times();
  measure.expected = total(lane.expected);
  if (lane.overflow > 0) {
    out.add(lane, {.code = "overflow",
                   .severity = Severity::kWarn,
                   .value = static_cast<double>(lane.overflow),
                   .threshold = 0,
                   .text = fmt::format("{} frames were dropped because writing was too slow",
                                       lane.overflow)});
  }
  const Covered covered = cover(lane, times, config);
  if (measure.expected <= 0) return;
  if (!covered.any) {
    if (covered.uncovered <= 0) return;
    out.add(lane, {.code = "missing-track",
                   .severity = Severity::kFail,
                   .start = lane.expected.front().from,
                   .end = lane.expected.back().to,
                   .value = 0,
                   .threshold = config.start_slack,
                   .text = fmt::format("no {} at all, although it was on for {:.1f} s",
                                       name_of(lane.media), measure.expected)});
    return;
  }
  double missing = 0;
  find_gaps(lane, times, config, out, missing);
  measure.covered = measure.expected - covered.uncovered - missing;
  const double share = 1 - covered.uncovered / measure.expected;
  if (share >= config.coverage_warn) return;
  const bool fails = share < config.coverage_fail;
  out.add(lane, {.code = "coverage",
                 .severity = fails ? Severity::kFail : Severity::kWarn,
                 .start = covered.worst.from,
                 .end = covered.worst.to,
                 .value = share,
                 .threshold = fails ? config.coverage_fail : config.coverage_warn,
                 .text = fmt::format("{} covers {:.0f} % of the {:.1f} s that it was on",
                                     name_of(lane.media), share * 100, measure.expected)});
}

}  // namespace callbot::recordings
