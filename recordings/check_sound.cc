#include <fmt/core.h>

#include "recordings/checks.h"

namespace callbot::recordings {
namespace {
constexpr double kLevelSeconds = 0.1;
constexpr double kLeastJudged = 5.0;
}  // namespace

void check_sound(const Lane& lane, const VerifyConfig& config, Findings& out) {
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
    out.add(lane, {.code = "silence",
                   .severity = Severity::kFail,
                   .start = runs.front().from,
                   .end = runs.back().to,
                   .value = silent,
                   .threshold = config.silence_fail_share * heard,
                   .text = fmt::format("never a sound in {:.1f} s", heard)});
    return;
  }
  for (const Interval& run : runs) {
    if (run.length() < config.silence_warn) continue;
    out.add(lane, {.code = "silence",
                   .severity = Severity::kWarn,
                   .start = run.from,
                   .end = run.to,
                   .value = run.length(),
                   .threshold = config.silence_warn,
                   .text = fmt::format("silent for {:.1f} s", run.length())});
  }
}

}  // namespace callbot::recordings
