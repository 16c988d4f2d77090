#include "recordings/trash.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <random>

#include "base/files.h"
#include "recordings/folder_lock.h"
#include "recordings/manifest.h"
#include "recordings/recording_folder.h"

namespace callbot::recordings {
namespace {

constexpr const char* kPrefix = ".trash-";
constexpr size_t kDigits = 16;
constexpr size_t kMostName = 200;  // of the old name: NAME_MAX is 255
constexpr int kDeepest = 64;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

// A folder in a folder, on the same file system and not through a symlink. openat2 sees bind
// mounts too; where the kernel has it not (before 5.6) or a filter refuses it, the device decides.
int open_below(int parent, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const auto fd = static_cast<int>(syscall(SYS_openat2, parent, name, &how, sizeof(how)));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  Descriptor plain(openat(parent, name, static_cast<int>(how.flags)));
  struct stat above {};
  struct stat here {};
  if (!plain || fstat(parent, &above) != 0 || fstat(plain.get(), &here) != 0) return -1;
  if (above.st_dev == here.st_dev) return dup(plain.get());
  errno = EXDEV;
  return -1;
}

class Remover {
 public:
  // Everything below `fd` but `spared`; goes on after a failure, and keeps the first.
  void empty(int fd, const fs::path& path, const char* spared, int depth) {
    const Dir dir(fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (!dir) return failed(path, "cannot open the folder");
    if (depth > kDeepest) {
      errno = ELOOP;
      return failed(path, "too deep");
    }
    while (const dirent* entry = readdir(dir.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || (spared != nullptr && name == spared)) continue;
      remove(fd, name, path / name, depth);
    }
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  void remove(int parent, const std::string& name, const fs::path& path, int depth) {
    struct stat s {};
    if (fstatat(parent, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0)
      return failed(path, "cannot look at");
    if (S_ISDIR(s.st_mode)) {
      const Descriptor fd(open_below(parent, name.c_str()));
      if (!fd) return failed(path, "cannot open");
      empty(fd.get(), path, nullptr, depth + 1);
    }
    if (unlinkat(parent, name.c_str(), S_ISDIR(s.st_mode) ? AT_REMOVEDIR : 0) != 0)
      failed(path, "cannot remove");
  }
  // Gone already: another process empties the same.
  void failed(const fs::path& path, const char* doing) {
    if (errno != ENOENT && !error_) error_ = storage_failure(path, doing).value();
  }

  std::optional<Error> error_;
};

bool is_trash_name(const std::string& name) {
  const std::string prefix = kPrefix;
  if (!name.starts_with(prefix) || name.size() < prefix.size() + 2 + kDigits) return false;
  const std::string digits = name.substr(name.size() - kDigits);
  return name[name.size() - kDigits - 1] == '-' &&
         digits.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_ours(const fs::path& folder) {
  std::error_code error;
  if (fs::symlink_status(folder, error).type() != fs::file_type::directory) return false;
  if (fs::is_empty(folder, error)) return !error;
  const auto text = read_file(folder / kManifest, kMostManifestBytes);
  return text && parse_manifest(*text);
}

}  // namespace

Result<std::string> move_to_trash(const fs::path& out, const std::string& name, int folder) {
  std::random_device random;
  const auto digits = (static_cast<uint64_t>(random()) << 32) | random();
  const std::string trash = fmt::format("{}{}-{:016x}", kPrefix, name.substr(0, kMostName), digits);
  const Descriptor fd(open(out.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return storage_failure(out, "cannot open the folder");
  struct stat meant {};
  struct stat moved {};
  if (fstat(folder, &meant) != 0) return storage_failure(out / name, "cannot look at");
  if (renameat2(fd.get(), name.c_str(), fd.get(), trash.c_str(), RENAME_NOREPLACE) != 0)
    return storage_failure(out / name, "cannot rename");
  const bool same = fstatat(fd.get(), trash.c_str(), &moved, AT_SYMLINK_NOFOLLOW) == 0 &&
                    moved.st_ino == meant.st_ino && moved.st_dev == meant.st_dev;
  if (!same) {  // somebody put something else in its place meanwhile: give it back
    (void)renameat2(fd.get(), trash.c_str(), fd.get(), name.c_str(), RENAME_NOREPLACE);
    return fail(Code::kStorage, (out / name).string() + ": was replaced while it was looked at");
  }
  fsync(fd.get());
  return trash;
}

std::vector<std::string> trash_in(const fs::path& out) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(out, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (is_trash_name(name) && is_ours(at->path())) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<> empty_trash(const fs::path& out, const std::string& name) {
  const fs::path path = out / name;
  const Descriptor parent(open(out.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Descriptor fd(parent ? open_below(parent.get(), name.c_str()) : -1);
  if (!fd) {
    if (errno == ENOENT) return {};
    return storage_failure(path, "cannot open");
  }
  Remover remover;
  // The manifest last: until then what is left can be told from a folder of somebody else's.
  remover.empty(fd.get(), path, kManifest, 0);
  if (!remover.error()) remover.empty(fd.get(), path, nullptr, 0);
  if (!remover.error() && unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) != 0 &&
      errno != ENOENT)
    return storage_failure(path, "cannot remove");
  if (remover.error()) return tl::unexpected(*remover.error());
  return {};
}

}  // namespace callbot::recordings
