#include "recordings/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include <cerrno>

#include "recordings/recording_folder.h"

namespace callbot::recordings {
namespace {

namespace fs = std::filesystem;

// Where locks say nothing of other machines, or there are none, a young journal is being written:
// it has a line at least every 10 s (the anchors' beat) while anybody is heard or seen.
constexpr int64_t kStillFreshSeconds = 600;

bool is_fresh(int fd) {
  struct stat s {};
  if (fstat(fd, &s) != 0) return true;
  // The file system's time is the machine's, whatever the recording's clock says.
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec - s.st_mtim.tv_sec < kStillFreshSeconds;
}

// A network's, where a lock may be this machine's alone (statfs(2)).
bool is_remote(int fd) {
  struct statfs s {};
  if (fstatfs(fd, &s) != 0) return true;
  constexpr int64_t kNfs = 0x6969, kSmb2 = 0xFE534D42, kCifs = 0xFF534D42, kFuse = 0x65735546;
  const auto type = static_cast<int64_t>(static_cast<uint32_t>(s.f_type));
  return type == kNfs || type == kSmb2 || type == kCifs || type == kFuse;
}

Result<Descriptor> journal(const fs::path& folder, int how) {
  const fs::path path = folder / kJournal;
  Descriptor fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return fd;  // without a journal there is no writer
    return storage_failure(path, "cannot open");
  }
  const bool got = lock_file(fd.get(), how | LOCK_NB);
  const bool written =
      (!got && errno == EWOULDBLOCK) || ((!got || is_remote(fd.get())) && is_fresh(fd.get()));
  if (written) return fail(Code::kDenied, folder.string() + ": is being recorded");
  if (!got) return storage_failure(path, "cannot lock");
  return fd;
}

}  // namespace

Result<Descriptor> lock_folder(const fs::path& folder, bool wait) {
  Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return storage_failure(folder, "cannot open the folder");
  if (lock_file(fd.get(), wait ? LOCK_EX : LOCK_EX | LOCK_NB)) return fd;
  if (errno == EWOULDBLOCK)
    return fail(Code::kDenied, folder.string() + ": another process is changing it");
  return storage_failure(folder, "cannot lock the folder");
}

Result<Descriptor> lock_journal(const fs::path& folder) { return journal(folder, LOCK_EX); }

bool is_young(const fs::path& folder) {
  const Descriptor fd(
      open((folder / kJournal).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd && is_fresh(fd.get());
}

// Shared: those that only ask do not take each other for a writer.
bool is_written(const fs::path& folder) {
  const auto lock = journal(folder, LOCK_SH);
  return !lock && lock.error().code == Code::kDenied;
}

const char* open_state(const fs::path& folder) {
  return is_written(folder) ? "running" : "cut-off";
}

}  // namespace callbot::recordings
