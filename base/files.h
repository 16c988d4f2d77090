// base/files.h: files that are there whole or not at all; safe names; free space.
//
// Thread:  worker, or the loop for the small ones (each blocks on the file system).
// Owner:   the caller.
// Fails:   kStorage with the path and the system's words.
#pragma once

#include <glib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/gref.h"

namespace callbot {

namespace fs = std::filesystem;

// Writes a temporary file beside it, fdatasyncs, renames, fsyncs the folder.
Result<> write_atomically(const fs::path& path, std::string_view bytes);
// fsync of a file, or of a folder: the names in it.
Result<> sync_path(const fs::path& path);
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

// The same in steps of some milliseconds.
class FileHash {
 public:
  explicit FileHash(fs::path path);
  FileHash(FileHash&&) = default;
  // The checksum once the end was reached, empty before.
  Result<std::string> step();

 private:
  fs::path path_;
  std::unique_ptr<GChecksum, Freer<&g_checksum_free>> sum_;
  uint64_t at_ = 0;
};

}  // namespace callbot
