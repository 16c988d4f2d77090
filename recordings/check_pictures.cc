#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "recordings/checks.h"

namespace callbot::recordings {

bool is_black(const ProbedPicture& p, const VerifyConfig& config) {
  return p.measured && p.mean <= static_cast<float>(config.black_luma) &&
         p.deviation <= static_cast<float>(config.black_deviation);
}

bool is_frozen(const ProbedPicture& before, const ProbedPicture& p, const VerifyConfig& config) {
  if (is_black(p, config)) return false;
  if (before.mark && p.mark) return before.mark->counter == p.mark->counter;
  return p.difference >= 0 && p.difference <= static_cast<float>(config.freeze_difference);
}

namespace {

struct Rule {
  const char* code;
  const char* words;
  double warn, fail;
  std::function<bool(const ProbedPicture& before, const ProbedPicture& now)> holds;
};

// Runs of pictures that the rule holds for, without what lies in gaps or outside of what is on.
void find_runs(const Lane& lane, const LanePiece& piece, const Rule& rule, double most_step,
               Findings& out) {
  double length = 0;
  double from = 0;
  double to = 0;
  const auto report = [&] {
    if (length > 0) {
      out.add_span(lane,
                   {.code = rule.code,
                    .file = piece.file,
                    .start = from,
                    .end = to,
                    .value = length,
                    .text = fmt::format("{} for {:.1f} s", rule.words, length)},
                   {rule.warn, rule.fail});
    }
    length = 0;
  };
  const auto& pictures = piece.stream.pictures;
  for (size_t i = 1; i < pictures.size(); ++i) {
    const double step = pictures[i].time - pictures[i - 1].time;
    const bool on = at_time(lane.expected, pictures[i].time) != nullptr;
    if (!on || step >= most_step || !rule.holds(pictures[i - 1], pictures[i])) {
      report();
      continue;
    }
    if (length == 0) from = pictures[i - 1].time;
    to = pictures[i].time;
    length += step;
  }
  report();
}

}  // namespace

void check_pictures(const Lane& lane, const VerifyConfig& config, Findings& out) {
  const Rule black{"black", "the picture is black", config.black_warn, config.black_fail,
                   [&](const ProbedPicture& before, const ProbedPicture& now) {
                     return is_black(before, config) && is_black(now, config);
                   }};
  // A shared screen may well stand still; only its marks could tell.
  const Rule frozen{"freeze", "the picture stands still", config.freeze_warn, config.freeze_fail,
                    [&](const ProbedPicture& before, const ProbedPicture& now) {
                      const Interval* on = at_time(lane.expected, now.time);
                      const bool screen = on != nullptr && on->source == "screen";
                      if (screen && !(before.mark && now.mark)) return false;
                      return is_frozen(before, now, config);
                    }};
  for (const LanePiece& piece : lane.pieces) {
    for (const Rule& rule : {black, frozen}) {
      const double most_step = std::max(config.screen_gap_warn, config.gap_warn);
      find_runs(lane, piece, rule, most_step, out);
    }
  }
}

}  // namespace callbot::recordings
