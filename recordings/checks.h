// recordings/checks.h: the rules behind the findings; FORMAT.md states each of them.
//
// Thread:  any; they work on their arguments.
// Owner:   verify().
// Fails:   never; what they find goes into `out`.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recordings/lanes.h"
#include "recordings/verify.h"

namespace callbot::recordings {

// A span is a finding from `warn` on, and on the damage map from `listed` on.
struct SpanRule {
  double warn, fail;
  double listed = warn / 2;
};

// Collects findings; of many alike in a lane the first ones and how many more there are. And the
// damage map.
class Findings {
 public:
  void add(Finding finding);
  void add(const Lane& lane, Finding finding);  // fills in whose it is
  // A finding and its place on the damage map, as far as finding.value says by the rule.
  void add_span(const Lane& lane, Finding finding, const SpanRule& rule);
  // On the damage map only; fills in whose it is.
  void harm(const Lane& lane, DamageSpan span);
  std::vector<Finding> take();
  std::vector<DamageSpan> take_damage() { return bounded(std::move(damage_)); }

 private:
  std::vector<Finding> list_;
  std::vector<DamageSpan> damage_;
};

constexpr size_t kMostAlike = 20;

// missing-track, coverage, gap, overflow; fills in expected and covered.
void check_coverage(const Lane& lane, const VerifyConfig& config, TrackMeasure& measure,
                    Findings& out);
// undecodable, timestamps; fills in frames and undecodable.
void check_decoding(const Lane& lane, const VerifyConfig& config, TrackMeasure& measure,
                    Findings& out);
// black, freeze.
void check_pictures(const Lane& lane, const VerifyConfig& config, Findings& out);
// frames-missing, frames-duplicated, frames-reordered, wrong-source, marks-unread; fills in marks.
void check_marks(const Lane& lane, const VerifyConfig& config, TrackMeasure& measure,
                 Findings& out);
// Seconds of from..to that a finding of check_waits accounts for.
double explained(const Lane& lane, const VerifyConfig& config, double from, double to);
// low-layer.
void check_layers(const Lane& lane, const VerifyConfig& config, Findings& out);
// key-frame-wait, stall.
void check_waits(const Lane& lane, const VerifyConfig& config, Findings& out);
// loss of a picture's packets, concealed sound.
void check_loss(const Lane& lane, const VerifyConfig& config, Findings& out);
// silence, clipping.
void check_sound(const Lane& lane, const VerifyConfig& config, Findings& out);
// av-offset: between a participant's two lanes.
std::optional<double> check_sync(const Lane& video, const Lane& audio, const VerifyConfig& config,
                                 Findings& out);
// alignment.
void check_alignment(const LoadedRecording& recording, const VerifyConfig& config, Findings& out);
// file-missing, file-extra, file-damaged (it is no file), checksum, file-changed; and not-finished,
// failed, manifest-damaged, journal-damaged. `hashed` is told the bytes whose checksum was made
// meanwhile, some milliseconds of work each time; false stops with kInterrupted. None: checksums
// are not looked at.
using Hashed = std::function<bool(uint64_t)>;
Result<> check_folder(const std::filesystem::path& folder, const LoadedRecording& recording,
                      const Hashed& hashed, Findings& out);

// Something has this name, be it a link that leads nowhere.
bool is_there(const std::filesystem::path& path);
bool is_black(const ProbedPicture& picture, const VerifyConfig& config);
// Is it the same picture as the one before it? By mark where both have one.
bool is_frozen(const ProbedPicture& before, const ProbedPicture& picture,
               const VerifyConfig& config);

}  // namespace callbot::recordings
