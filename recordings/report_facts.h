// recordings/report_facts.h: everything that a report shows, read from a recording's folder and
// brought down to the size of a page.
//
// Thread:  worker; may decode everything.
// Owner:   make_report.
// Fails:   as verify, but a recording with nothing to judge is none: it has no verdict; kDenied if
//          it is encrypted and no key fits.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recordings/contact_sheet.h"
#include "recordings/lane_harm.h"
#include "recordings/sound_shape.h"
#include "recordings/verify.h"

namespace callbot::recordings {

// What the player of a participant plays, one after the other.
struct PlayedFile {
  std::string path;  // below the recording's folder
  int64_t from_ns = 0, to_ns = 0;
};

struct ReportPerson {
  TimelineParticipant who;
  std::vector<TimeSpan> muted, camera_off;  // there, and said to be off
  ContactSheet sheet;
  SoundShape sound;
  std::vector<TimeSpan> spoke;   // as its sender said; without that, where it was loud
  std::vector<HarmSpan> losses;  // of all its lanes
  std::vector<PlayedFile> files;
  bool video = false;  // has pictures to show
};

struct ReportFacts {
  std::filesystem::path folder;
  LoadedRecording recording;
  Timeline timeline;
  std::optional<Verdict> verdict;
  std::string no_verdict;  // why there is none
  std::vector<ReportPerson> people;

  double seconds() const { return static_cast<double>(timeline.duration_ns) / 1e9; }
};

// Points of each waveform, where there are so many people.
size_t wave_columns(size_t people);

// 0..1 of what there is to do; false stops.
using ReportProgress = std::function<bool(const char* what, double share)>;

// `judge_anew`: even where a saved verdict still holds.
Result<ReportFacts> gather_report(const std::filesystem::path& folder, const VerifyConfig& config,
                                  bool judge_anew, const ReportProgress& progress);

}  // namespace callbot::recordings
