// base/files.h: files that are there whole or not at all; safe names; free space.
//
// Thread:  worker, or the loop for the small ones (each blocks on the file system).
// Owner:   the caller.
// Fails:   kStorage with the path and the system's words; kBadInput where something that is no
//          file (a FIFO, a device) stands in the place of one: it may never end.
#pragma once

#include <glib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/gref.h"

namespace callbot {

namespace fs = std::filesystem;

// A descriptor that is closed with it; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// The paths of what a folder holds, sorted; as far as it can be read, nothing if it cannot.
std::vector<fs::path> entries_in(const fs::path& folder);

// "path: cannot open: the words for errno".
tl::unexpected<Error> storage_failure(const fs::path& path, const char* doing);
// All of it; false: errno says why not.
bool write_all(int fd, std::string_view bytes);
// The same from there on; the descriptor's own position stays.
bool write_all_at(int fd, std::span<const uint8_t> bytes, uint64_t offset);
// flock(2), again where a signal came in between; false: errno says why not.
bool lock_file(int fd, int how);

// A recording may come from elsewhere: a link in it could show any file of this machine.
enum class Links {
  kFollow,
  kRefuse,  // neither a link nor something in a folder that is one
};
// A lock is on the file, not on its name: is this still the one of that name?
bool is_at(int fd, const fs::path& path, Links links = Links::kFollow);
// For reading; never waits. What is no file is refused.
Result<Descriptor> open_file(const fs::path& path, Links links = Links::kFollow);

// Writes a temporary file beside it (base/part_file.h), fdatasyncs, renames, fsyncs the folder.
Result<> write_atomically(const fs::path& path, std::string_view bytes);
// fsync of a file, or of a folder: the names in it.
Result<> sync_path(const fs::path& path);
Result<std::string> read_file(const fs::path& path, uint64_t most_bytes);
// Of a file; 0 where there is none.
uint64_t size_of(const fs::path& path);
// The folder and its parents; fine if it is there and can be written.
Result<> make_folder(const fs::path& path);
// An empty folder of one's own beside others: its name is `prefix` and something that no other has.
Result<fs::path> make_unique_folder(const fs::path& prefix);
// Bytes an unprivileged process may still write below this path (statvfs f_bavail).
Result<uint64_t> free_space(const fs::path& path);

// A name as one path component: letters, digits, '-', '_' and '.', the rest (separators, control
// characters, bidi marks) as '_'; never empty, never "." or "..", never a leading '.', at most 64
// bytes.
std::string safe_name(std::string_view text);
// "report.pdf", "report-2.pdf", "report-3.pdf": names for what has the same one; from 1.
std::string numbered(const fs::path& name, int n);
// Text for a terminal or a log line: control characters and bidi marks made visible (\u202e),
// invalid UTF-8 replaced, cut at `most` code points.
std::string printable(std::string_view text, size_t most = 200);

// SHA-256 as 64 hex digits.
std::string sha256_hex(std::string_view bytes);
Result<std::string> sha256_file(const fs::path& path, Links links = Links::kFollow);

// The same in steps of some milliseconds.
class FileHash {
 public:
  explicit FileHash(fs::path path, Links links = Links::kFollow);
  FileHash(FileHash&&) = default;
  // The checksum once the end was reached, empty before.
  Result<std::string> step();
  uint64_t done_bytes() const { return at_; }

 private:
  fs::path path_;
  Links links_;
  std::unique_ptr<GChecksum, Freer<&g_checksum_free>> sum_;
  uint64_t at_ = 0;
};

}  // namespace callbot
