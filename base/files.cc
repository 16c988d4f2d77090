#include "base/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <glib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/gref.h"

namespace callbot {
namespace {

using Checksum = std::unique_ptr<GChecksum, Freer<&g_checksum_free>>;

tl::unexpected<Error> storage(const fs::path& path, const char* doing) {
  return fail(Code::kStorage, fmt::format("{}: {}: {}", path.string(), doing, strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool shut() { return close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Embedding, override and isolate marks: they make a name read as another one.
bool is_bidi_mark(gunichar c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool is_invisible(gunichar c) { return g_unichar_iscntrl(c) || is_bidi_mark(c) || c == 0xFEFF; }

}  // namespace

Result<> write_atomically(const fs::path& path, std::string_view bytes) {
  const fs::path part = fs::path(path).concat(".part");
  Descriptor file(open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) return storage(part, "cannot create");
  if (!write_all(file.get(), bytes)) return storage(part, "cannot write");
  if (fdatasync(file.get()) != 0) return storage(part, "cannot sync");
  if (!file.shut()) return storage(part, "cannot close");
  if (rename(part.c_str(), path.c_str()) != 0) return storage(path, "cannot rename into place");
  Descriptor folder(open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) fsync(folder.get());
  return {};
}

Result<std::string> read_file(const fs::path& path, uint64_t most_bytes) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return storage(path, "cannot open");
  std::string bytes;
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t n = read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return storage(path, "cannot read");
    if (n == 0) return bytes;
    bytes.append(chunk.data(), static_cast<size_t>(n));
    if (bytes.size() > most_bytes)
      return fail(Code::kStorage,
                  fmt::format("{}: larger than {} bytes", path.string(), most_bytes));
  }
}

Result<> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return fail(Code::kStorage,
                fmt::format("{}: cannot create the folder: {}", path.string(), error.message()));
  if (access(path.c_str(), W_OK | X_OK) != 0) return storage(path, "cannot write into the folder");
  return {};
}

Result<uint64_t> free_space(const fs::path& path) {
  struct statvfs s {};
  if (statvfs(path.c_str(), &s) != 0) return storage(path, "cannot tell the free space");
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

Result<std::string> sha256_file(const fs::path& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return storage(path, "cannot open");
  Checksum sum(g_checksum_new(G_CHECKSUM_SHA256));
  std::array<guchar, 65536> chunk{};
  for (;;) {
    const ssize_t n = read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return storage(path, "cannot read");
    if (n == 0) return std::string(g_checksum_get_string(sum.get()));
    g_checksum_update(sum.get(), chunk.data(), n);
  }
}

}  // namespace callbot
