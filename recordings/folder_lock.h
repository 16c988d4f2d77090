// recordings/folder_lock.h: who may change a recording as a whole, and who writes it just now.
//
// Two locks, both flock, which the kernel lets go of when a process dies: the folder's own, held
// by whoever changes what is said of it or deletes it, and the journal's, held by its writer.
//
// Thread:  any; one owner.
// Owner:   the caller.
// Fails:   kStorage; kDenied where somebody else holds the lock and must not be waited for.
#pragma once

#include <filesystem>

#include "base/files.h"

namespace callbot::recordings {

// The folder, opened and locked; a symlink is no folder.
Result<Descriptor> lock_folder(const std::filesystem::path& folder, bool wait);

// The journal of a recording that says it is running, locked so that nobody begins to write it.
// kDenied while somebody writes it.
Result<Descriptor> lock_journal(const std::filesystem::path& folder);
// Somebody writes it. To be asked of recordings that say they are running.
bool is_written(const std::filesystem::path& folder);
// What people call that: "running", or "cut-off" where nobody writes it any more.
const char* open_state(const std::filesystem::path& folder);

// Its journal is younger than ten minutes. Who wrote it may be dead, and be started again before
// long.
bool is_young(const std::filesystem::path& folder);

}  // namespace callbot::recordings
