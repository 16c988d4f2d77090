// recordings/repair.h: finishes a recording that was cut off, and mends what can be mended of one
// that was damaged.
//
//   1. Take the journal's lock; a recording that is being written is left alone.
//   2. Read the manifest and every line of the journal that is an event. Where there is no manifest
//      it is made from the journal; one of a later version is refused.
//   3. Media files: see media_mender.h.
//   4. Tell the journal what was mended and, if the recording was open, that it ended; write the
//      manifest anew from that. What was open owes a verdict then (owed_verdict.h).
//
// Nothing is deleted: what cannot be used lies in damaged/ afterwards. Repairing once more changes
// nothing. Killed in the middle, it can be run again.
//
// Thread:  worker; blocks for as long as it takes to copy the files that were open.
// Owner:   the caller.
// Fails:   kBadInput if the folder is no recording, kUnsupported if of a later version, kStorage if
//          it cannot be read or written, kDenied if media must be looked into that is encrypted and
//          no key fits, kInterrupted if progress said so.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "recordings/media_mender.h"

namespace callbot::recordings {

struct RepairReport {
  std::string folder = {};
  bool busy = false;     // is being written; left alone
  bool changed = false;  // anything
  bool was_open = false;
  std::string state = {};  // as it is now
  std::vector<MendedFile> files = {};
  std::vector<std::string> notes = {};  // of manifest, journal and received files, for people
  // Everything that was known of is there.
  bool complete() const;
};

// Called with 0..1 now and then; false stops.
using RepairProgress = std::function<bool(double)>;

// kRefuse: nothing is changed then. kLeave: all but those files.
Result<RepairReport> repair(const std::filesystem::path& folder,
                            const RepairProgress& progress = {}, Locked locked = Locked::kRefuse);

// Its manifest says so, is not there or cannot be read. It may be running.
bool is_open(const std::filesystem::path& folder);
// The recordings below `out` that are open, by a look at their manifests; some may be running.
std::vector<std::filesystem::path> open_recordings(const std::filesystem::path& out);

std::string to_text(const RepairReport& report);
Json to_json(const RepairReport& report);

}  // namespace callbot::recordings
