// What the journal says of a picture that waited for a key frame, and of a sender that stalled.
#include <fmt/core.h>

#include <algorithm>

#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

// The journal says when a wait was noticed, the media when its frames were sent: a jitterbuffer's
// hold apart.
constexpr double kNoticed = 0.5;

double overlap(const std::vector<HarmSpan>& spans, double least, double from, double to) {
  double sum = 0;
  for (const HarmSpan& s : spans) {
    if (s.length() < least) continue;
    const double shared = std::min(s.to + kNoticed, to) - std::max(s.from - kNoticed, from);
    sum += std::clamp(shared, 0.0, s.length());
  }
  return sum;
}

struct Wait {
  const char* code;
  const char* words;  // with a place for the seconds
  SpanRule rule;
  double slack = 0;  // what a wait before the first frame may last longer
};

bool began_before(const std::vector<double>& times, const Interval& on, double time) {
  const auto first = std::lower_bound(times.begin(), times.end(), on.from);
  return first != times.end() && *first <= time;
}

void check(const Lane& lane, const std::vector<HarmSpan>& spans, const Wait& wait,
           const std::vector<double>& times, Findings& out) {
  for (const HarmSpan& s : spans) {
    for (const Interval& on : lane.expected) {
      const double from = std::max(s.from, on.from);
      const double to = std::min(s.to, on.to);
      if (to <= from) continue;
      const double length = to - from;
      // Every track begins with a short wait; the start's own slack judges it. Where nothing ever
      // came, that is said as missing-track.
      const double judged = length - (began_before(times, on, from) ? 0 : wait.slack);
      Finding finding{.code = wait.code,
                      .start = from,
                      .end = to,
                      .value = length,
                      .threshold = wait.rule.warn,
                      .text = fmt::format(fmt::runtime(wait.words), length)};
      finding.severity = judged >= std::max(wait.rule.fail, wait.rule.warn) ? Severity::kFail
                         : judged >= wait.rule.warn                         ? Severity::kWarn
                                                                            : Severity::kPass;
      out.harm(lane, {.kind = wait.code,
                      .severity = finding.severity,
                      .from = from,
                      .to = to,
                      .value = length});
      if (finding.severity != Severity::kPass && !times.empty()) out.add(lane, std::move(finding));
    }
  }
}

}  // namespace

double explained(const Lane& lane, const VerifyConfig& config, double from, double to) {
  return std::min(to - from,
                  overlap(lane.harm.key_frame_waits, config.key_frame_wait_warn, from, to) +
                      overlap(lane.harm.stalls, config.stall_warn, from, to));
}

void check_waits(const Lane& lane, const VerifyConfig& config, Findings& out) {
  const auto times = lane.packet_times();
  check(lane, lane.harm.key_frame_waits,
        {"key-frame-wait",
         "no picture for {:.2f} s: waiting for a key frame",
         {config.key_frame_wait_warn, config.key_frame_wait_fail},
         config.start_slack},
        times, out);
  check(lane, lane.harm.stalls,
        {"stall", "the sender stood still for {:.2f} s", {config.stall_warn, config.stall_fail}},
        times, out);
}

}  // namespace callbot::recordings
