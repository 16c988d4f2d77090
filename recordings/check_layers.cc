// A sender or server that gave a small picture although it has a larger one (simulcast, a line too
// narrow): blurred for whoever watches.
#include <fmt/core.h>

#include <algorithm>

#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

double area(const ProbedPicture& p) { return static_cast<double>(p.width) * p.height; }

bool is_screen(const Lane& lane, const LanePiece& piece, double time) {
  const Interval* on = at_time(lane.expected, time);
  return piece.source == "screen" || (on != nullptr && on->source == "screen");
}

struct Run {
  double from = 0, to = 0;
  int width = 0, height = 0;  // the smallest in it
};

std::vector<Run> low_runs(const Lane& lane, const VerifyConfig& config, double largest) {
  std::vector<Run> runs;
  for (const LanePiece& piece : lane.pieces) {
    bool low_before = false;
    for (const ProbedPicture& p : piece.stream.pictures) {
      const bool low = area(p) <= largest * config.low_layer_share &&
                       at_time(lane.expected, p.time) != nullptr && !is_screen(lane, piece, p.time);
      if (low && !low_before) runs.push_back({p.time, p.time, p.width, p.height});
      if (low) {
        Run& run = runs.back();
        run.to = std::max(run.to, p.time);
        if (area(p) < static_cast<double>(run.width) * run.height) {
          run.width = p.width;
          run.height = p.height;
        }
      }
      low_before = low;
    }
  }
  return runs;
}

}  // namespace

void check_layers(const Lane& lane, const VerifyConfig& config, Findings& out) {
  const ProbedPicture* largest = nullptr;
  for (const LanePiece& piece : lane.pieces) {
    for (const ProbedPicture& p : piece.stream.pictures) {
      if (is_screen(lane, piece, p.time)) continue;
      if (largest == nullptr || area(p) > area(*largest)) largest = &p;
    }
  }
  if (largest == nullptr) return;
  for (const Run& run : low_runs(lane, config, area(*largest))) {
    const double length = run.to - run.from;
    if (length < config.low_layer_warn / 2) continue;
    const auto severity = length >= config.low_layer_warn ? Severity::kWarn : Severity::kPass;
    out.harm(lane, {.kind = "low-layer",
                    .severity = severity,
                    .from = run.from,
                    .to = run.to,
                    .value = static_cast<double>(run.width) * run.height / area(*largest)});
    if (severity == Severity::kPass) continue;
    out.add(lane,
            {.code = "low-layer",
             .severity = severity,
             .start = run.from,
             .end = run.to,
             .value = length,
             .threshold = config.low_layer_warn,
             .text = fmt::format("only {}x{} for {:.1f} s, although {}x{} was there too", run.width,
                                 run.height, length, largest->width, largest->height)});
  }
}

}  // namespace callbot::recordings
