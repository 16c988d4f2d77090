#include "recordings/owed_verdict.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace callbot::recordings {
namespace {

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
  for (fs::path& entry : entries_in(out)) {
    if (owes_verdict(entry)) owing.push_back(std::move(entry));
  }
  return owing;
}

std::optional<OwedVerdict> OwedVerdict::take(const fs::path& folder) {
  const fs::path path = folder / kUnjudged;
  Descriptor fd = open_mark(path, O_NONBLOCK);
  if (!fd) return std::nullopt;
  // Where there are no locks it is done as if there were.
  if (!lock_file(fd.get(), LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) return std::nullopt;
  if (!is_at(fd.get(), path, Links::kRefuse)) return std::nullopt;  // it was settled meanwhile
  return OwedVerdict(std::move(fd), path);
}

bool OwedVerdict::settle() {
  return is_at(fd_.get(), path_, Links::kRefuse) && ::unlink(path_.c_str()) == 0;
}

}  // namespace callbot::recordings
