// recordings/show.h: a recording's manifest and journal for people.
//
// Thread:  worker, or a command line; reads two files.
// Owner:   the caller.
// Fails:   kBadInput if the folder is no recording, kUnsupported if of a later version, kStorage if
// it
//          cannot be read.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace callbot::recordings {

Result<std::string> show(const std::filesystem::path& folder);

}  // namespace callbot::recordings
