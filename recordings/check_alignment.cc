// Where the frames lie, against where reports and arrivals put them once all of them are known.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "recordings/alignment.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

// While it runs a track is moved slowly to where it belongs: what is put right in this time is as
// it must be.
constexpr double kSettling = 20;

struct Off {
  double from = 0, to = 0;  // seconds from the recording's start, as it lies
  double worst = 0;         // true time less where it lies
};

// The longest span in which every anchor is off by more than `most`.
std::optional<Off> longest_off(const TrackAlignment& alignment, const Manifest& m, double most) {
  std::optional<Off> longest;
  std::optional<Off> now;
  for (const AlignedStretch& stretch : alignment.stretches) {
    const auto file = std::find_if(m.media.begin(), m.media.end(),
                                   [&](const MediaFileFacts& f) { return f.path == stretch.file; });
    if (file == m.media.end()) continue;
    for (const AlignedStretch::Point& point : stretch.points) {
      const int64_t lies_ns = file->offset_ns + point.file_ns;
      const double off = static_cast<double>(point.true_ns - lies_ns) / 1e9;
      const double at = static_cast<double>(lies_ns) / 1e9;
      if (std::abs(off) <= most) {
        now.reset();
        continue;
      }
      if (!now) now = Off{.from = at};
      now->to = at;
      if (std::abs(off) > std::abs(now->worst)) now->worst = off;
      if (!longest || now->to - now->from >= longest->to - longest->from) longest = now;
    }
  }
  return longest;
}

}  // namespace

void check_alignment(const LoadedRecording& recording, const VerifyConfig& config, Findings& out) {
  const Manifest& m = recording.manifest;
  for (const TrackAlignment& alignment : align(m, recording.events)) {
    if (!alignment.by_reports) continue;
    const auto off = longest_off(alignment, m, config.alignment_warn);
    if (!off || off->to - off->from < kSettling) continue;
    const auto track = std::find_if(m.tracks.begin(), m.tracks.end(),
                                    [&](const Track& t) { return t.id == alignment.track; });
    const auto who = std::find_if(m.participants.begin(), m.participants.end(),
                                  [&](const Participant& p) { return p.id == track->participant; });
    out.add({.code = "alignment",
             .severity = Severity::kWarn,
             .participant = track->participant,
             .name = who != m.participants.end() ? who->name : "",
             .start = off->from,
             .end = off->to,
             .value = off->worst,
             .threshold = config.alignment_warn,
             .text = fmt::format("{} lies up to {:.3f} s {} than the sender's reports and the "
                                 "arrivals in the journal say",
                                 name_of(track->media), std::abs(off->worst),
                                 off->worst > 0 ? "earlier" : "later")});
  }
}

}  // namespace callbot::recordings
