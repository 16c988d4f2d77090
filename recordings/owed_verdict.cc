#include "recordings/owed_verdict.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace callbot::recordings {
namespace {

// The lock is on the file, not on its name: somebody may have settled it meanwhile.
bool is_at(int fd, const fs::path& path) {
  struct stat ours {};
  struct stat named {};
  return fstat(fd, &ours) == 0 && lstat(path.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

Descriptor open_mark(const fs::path& path, int flags) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0644));
}

}  // namespace

void owe_verdict(const fs::path& folder) { (void)open_mark(folder / kUnjudged, O_CREAT); }

bool owes_verdict(const fs::path& folder) {
  return ::access((folder / kUnjudged).c_str(), F_OK) == 0;
}

std::vector<fs::path> owing_recordings(const fs::path& out) {
  std::vector<fs::path> owing;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out, ignored)) {
    if (owes_verdict(entry.path())) owing.push_back(entry.path());
  }
  std::sort(owing.begin(), owing.end());
  return owing;
}

std::optional<OwedVerdict> OwedVerdict::take(const fs::path& folder) {
  const fs::path path = folder / kUnjudged;
  Descriptor fd = open_mark(path, O_NONBLOCK);
  if (!fd) return std::nullopt;
  // Where there are no locks it is done as if there were.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  if (!is_at(fd.get(), path)) return std::nullopt;
  return OwedVerdict(std::move(fd), path);
}

bool OwedVerdict::settle() { return is_at(fd_.get(), path_) && ::unlink(path_.c_str()) == 0; }

}  // namespace callbot::recordings
