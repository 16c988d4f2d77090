#include "recordings/readable_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "recordings/sealed_file.h"

namespace callbot::recordings {
namespace {

class PlainFile final : public ReadableFile {
 public:
  PlainFile(int fd, uint64_t size, std::string path)
      : fd_(fd), size_(size), path_(std::move(path)) {}
  ~PlainFile() override { ::close(fd_); }

  uint64_t size() const override { return size_; }
  bool ended() const override { return true; }
  const std::vector<ByteRange>& lost() const override { return none_; }

 private:
  Result<size_t> read_some(uint64_t offset, std::span<uint8_t> to) override {
    for (;;) {
      const ssize_t n = pread(fd_, to.data(), to.size(), static_cast<off_t>(offset));
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR)
        return fail(Code::kStorage, fmt::format("{}: cannot read: {}", path_, strerror(errno)));
    }
  }

  const int fd_;
  const uint64_t size_;
  const std::string path_;
  const std::vector<ByteRange> none_;
};

}  // namespace

bool is_sealed(const std::filesystem::path& file) { return file.extension() == kSealedExtension; }

Result<std::unique_ptr<ReadableFile>> ReadableFile::open_as_it_is(
    const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat s {};
  if (fd < 0 || fstat(fd, &s) != 0) {
    auto error =
        fail(Code::kStorage, fmt::format("{}: cannot read: {}", path.string(), strerror(errno)));
    if (fd >= 0) ::close(fd);
    return error;
  }
  return std::make_unique<PlainFile>(fd, static_cast<uint64_t>(s.st_size), path.string());
}

Result<std::unique_ptr<ReadableFile>> ReadableFile::open(const std::filesystem::path& path,
                                                         Damaged damaged) {
  auto disk = open_as_it_is(path);
  if (!disk || !is_sealed(path)) return disk;
  return open_sealed(std::move(*disk), path.string(), damaged);
}

Result<size_t> ReadableFile::read(uint64_t offset, std::span<uint8_t> to) {
  size_t done = 0;
  while (done < to.size()) {
    auto n = read_some(offset + done, to.subspan(done));
    if (!n) return n;
    if (*n == 0) break;
    done += *n;
  }
  for (const ByteRange& r : blank_) {
    const uint64_t from = std::max(r.from, offset);
    const uint64_t until = std::min(r.to, offset + done);
    if (from < until) std::memset(to.data() + (from - offset), 0, until - from);
  }
  return done;
}

}  // namespace callbot::recordings
