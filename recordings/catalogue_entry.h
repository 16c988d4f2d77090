// recordings/catalogue_entry.h: one line of the catalogue: what a recording's folder says, in
// short.
//
// Thread:  any; plain values. read_entry blocks on the file system.
// Owner:   the caller.
// Fails:   read_entry never: a folder that cannot be read is an entry that says why.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "recordings/annotations.h"

namespace callbot::recordings {

struct CatalogueEntry {
  std::string name = {};  // of the folder
  // "running", "cut-off" (says it is running, but nobody writes it), "finished", "failed", or
  // "unreadable": `error` says why.
  std::string state = {};
  std::string room = {}, label = {};
  int64_t started_wall_ns = 0;  // 0: not known
  int64_t length_ns = 0;
  std::vector<std::string> members = {};  // names; no recorders
  uint64_t bytes = 0;                     // all its files
  std::string verdict = {};               // "PASS", "WARN", "FAIL", "old"; empty: none yet
  Annotations annotations = {};
  std::string error = {};
  std::string chat = {};  // what was written, the first 256 KiB, a line each
  bool operator==(const CatalogueEntry&) const = default;
};

// The same mark: nothing of what an entry says has changed. Of the folder and manifest.json (and of
// one that runs journal.jsonl): inode, ctime and size. verdict.json and annotations.json are
// replaced, never written in place, which changes the folder's ctime. Two looks a folder: with
// 10,000 of them each costs as much as everything else that is done with one.
using FolderMark = std::array<int64_t, 8>;
constexpr size_t kJournalMark = 5;  // from here on: of the journal, else 0

struct Marked {
  FolderMark mark{};
  bool is_recording = false;  // a folder with a manifest.json, and no symlink
  int64_t newest_ns = 0;      // of the times in the mark
};
// `out`: descriptor of the folder of folders.
Marked mark_of(int out, const std::string& name, bool with_journal);

// For who changes what lies deeper in the folder (exports/): makes the mark another one.
void touch_recording(const std::filesystem::path& folder);

CatalogueEntry read_entry(const std::filesystem::path& folder);

// Bytes that deleting the folder frees: blocks of files that have no other name. Neither symlinks
// nor other file systems count.
uint64_t freed_by(const std::filesystem::path& folder);

}  // namespace callbot::recordings
