// recordings/export.h: a recording as files that anything plays, one a participant.
//
// All stretches are joined on the participant's timeline (from joining to leaving) or on the whole
// recording's. What the container takes is copied; what it does not take, and what changes its
// codec on the way, is encoded again. A pause whose policy is "cut" is left out, one whose policy
// is "slate" is silence and the picture before it; markers become chapters. Who showed a camera and
// a screen at the same time gets a second file, "<name>-screen".
//
// Thread:  worker; blocks for as long as it takes. Memory grows by the container's index alone.
// Owner:   the caller.
// Fails:   kUsage: unknown container or participant; kBadInput: no recording, or one that by a
//          damaged date is much longer than its media; kUnmeasured: nothing to export; kDenied:
//          encrypted, and no key fits; kStorage: cannot read or write, the disk is full, or too
//          small for raw samples; kUnsupported: a later version, or FFmpeg lacks a codec;
//          kInterrupted: progress said so. Files that were finished before it stay.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

struct ExportConfig {
  std::filesystem::path folder;
  std::string to;                  // a name of export_formats()
  std::string participant = {};    // a name or an id; empty: everybody
  std::filesystem::path out = {};  // empty: exports/ in the folder
  bool whole = false;  // every file begins and ends with the recording; only pauses of everybody
                       // are cut out
  std::optional<TimeSpan> part = {};  // of the recording, from its start; a file with video begins
                                      // at the last key frame before it
  int threads = 0;                    // of codecs; 0: as many as there are processors
};

struct ExportedFile {
  std::filesystem::path path;
  std::string participant, name;
  int64_t from_ns = 0, duration_ns = 0;  // its time 0, from the recording's start
  uint64_t bytes = 0;
  std::vector<std::string> tracks;  // "video vp8 copied", "audio pcmu -> aac"
  std::vector<std::string> notes;   // what could not be read
};

// 0..1 of all of it is done; false stops.
using ExportProgress = std::function<bool(double)>;
// A file is finished.
using ExportDone = std::function<void(const ExportedFile&)>;

// There is no file of a participant (its name): why.
using ExportLost = std::function<void(const std::string&, const std::string&)>;

Result<std::vector<ExportedFile>> export_recording(const ExportConfig& config,
                                                   const ExportProgress& progress = {},
                                                   const ExportDone& done = {},
                                                   const ExportLost& lost = {});

}  // namespace callbot::recordings
