// base/files.h: files that are there whole or not at all; safe names; free space.
//
// Thread:  worker, or the loop for the small ones (each blocks on the file system).
// Owner:   the caller.
// Fails:   kStorage with the path and the system's words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace callbot {

namespace fs = std::filesystem;

// Writes a temporary file beside it, fdatasyncs, renames, fsyncs the folder.
Result<> write_atomically(const fs::path& path, std::string_view bytes);
Result<std::string> read_file(const fs::path& path, uint64_t most_bytes);
// The folder and its parents; fine if it is there and can be written.
Result<> make_folder(const fs::path& path);
// Bytes an unprivileged process may still write below this path (statvfs f_bavail).
Result<uint64_t> free_space(const fs::path& path);

// A name as one path component: letters, digits, '-', '_' and '.', the rest (separators, control
// characters, bidi marks) as '_'; never empty, never "." or "..", never a leading '.', at most 64
// bytes.
std::string safe_name(std::string_view text);
// Text for a terminal or a log line: control characters and bidi marks made visible (\u202e),
// invalid UTF-8 replaced, cut at `most` code points.
std::string printable(std::string_view text, size_t most = 200);

// SHA-256 as 64 hex digits.
std::string sha256_hex(std::string_view bytes);
Result<std::string> sha256_file(const fs::path& path);

}  // namespace callbot
