// recordings/owed_verdict.h: that a recording's verdict is still to come: a file `.unjudged` in its
// folder, from its beginning until it was judged and given to whoever is to get the verdict.
//
// Who records, or judges in order to give the verdict, holds a lock (flock) on it, which the kernel
// lets go of when the process dies. So a process that dies in between leaves the rest to another
// one, and no two do it; where locks are one machine's alone or none at all (some network file
// systems), two machines that repair the same folder at a time may both give it.
//
// It stays owed when `callbot repair` knows no key for it, so that one who does gives it, and when
// repair, or a recorder at its start, cannot read the media or write verdict.json (a full disk):
// who is given it later has the file as well. Who has recorded it gives it at the end in any case,
// as UNMEASURED where only another's key opens all of it; and so does a start that finds one it has
// no key for.
//
// Thread:  any; blocks on the file system for a moment.
// Owner:   who records or judges.
// Fails:   never: where the file cannot be made (a full disk) nobody makes up for a death.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/files.h"

namespace callbot::recordings {

constexpr const char* kUnjudged = ".unjudged";

// From now on.
void owe_verdict(const fs::path& folder);
// One look: there may be thousands.
bool owes_verdict(const fs::path& folder);
// Those below `out` that owe one, running ones too.
std::vector<fs::path> owing_recordings(const fs::path& out);

class OwedVerdict {
 public:
  // None: nothing is owed, or somebody else is at it.
  static std::optional<OwedVerdict> take(const fs::path& folder);
  // The verdict is given to whoever is to get it now: afterwards nobody does so again. False if
  // it was already.
  bool settle();

 private:
  OwedVerdict(Descriptor fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Descriptor fd_;
  fs::path path_;
};

}  // namespace callbot::recordings
