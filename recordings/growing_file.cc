#include "recordings/growing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"

namespace callbot::recordings {

Result<std::unique_ptr<GrowingFile>> GrowingFile::create(const GrowingFileConfig& config) {
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | (config.replace ? O_TRUNC : O_EXCL);
  const int fd = ::open(config.path.c_str(), flags, 0644);
  if (fd < 0) return storage_failure(config.path, "cannot create");
  return std::unique_ptr<GrowingFile>(new GrowingFile(fd, config.path.string(), config.seal_to));
}

GrowingFile::GrowingFile(int fd, std::string path, const std::optional<PublicKey>& seal_to)
    : fd_(fd), path_(std::move(path)) {
  if (seal_to) sealed_ = std::make_unique<SealedWriter>(fd, *seal_to);
}

GrowingFile::~GrowingFile() { ::close(fd_); }

bool GrowingFile::write(std::span<const uint8_t> bytes) {
  if (error_ != 0) return false;
  error_ = put(bytes);
  if (error_ != 0) return false;
  position_ += static_cast<int64_t>(bytes.size());
  end_ = std::max<uint64_t>(end_, static_cast<uint64_t>(position_));
  return true;
}

int GrowingFile::put(std::span<const uint8_t> bytes) {
  const auto at = static_cast<uint64_t>(position_);
  if (sealed_) return sealed_->write(at, bytes);
  return write_all_at(fd_, bytes, at) ? 0 : errno;
}

int64_t GrowingFile::seek(int64_t offset, int whence) {
  const int64_t from = whence == SEEK_SET   ? 0
                       : whence == SEEK_CUR ? position_
                       : whence == SEEK_END ? static_cast<int64_t>(end_)
                                            : -1;
  if (from < 0 || offset < -from) return -1;
  return position_ = from + offset;
}

Result<> GrowingFile::mark_whole() {
  if (sealed_ && error_ == 0) error_ = sealed_->flush();
  if (error_ != 0) return tl::unexpected(failure());
  struct stat s {};
  if (fstat(fd_, &s) == 0 && s.st_nlink == 0)
    return fail(Code::kStorage, path_ + ": the file was removed while it was written");
  whole_ = end_.load();
  if (sealed_) sealed_->mark();
  return {};
}

void GrowingFile::cut_back() {
  if (sealed_) sealed_->cut_back();
  if (sealed_ || ftruncate(fd_, static_cast<off_t>(whole_)) == 0) end_ = whole_;
  position_ = static_cast<int64_t>(whole_);
  error_ = 0;
}

Result<> GrowingFile::end() {
  if (sealed_ && error_ == 0) error_ = sealed_->end(end_);
  return mark_whole();
}

Result<> GrowingFile::sync() const {
  if (fdatasync(fd_) == 0) return {};
  return storage_failure(path_, "cannot sync");
}

Error GrowingFile::failure() const {
  errno = error_;
  return storage_failure(path_, "cannot write").value();
}

}  // namespace callbot::recordings
