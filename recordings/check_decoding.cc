#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

constexpr double kSameSpan = 0.5;
constexpr double kUsualFrame = 0.04;

// Where the next packet that decodes begins, at most a usual frame later at the end of the file.
double end_of(const LanePiece& piece, double last) {
  const auto& packets = piece.stream.packets;
  const auto next = std::upper_bound(packets.begin(), packets.end(), last);
  return next == packets.end() ? last + kUsualFrame : *next;
}

void report(const Lane& lane, const LanePiece& piece, double from, double last, size_t count,
            const VerifyConfig& config, Findings& out) {
  const double to = end_of(piece, last);
  const auto severity = to - from >= config.undecodable_fail ? Severity::kFail : Severity::kWarn;
  out.harm(lane, {.kind = "undecodable",
                  .severity = severity,
                  .from = from,
                  .to = to,
                  .value = static_cast<double>(count)});
  out.add(lane, {.code = "undecodable",
                 .severity = severity,
                 .file = piece.file,
                 .start = from,
                 .end = to,
                 .value = to - from,
                 .threshold = config.undecodable_fail,
                 .text = fmt::format("{} of {:.2f} s cannot be decoded", counted(count, "frame"),
                                     to - from)});
}

void find_undecodable(const Lane& lane, const LanePiece& piece, const VerifyConfig& config,
                      TrackMeasure& measure, Findings& out) {
  std::vector<double> bad = piece.stream.undecodable;
  for (const ProbedPicture& picture : piece.stream.pictures) {
    if (picture.damaged) bad.push_back(picture.time);
  }
  std::sort(bad.begin(), bad.end());
  measure.undecodable += bad.size();
  for (size_t i = 0; i < bad.size();) {
    size_t last = i;
    while (last + 1 < bad.size() && bad[last + 1] - bad[last] <= kSameSpan) ++last;
    report(lane, piece, bad[i], bad[last], last - i + 1, config, out);
    i = last + 1;
  }
}

}  // namespace

void check_decoding(const Lane& lane, const VerifyConfig& config, TrackMeasure& measure,
                    Findings& out) {
  for (const LanePiece& piece : lane.pieces) {
    measure.frames += piece.stream.packets.size();
    find_undecodable(lane, piece, config, measure, out);
    if (piece.stream.backwards.empty()) continue;
    out.add(lane,
            {.code = "timestamps",
             .severity = Severity::kFail,
             .file = piece.file,
             .start = piece.stream.backwards.front(),
             .end = piece.stream.backwards.back(),
             .value = static_cast<double>(piece.stream.backwards.size()),
             .threshold = 0,
             .text = "time goes backwards " + counted(piece.stream.backwards.size(), "time")});
  }
}

}  // namespace callbot::recordings
