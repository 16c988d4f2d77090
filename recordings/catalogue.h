// recordings/catalogue.h: all recordings below one folder: list, find, name.
//
// The folders are the truth; <out>/.catalogue.sqlite remembers what was read of them, and only
// folders that have changed since are read again.
//
// Thread:  one; looking and reading go to a few threads of its own. Blocks on the file system.
// Owner:   the caller; several processes at once are fine.
// Fails:   kStorage if the folder of folders cannot be read; a recording that cannot be read is an
//          entry that says why.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/catalogue_entry.h"

namespace callbot::recordings {

struct CatalogueConfig {
  bool with_chat = false;  // entries carry what was written in the chat
  bool rebuild = false;    // read every folder again
  // What changed so shortly before it was read may change again without a new time (file systems
  // count in up to 2 s) and is read again the next time.
  std::chrono::nanoseconds settled{2'000'000'000};
  // 0..1 while many folders are read.
  std::function<void(double)> progress = {};
};

struct Catalogue {
  std::vector<CatalogueEntry> entries = {};  // newest first
  std::string note = {};                     // why the index was not used, or was made anew
};
Result<Catalogue> read_catalogue(const std::filesystem::path& out,
                                 const CatalogueConfig& config = {});

// What is looked for: everything given must hold. Text is compared without regard to case.
struct CatalogueQuery {
  std::string text = {};  // in the folder's name, the room, label, a member, a tag or the chat
  std::optional<int64_t> since_wall_ns = {}, until_wall_ns = {};  // started in [since, until)
  std::string room = {};                                          // the whole name
  std::string member = {};                                        // part of a name
  std::string verdict = {}, state = {};                           // "none": no verdict yet
  std::vector<std::string> tags = {};                             // each of them
};
bool matches(const CatalogueEntry& entry, const CatalogueQuery& query);

// "started", "room", "length", "members", "size", "state", "verdict", "name": biggest or newest
// first for numbers, else A first. kUsage for anything else.
Result<> sort_entries(std::vector<CatalogueEntry>& entries, const std::string& by, bool reverse);

// The recording of this name, or the only one whose name begins so. kUsage that lists them where
// there are several, kBadInput where there is none.
Result<std::filesystem::path> find_recording(const std::filesystem::path& out,
                                             const std::string& name);

}  // namespace callbot::recordings
