#include "base/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/gref.h"
#include "base/part_file.h"

namespace callbot {
namespace {

constexpr uint64_t kHashedAStep = 1u << 20;  // some 3 ms

const char* kind_of(mode_t mode) {
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

tl::unexpected<Error> no_file(const fs::path& path, mode_t mode) {
  return fail(Code::kBadInput,
              fmt::format("{}: is {}, expected a file", path.string(), kind_of(mode)));
}

// As open(2) with O_NOFOLLOW, which looks at the last name only, and the name before that.
int open_unlinked(const fs::path& path, int flags) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor folder(
      open(parent.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));  // ENOTDIR: a link
  if (!folder) return -1;
  return openat(folder.get(), path.filename().c_str(), flags | O_NOFOLLOW);
}

// Embedding, override and isolate marks: they make a name read as another one.
bool is_bidi_mark(gunichar c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool is_invisible(gunichar c) { return g_unichar_iscntrl(c) || is_bidi_mark(c) || c == 0xFEFF; }

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

std::vector<fs::path> entries_in(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error))
    entries.push_back(at->path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

tl::unexpected<Error> storage_failure(const fs::path& path, const char* doing) {
  return fail(Code::kStorage, fmt::format("{}: {}: {}", path.string(), doing, strerror(errno)));
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool write_all_at(int fd, std::span<const uint8_t> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    offset += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool lock_file(int fd, int how) {
  int done = 0;
  do done = flock(fd, how);
  while (done != 0 && errno == EINTR);
  return done == 0;
}

bool is_at(int fd, const fs::path& path, Links links) {
  struct stat ours {};
  struct stat named {};
  const int flags = links == Links::kRefuse ? AT_SYMLINK_NOFOLLOW : 0;
  return fstat(fd, &ours) == 0 && fstatat(AT_FDCWD, path.c_str(), &named, flags) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

Result<Descriptor> open_file(const fs::path& path, Links links) {
  // A FIFO without a writer is opened at once with O_NONBLOCK; a terminal does not become ours.
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Descriptor file(links == Links::kFollow ? open(path.c_str(), kFlags)
                                          : open_unlinked(path, kFlags));
  struct stat s {};
  if (!file) {
    const int error = errno;
    // Sockets cannot be opened (ENXIO), links were not to be (ELOOP).
    if ((error == ENXIO || error == ELOOP) && lstat(path.c_str(), &s) == 0 && !S_ISREG(s.st_mode))
      return no_file(path, s.st_mode);
    const bool linked = links == Links::kRefuse && error == ENOTDIR &&
                        lstat(path.parent_path().c_str(), &s) == 0 && S_ISLNK(s.st_mode);
    if (linked) return fail(Code::kBadInput, path.string() + ": its folder is a symbolic link");
    errno = error;
    return storage_failure(path, "cannot open");
  }
  if (fstat(file.get(), &s) != 0) return storage_failure(path, "cannot look at");
  if (!S_ISREG(s.st_mode)) return no_file(path, s.st_mode);
  return file;
}

Result<> write_atomically(const fs::path& path, std::string_view bytes) {
  auto part = PartFile::create(path);
  if (!part) return tl::unexpected(part.error());
  if (!write_all(part->fd(), bytes)) return storage_failure(path, "cannot write");
  return part->put_in_place();
}

Result<> sync_path(const fs::path& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return storage_failure(path, "cannot open");
  if (fsync(file.get()) != 0) return storage_failure(path, "cannot sync");
  return {};
}

Result<std::string> read_file(const fs::path& path, uint64_t most_bytes) {
  auto file = open_file(path);
  if (!file) return tl::unexpected(file.error());
  std::string bytes;
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t n = read(file->get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return storage_failure(path, "cannot read");
    if (n == 0) return bytes;
    bytes.append(chunk.data(), static_cast<size_t>(n));
    if (bytes.size() > most_bytes)
      return fail(Code::kStorage,
                  fmt::format("{}: larger than {} bytes", path.string(), most_bytes));
  }
}

uint64_t size_of(const fs::path& path) {
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  return missing ? 0 : size;
}

Result<> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return fail(Code::kStorage,
                fmt::format("{}: cannot create the folder: {}", path.string(), error.message()));
  if (access(path.c_str(), W_OK | X_OK) != 0)
    return storage_failure(path, "cannot write into the folder");
  return {};
}

Result<fs::path> make_unique_folder(const fs::path& prefix) {
  std::string name = prefix.string() + "-" + std::string(6, 'X');  // mkdtemp(3) replaces these
  if (mkdtemp(name.data()) == nullptr) return storage_failure(name, "make a folder");
  return fs::path(name);
}

Result<uint64_t> free_space(const fs::path& path) {
  struct statvfs s {};
  if (statvfs(path.c_str(), &s) != 0) return storage_failure(path, "cannot tell the free space");
  return static_cast<uint64_t>(s.f_bavail) * s.f_frsize;
}

std::string safe_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = g_ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
    name += plain ? c : '_';
  }
  if (!name.empty() && name.front() == '.') name.front() = '_';
  if (name.empty()) name = "_";
  if (name.size() > 64) name.resize(64);
  return name;
}

std::string numbered(const fs::path& name, int n) {
  if (n == 1) return name.string();
  return fmt::format("{}-{}{}", name.stem().string(), n, name.extension().string());
}

std::string printable(std::string_view text, size_t most) {
  const auto plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (text.size() <= most && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
  if (text.empty()) text = "";  // an empty view may point nowhere
  Text valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  std::string out;
  size_t count = 0;
  for (const char* at = valid.get(); *at != '\0'; at = g_utf8_next_char(at)) {
    if (count++ == most) return out + "…";
    const gunichar c = g_utf8_get_char(at);
    if (is_invisible(c))
      out += fmt::format("\\u{:04x}", c);
    else
      out.append(at, static_cast<size_t>(g_utf8_next_char(at) - at));
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  Text hex(g_compute_checksum_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(bytes.data()), bytes.size()));
  return hex.get();
}

FileHash::FileHash(fs::path path, Links links)
    : path_(std::move(path)), links_(links), sum_(g_checksum_new(G_CHECKSUM_SHA256)) {}

Result<std::string> FileHash::step() {
  auto file = open_file(path_, links_);
  if (!file) return tl::unexpected(file.error());
  std::vector<guchar> chunk(size_t{64} * 1024);
  for (const uint64_t until = at_ + kHashedAStep; at_ < until;) {
    const ssize_t n = pread(file->get(), chunk.data(), chunk.size(), static_cast<off_t>(at_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return storage_failure(path_, "cannot read");
    if (n == 0) return std::string(g_checksum_get_string(sum_.get()));
    g_checksum_update(sum_.get(), chunk.data(), n);
    at_ += static_cast<uint64_t>(n);
  }
  return std::string();
}

Result<std::string> sha256_file(const fs::path& path, Links links) {
  for (FileHash hash(path, links);;) {
    auto sum = hash.step();
    if (!sum || !sum->empty()) return sum;
  }
}

}  // namespace callbot
