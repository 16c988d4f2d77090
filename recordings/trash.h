// recordings/trash.h: deletes the folder of a recording, and nothing else.
//
// The folder is renamed to .trash-<name>-<16 hex digits> first, so that it is gone at once or not
// at all, then emptied, its manifest.json last. Symlinks are removed, not followed; what another
// file system has mounted inside stays, and the rest of that folder with it.
//
// Thread:  any; blocks on the file system.
// Owner:   the caller.
// Fails:   kStorage with the path and the system's words.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace callbot::recordings {

// `folder`: descriptor of out/name, as it was looked at: only that very folder is renamed. The
// name it has now.
Result<std::string> move_to_trash(const std::filesystem::path& out, const std::string& name,
                                  int folder);
// What an earlier process that was killed has left: only names of the form above, that hold a
// recording's manifest or nothing at all.
std::vector<std::string> trash_in(const std::filesystem::path& out);
Result<> empty_trash(const std::filesystem::path& out, const std::string& name);

}  // namespace callbot::recordings
