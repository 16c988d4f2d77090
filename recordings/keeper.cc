#include "recordings/keeper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/files.h"

namespace callbot::recordings {
Keeper::Keeper(LockedJournal journal, std::chrono::milliseconds sync_every)
    : journal_(std::move(journal)),
      sync_every_(sync_every),
      whole_(std::max<off_t>(lseek(journal_.fd(), 0, SEEK_END), 0)),
      thread_([this] { work(); }) {}

Keeper::~Keeper() { drop(); }

void Keeper::drop() {
  {
    std::lock_guard lock(mutex_);
    chores_.clear();
  }
  (void)close();
}

void Keeper::line(std::string text) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  lines_ += text;
  lines_ += '\n';
  more_.notify_one();
}

void Keeper::job(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  jobs_.push_back(std::move(job));
  more_.notify_one();
}

void Keeper::chore(std::function<bool()> step) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  chores_.push_back(std::move(step));
  more_.notify_one();
}

void Keeper::sync_later(std::filesystem::path path) {
  std::lock_guard lock(mutex_);
  unsynced_.insert(std::move(path));
}

void Keeper::keep_safe(std::shared_ptr<MediaFile> file) {
  std::lock_guard lock(mutex_);
  files_.push_back(std::move(file));
}

std::optional<Error> Keeper::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

Result<> Keeper::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    more_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  if (error_) return tl::unexpected(*error_);
  return {};
}

void Keeper::work() {
  auto next_sync = std::chrono::steady_clock::now() + sync_every_;
  std::unique_lock lock(mutex_);
  const auto waiting = [this] { return !lines_.empty() || !jobs_.empty() || !chores_.empty(); };
  for (;;) {
    more_.wait_until(lock, next_sync, [&] { return closing_ || waiting(); });
    auto lines = std::exchange(lines_, {});
    auto jobs = std::exchange(jobs_, {});
    const auto chore = chores_.empty() ? nullptr : chores_.front();
    lock.unlock();
    if (!lines.empty()) append(lines);
    for (auto& job : jobs) job();  // may leave lines
    const bool done = chore && chore();
    lock.lock();
    if (done && !chores_.empty()) chores_.pop_front();
    const bool last = closing_ && !waiting();
    if (last) closed_ = true;
    if (!last && std::chrono::steady_clock::now() < next_sync) continue;
    lock.unlock();
    sync();
    next_sync = std::chrono::steady_clock::now() + sync_every_;
    lock.lock();
    if (last) return;
  }
}

void Keeper::append(const std::string& lines) {
  if (!write_all(journal_.fd(), lines)) {
    failed(storage_failure(journal_.path(), "cannot write").value());
    (void)!ftruncate(journal_.fd(), whole_);  // no half line: more may follow
    return;
  }
  whole_ += static_cast<off_t>(lines.size());
}

void Keeper::sync() {
  struct stat s {};
  if (fstat(journal_.fd(), &s) == 0 && s.st_nlink == 0)
    failed({Code::kStorage, journal_.path() + ": the journal was removed while it was written"});
  else if (fdatasync(journal_.fd()) != 0)
    failed(storage_failure(journal_.path(), "cannot sync").value());
  std::unique_lock lock(mutex_);
  const auto paths = std::exchange(unsynced_, {});
  auto files = files_;
  // Nobody writes a file any more that only this list and the copy above hold.
  std::erase_if(files_, [](const auto& file) { return file.use_count() <= 2; });
  lock.unlock();
  for (const auto& file : files) {
    if (auto synced = file->sync(); !synced) failed(synced.error());
  }
  // Last: a name that is on the disk names a file whose bytes are there.
  for (const auto& path : paths) {
    if (auto synced = sync_path(path); !synced) failed(synced.error());
  }
}

void Keeper::failed(Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
}

}  // namespace callbot::recordings
