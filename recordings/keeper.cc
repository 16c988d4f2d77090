#include "recordings/keeper.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace callbot::recordings {
namespace {

Error storage(const std::string& path, const char* doing) {
  return {Code::kStorage, fmt::format("{}: {}: {}", path, doing, strerror(errno))};
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::create(const std::filesystem::path& journal,
                                               std::chrono::milliseconds sync_every) {
  const int fd = ::open(journal.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return tl::unexpected(storage(journal.string(), "cannot create"));
  return std::unique_ptr<Keeper>(new Keeper(fd, journal.string(), sync_every));
}

Keeper::Keeper(int fd, std::string path, std::chrono::milliseconds sync_every)
    : fd_(fd), path_(std::move(path)), sync_every_(sync_every), thread_([this] { work(); }) {}

Keeper::~Keeper() {
  (void)close();
  ::close(fd_);
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
  const auto waiting = [this] { return !lines_.empty() || !jobs_.empty(); };
  for (;;) {
    more_.wait_until(lock, next_sync, [&] { return closing_ || waiting(); });
    auto lines = std::exchange(lines_, {});
    auto jobs = std::exchange(jobs_, {});
    lock.unlock();
    if (!lines.empty()) append(lines);
    for (auto& job : jobs) job();  // may leave lines
    lock.lock();
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
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      failed(storage(path_, "cannot write"));
      (void)!ftruncate(fd_, whole_);  // no half line: more may follow
      return;
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
  whole_ += static_cast<off_t>(lines.size());
}

void Keeper::sync() {
  struct stat s {};
  if (fstat(fd_, &s) == 0 && s.st_nlink == 0)
    failed({Code::kStorage, path_ + ": the journal was removed while it was written"});
  else if (fdatasync(fd_) != 0)
    failed(storage(path_, "cannot sync"));
  std::unique_lock lock(mutex_);
  auto files = files_;
  // Nobody writes a file any more that only this list and the copy above hold.
  std::erase_if(files_, [](const auto& file) { return file.use_count() <= 2; });
  lock.unlock();
  for (const auto& file : files) {
    if (auto synced = file->sync(); !synced) failed(synced.error());
  }
}

void Keeper::failed(Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
}

}  // namespace callbot::recordings
