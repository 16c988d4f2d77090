#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

struct Covered {
  double uncovered = 0;
  double unexplained = 0;  // of that, without what waits and stalls account for
  Interval worst;          // the longest piece that is not covered
  std::vector<Interval> unexplained_pieces;
  bool any = false;
};

void uncover(const Lane& lane, const VerifyConfig& config, Covered& covered, double from,
             double to) {
  if (to <= from) return;
  covered.uncovered += to - from;
  const double cause = explained(lane, config, from, to);
  covered.unexplained += to - from - cause;
  if (cause < (to - from) / 2) covered.unexplained_pieces.push_back({from, to});
  if (to - from > covered.worst.length()) covered.worst = {from, to};
}

// Head and tail of every interval; holes in between are gaps.
Covered cover(const Lane& lane, const std::vector<double>& times, const VerifyConfig& config) {
  Covered covered;
  for (const Interval& on : lane.expected) {
    const auto first = std::lower_bound(times.begin(), times.end(), on.from);
    const auto behind = std::upper_bound(times.begin(), times.end(), on.to);
    if (first == behind) {
      if (on.length() > config.start_slack + config.end_slack)
        uncover(lane, config, covered, on.from, on.to);
      continue;
    }
    covered.any = true;
    const double head = *first - on.from;
    const double tail = on.to - *(behind - 1);
    if (head > config.start_slack) uncover(lane, config, covered, on.from, *first);
    if (tail > config.end_slack) uncover(lane, config, covered, *(behind - 1), on.to);
  }
  return covered;
}

void map_uncovered(const Lane& lane, const Covered& covered, Severity severity, Findings& out) {
  for (const Interval& piece : covered.unexplained_pieces) {
    out.harm(lane, {.kind = "gap",
                    .severity = severity,
                    .from = piece.from,
                    .to = piece.to,
                    .value = piece.length()});
  }
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
    if (length >= warn) missing += length;
    // What a wait or a stall accounts for is reported as that.
    const double cause = explained(lane, config, from, to);
    if (cause > 0 && length - cause < warn) continue;
    out.add_span(
        lane,
        {.code = "gap",
         .start = from,
         .end = to,
         .value = length,
         .text = fmt::format("no {} for {:.2f} s although it is on", name_of(lane.media), length)},
        {warn, config.gap_fail});
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
                   .text = counted(lane.overflow, "frame was", "frames were") +
                           " dropped because writing was too slow"});
  }
  const Covered covered = cover(lane, times, config);
  if (measure.expected <= 0) return;
  if (!covered.any) {
    if (covered.uncovered <= 0) return;
    map_uncovered(lane, covered, Severity::kFail, out);
    out.add(lane, {.code = "missing-track",
                   .severity = Severity::kFail,
                   .start = lane.expected.front().from,
                   .end = lane.expected.back().to,
                   .value = 0,
                   .threshold = config.start_slack,
                   .text = fmt::format(
                       "no {} at all, although it was on for {:.1f} s{}", name_of(lane.media),
                       measure.expected,
                       lane.harm.key_frame_waits.empty() ? "" : ": a key frame never came")});
    return;
  }
  double missing = 0;
  find_gaps(lane, times, config, out, missing);
  measure.covered = measure.expected - covered.uncovered - missing;
  const double share = 1 - covered.unexplained / measure.expected;
  const bool fails = share < config.coverage_fail;
  const auto severity = fails                          ? Severity::kFail
                        : share < config.coverage_warn ? Severity::kWarn
                                                       : Severity::kPass;
  map_uncovered(lane, covered, severity, out);
  if (severity == Severity::kPass) return;
  // Else the two would contradict each other for who reads both.
  const double elsewhere = measure.expected - measure.covered - covered.unexplained;
  const std::string besides =
      elsewhere < 0.05 ? "" : fmt::format(" (not counting {:.1f} s of gaps and waits)", elsewhere);
  out.add(lane,
          {.code = "coverage",
           .severity = severity,
           .start = covered.worst.from,
           .end = covered.worst.to,
           .value = share,
           .threshold = fails ? config.coverage_fail : config.coverage_warn,
           .text = fmt::format("no {} at the beginning or end for {:.1f} of the {:.1f} s that it "
                               "was on, {:.0f} %{}",
                               name_of(lane.media), covered.unexplained, measure.expected,
                               (1 - share) * 100, besides)});
}

}  // namespace callbot::recordings
