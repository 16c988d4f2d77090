#include "recordings/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>

namespace callbot::recordings {
namespace {

// A writer that holds no lock (a file system without them) still writes: its journal has a line at
// least every 10 s (the anchors' beat) while anybody is heard or seen.
constexpr int64_t kStillFresh_s = 600;

bool is_fresh(int fd) {
  struct stat s {};
  if (fstat(fd, &s) != 0) return true;
  // The file system's time is the machine's, whatever the recording's clock says.
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec - s.st_mtim.tv_sec < kStillFresh_s;
}

// flock, again where a signal came in between.
bool locked(int fd, int how) {
  while (flock(fd, how) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

Result<Descriptor> journal(const fs::path& folder, int how) {
  const fs::path path = folder / "journal.jsonl";
  Descriptor fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return fd;  // without a journal there is no writer
    return storage_failure(path, "cannot open");
  }
  const bool fresh = is_fresh(fd.get());
  if (!fresh && locked(fd.get(), how | LOCK_NB)) return fd;
  if (!fresh && errno != EWOULDBLOCK) return storage_failure(path, "cannot lock");
  return fail(Code::kDenied, folder.string() + ": is being recorded");
}

}  // namespace

Result<Descriptor> lock_folder(const fs::path& folder, bool wait) {
  Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return storage_failure(folder, "cannot open the folder");
  if (locked(fd.get(), wait ? LOCK_EX : LOCK_EX | LOCK_NB)) return fd;
  if (errno == EWOULDBLOCK)
    return fail(Code::kDenied, folder.string() + ": another process is changing it");
  return storage_failure(folder, "cannot lock the folder");
}

Result<Descriptor> lock_journal(const fs::path& folder) { return journal(folder, LOCK_EX); }

// Shared: those that only ask do not take each other for a writer.
bool is_written(const fs::path& folder) {
  const auto lock = journal(folder, LOCK_SH);
  return !lock && lock.error().code == Code::kDenied;
}

}  // namespace callbot::recordings
