#include "recordings/readable_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "recordings/sealed_file.h"

namespace callbot::recordings {
namespace {

class PlainFile final : public ReadableFile {
 public:
  PlainFile(Descriptor fd, uint64_t size, std::string path)
      : fd_(std::move(fd)), size_(size), path_(std::move(path)) {}

  uint64_t size() const override { return size_; }
  bool ended() const override { return true; }
  const std::vector<ByteRange>& lost() const override { return none_; }

 private:
  Result<size_t> read_some(uint64_t offset, std::span<uint8_t> to) override {
    for (;;) {
      const ssize_t n = pread(fd_.get(), to.data(), to.size(), static_cast<off_t>(offset));
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) return storage_failure(path_, "cannot read");
    }
  }

  const Descriptor fd_;
  const uint64_t size_;
  const std::string path_;
  const std::vector<ByteRange> none_;
};

}  // namespace

bool is_sealed(const std::filesystem::path& file) { return file.extension() == kSealedExtension; }

Result<std::unique_ptr<ReadableFile>> ReadableFile::open_as_it_is(
    const std::filesystem::path& path) {
  auto fd = open_file(path, Links::kRefuse);
  if (!fd) return tl::unexpected(fd.error());
  struct stat s {};
  if (fstat(fd->get(), &s) != 0) return storage_failure(path, "cannot read");
  return std::make_unique<PlainFile>(std::move(*fd), static_cast<uint64_t>(s.st_size),
                                     path.string());
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
