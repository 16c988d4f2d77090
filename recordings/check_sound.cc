#include <fmt/core.h>

#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

constexpr double kLevelSeconds = 0.1;
constexpr double kLeastJudged = 5.0;
// Loud words clip again and again: one span, as long as so little is between.
constexpr double kBetweenClips = 1.0;

void check_silence(const Lane& lane, const VerifyConfig& config, Findings& out) {
  double heard = 0;   // seconds judged
  double silent = 0;  // of these
  std::vector<Interval> runs;
  double last = -1;
  for (const LanePiece& piece : lane.pieces) {
    for (const ProbedLevel& level : piece.stream.levels) {
      if (at_time(lane.expected, level.time) == nullptr) continue;
      heard += kLevelSeconds;
      if (level.db > static_cast<float>(config.silence_level_db)) continue;
      silent += kLevelSeconds;
      const bool goes_on = !runs.empty() && level.time - last < 2 * kLevelSeconds;
      if (!goes_on) runs.push_back({level.time, level.time});
      runs.back().to = last = level.time;
      runs.back().to += kLevelSeconds;
    }
  }
  if (heard >= kLeastJudged && silent >= heard * config.silence_fail_share) {
    out.harm(lane, {.kind = "silence",
                    .severity = Severity::kFail,
                    .from = runs.front().from,
                    .to = runs.back().to,
                    .value = silent});
    out.add(lane, {.code = "silence",
                   .severity = Severity::kFail,
                   .start = runs.front().from,
                   .end = runs.back().to,
                   .value = silent,
                   .threshold = config.silence_fail_share * heard,
                   .text = fmt::format("never a sound in {:.1f} s", heard)});
    return;
  }
  constexpr double kNever = 1e18;
  for (const Interval& run : runs) {
    out.add_span(lane,
                 {.code = "silence",
                  .start = run.from,
                  .end = run.to,
                  .value = run.length(),
                  .text = fmt::format("silent for {:.1f} s", run.length())},
                 {config.silence_warn, kNever});
  }
}

struct Clipped {
  double from = 0, to = 0;
  double seconds = 0;  // of that, how much clips
  double most = 0;     // share of the samples in the worst 100 ms
};

void check_clipping(const Lane& lane, const VerifyConfig& config, Findings& out) {
  std::vector<Clipped> spans;
  for (const LanePiece& piece : lane.pieces) {
    for (const ProbedLevel& level : piece.stream.levels) {
      if (level.clipped < config.clipping_share || level.clipped <= 0) continue;
      if (spans.empty() || level.time - spans.back().to > kBetweenClips)
        spans.push_back({level.time, level.time});
      Clipped& span = spans.back();
      span.to = level.time + kLevelSeconds;
      span.seconds += kLevelSeconds;
      span.most = std::max<double>(span.most, level.clipped);
    }
  }
  for (const Clipped& span : spans) {
    if (span.seconds < config.clipping_warn / 2) continue;
    const auto severity = span.seconds >= config.clipping_fail   ? Severity::kFail
                          : span.seconds >= config.clipping_warn ? Severity::kWarn
                                                                 : Severity::kPass;
    out.harm(lane, {.kind = "clipping",
                    .severity = severity,
                    .from = span.from,
                    .to = span.to,
                    .value = span.most});
    if (severity == Severity::kPass) continue;
    out.add(lane, {.code = "clipping",
                   .severity = severity,
                   .start = span.from,
                   .end = span.to,
                   .value = span.seconds,
                   .threshold = config.clipping_warn,
                   .text = fmt::format("the sound is too loud and clips for {:.1f} s, with up to "
                                       "{:.0f} % of its samples at full scale",
                                       span.seconds, span.most * 100)});
  }
}

}  // namespace

void check_sound(const Lane& lane, const VerifyConfig& config, Findings& out) {
  check_silence(lane, config, out);
  check_clipping(lane, config, out);
}

}  // namespace callbot::recordings
