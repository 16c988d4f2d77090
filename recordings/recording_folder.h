// recordings/recording_folder.h: the names in a recording's folder, and what it is made of before
// there is any media.
//
// Thread:  any; plain functions that block on the file system for a moment.
// Owner:   Recording.
// Fails:   kStorage with the path and the system's words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace callbot::recordings {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kJournal = "journal.jsonl";
// Held back so that a full disk still takes the index of the media and the manifest.
constexpr const char* kReserve = ".reserve";

// "2026-11-21T04:20:42.000000001Z" -> "20261121T042042Z"
std::string compact_time(int64_t wall_ns);
// Without user information and without the values of parameters that may be secrets.
std::string without_secrets(std::string url);
// <out>/<name>[-n], which was not there.
Result<fs::path> make_fresh_folder(const fs::path& out, const std::string& name);

// "media/alice-12.mkv", or "media/alice-12.mkv.sealed": alice's twelfth file.
struct MediaName {
  std::string stem = {};
  int number = 0;  // 0: the name has none, or one too large to have a next one
};
std::string to_path(const MediaName& name, bool sealed);
MediaName parse_media_name(const fs::path& path);

// kBadInput: that it is not there, is no folder, or is no recording for want of `missing`.
Error no_recording(const fs::path& folder, const char* missing = kManifest);

// Without a sync, which may take long: that is the keeper's. Whole or not there, should we be
// killed.
Result<> write_quickly(const fs::path& path, const std::string& text);
Result<> reserve(const fs::path& folder);

}  // namespace callbot::recordings
