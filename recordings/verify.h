// recordings/verify.h: judges a recording: its media against its manifest and journal.
//
// Every file is decoded with FFmpeg's libraries. Marks (base/video_mark.h, base/audio_mark.h) are
// used where they are found. FORMAT.md lists the findings, their rules and default thresholds.
//
// Thread:  worker; blocks for as long as decoding takes.
// Owner:   the caller.
// Fails:   kBadInput if the folder is no recording, kUnsupported if of a later version, kStorage if
// it
//          cannot be read, kUnmeasured if it holds nothing to judge, kInterrupted if progress said
//          so. A bad recording is no error but a verdict; of an encrypted one without its key it
//          says what can be said from outside: names, checksums.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "recordings/damage.h"

namespace callbot::recordings {

// Thresholds, in seconds unless said otherwise; see FORMAT.md for what each one decides. Each has a
// row in recordings/thresholds.cc.
struct VerifyConfig {
  double start_slack = 3.0;     // a track may begin so long after its member said it is on
  double end_slack = 1.0;       // and end so long before the member said it is off, or left
  double coverage_warn = 0.98;  // share of the time it should cover
  double coverage_fail = 0.90;
  double gap_warn = 0.5;  // between two frames, while the track is on
  double gap_fail = 2.0;
  double screen_gap_warn = 5.0;   // a shared screen that does not change may send little
  double silence_level_db = -60;  // dBFS, RMS of 100 ms
  double silence_warn = 10.0;
  double silence_fail_share = 0.99;  // of the time the track is on: never a sound
  double black_luma = 20;            // mean luma (16..235) of a black picture
  double black_deviation = 4;        // and its standard deviation, both at most
  double black_warn = 2.0;
  double black_fail = 10.0;
  double freeze_difference = 0.25;  // mean absolute luma difference of pictures that are the same
  double freeze_warn = 2.0;
  double freeze_fail = 10.0;
  double undecodable_fail = 1.0;     // one frame is a WARN
  double key_frame_wait_warn = 0.5;  // the picture was lost until a key frame came
  double key_frame_wait_fail = 2.0;
  double stall_warn = 0.5;  // the sender sent nothing, its RTP clock stood still
  double stall_fail = 2.0;
  double loss_warn = 0.01;  // share of a picture's packets lost, after repair
  double loss_fail = 0.05;
  double concealed_warn = 0.01;  // share of the worst minute of sound that a decoder makes up
  double concealed_fail = 0.05;
  double clipping_share = 0.01;  // of 100 ms of samples that stand at full scale
  double clipping_warn = 1.0;
  double clipping_fail = 30.0;
  double low_layer_share = 0.5;  // of the largest picture's area: at most so much is a low layer
  double low_layer_warn = 10.0;
  double av_offset_warn = 0.060;  // audio against video, by marks, either way
  double av_offset_fail = 0.125;
  double alignment_warn = 0.125;  // where a track lies against where it belongs
  double marks_warn = 0.005;      // share of marked frames missing, duplicated or out of order
  double marks_fail = 0.02;
  double unread_warn = 0.02;  // share of pictures of a marked track whose mark cannot be read
  int threads = 0;            // decoding threads; 0: as many as there are processors, at most 4
  // False: who has just written the files, and made their checksums, need not read them again.
  bool checksums = true;
};

struct Finding {
  std::string code;  // "silence"; the list is in FORMAT.md
  Severity severity = Severity::kWarn;
  std::string participant = {};                // member id; empty: the recording as a whole
  std::string name = {};                       // the participant's name
  std::string file = {};                       // below the folder; empty: no single file
  std::optional<double> start = {}, end = {};  // seconds from the recording's start
  std::optional<double> value = {}, threshold = {};
  std::string text = {};  // for people
};

// What was measured of one participant's audio or video, all its files together.
struct TrackMeasure {
  std::string participant = {}, name = {}, media = {}, codec = {};
  double expected = 0;  // seconds it was there and said to be on
  double covered = 0;   // seconds of that with media
  uint64_t frames = 0, undecodable = 0;
  bool marked = false;
  uint64_t marks = 0, marks_missing = 0, marks_duplicated = 0, marks_reordered = 0;
  std::optional<double> av_offset = {};  // median, seconds; positive: audio late
};

struct Verdict {
  Severity severity = Severity::kPass;  // the worst of the findings
  std::string unmeasured = {};          // why the media was not looked at; empty: it was
  std::string folder = {};
  double duration = 0;  // of the recording, seconds
  std::vector<TrackMeasure> tracks = {};
  std::vector<Finding> findings = {};
  std::vector<DamageSpan> damage = {};            // sorted by lane, kind, time
  std::map<std::string, double> thresholds = {};  // those that were not the usual ones
};

// Called with 0..1 now and then; false stops.
using Progress = std::function<bool(double)>;

Result<Verdict> verify(const std::filesystem::path& folder, const VerifyConfig& config = {},
                       const Progress& progress = {});

// A PASS, WARN or FAIL line with the numbers, then one line a track, a finding and a damaged lane.
std::string to_text(const Verdict& verdict);
Json to_json(const Verdict& verdict);
Result<Verdict> parse_verdict(std::string_view json);

// verdict.json in the recording's folder, so that nobody needs to decode again. kStorage.
Result<> save_verdict(const std::filesystem::path& folder, const Verdict& verdict);
// As it was saved; none if it never was, or if manifest, journal or media changed since.
// verdict_holds() is that rule by itself, without reading it.
bool verdict_holds(const std::filesystem::path& folder);
std::optional<Verdict> saved_verdict(const std::filesystem::path& folder);

}  // namespace callbot::recordings
