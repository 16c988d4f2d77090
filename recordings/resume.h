// recordings/resume.h: what a Recording needs to know to go on in a folder that was written before.
//
// Thread:  worker; blocks while it reads the journal.
// Owner:   Recording.
// Fails:   kBadInput if the folder is no recording or its journal does not hold all of it, kDenied
//          if somebody writes it, kUnsupported if of a later version, kStorage.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "recordings/journal.h"
#include "recordings/manifest.h"
#include "recordings/media_mender.h"
#include "recordings/recording_folder.h"

namespace callbot::recordings {

struct Resumed {
  LockedJournal journal;
  Manifest beginning;     // as manifest.json is while a recording runs
  Manifest manifest;      // as it was when it stopped
  bool was_open = false;  // it was cut off
  Asked asked = {};       // and holds still
  int64_t until_ns = 0;   // when that was, from its start
  TrackId last_track = 0;
  std::map<std::string, MediaName> last_files = {};  // by participant
  std::unique_ptr<MediaMender> mender = {};
};

Result<Resumed> prepare_to_resume(const std::filesystem::path& folder);

}  // namespace callbot::recordings
