#include "base/part_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <string>

namespace callbot {
namespace {

constexpr size_t kDigits = 16;
constexpr size_t kMostName = 200;  // of the target's: NAME_MAX is 255
constexpr std::string_view kSuffix = ".part";

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

std::string prefix_of(const fs::path& target) {
  return target.filename().string().substr(0, kMostName) + ".";
}

bool is_part(const std::string& name, const std::string& prefix) {
  if (name.size() != prefix.size() + kDigits + kSuffix.size()) return false;
  const std::string digits = name.substr(prefix.size(), kDigits);
  return name.starts_with(prefix) && name.ends_with(kSuffix) &&
         digits.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// What processes that were killed left of this file. Without locks (some network file systems)
// nobody can tell: it stays.
void remove_left_over(const fs::path& target) {
  const std::string prefix = prefix_of(target);
  std::error_code error;
  for (fs::directory_iterator at(folder_of(target), error), end; !error && at != end;
       at.increment(error)) {
    if (!is_part(at->path().filename().string(), prefix)) continue;
    const auto file = open_file(at->path(), Links::kRefuse);
    if (file && lock_file(file->get(), LOCK_EX | LOCK_NB)) (void)unlink(at->path().c_str());
  }
}

}  // namespace

Result<PartFile> PartFile::create(const fs::path& target) {
  remove_left_over(target);
  std::random_device random;
  for (;;) {
    const auto digits = (static_cast<uint64_t>(random()) << 32) | random();
    const fs::path path =
        folder_of(target) / fmt::format("{}{:016x}{}", prefix_of(target), digits, kSuffix);
    Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file && errno == EEXIST) continue;
    if (!file) return storage_failure(target, "cannot create");
    // Who took it for one left over, before it was locked, holds the lock until it is removed.
    (void)lock_file(file.get(), LOCK_EX);
    struct stat s {};
    if (fstat(file.get(), &s) == 0 && s.st_nlink == 0) continue;
    return PartFile(target, path, std::move(file));
  }
}

PartFile::~PartFile() {
  if (file_) (void)unlink(path_.c_str());
}

Result<> PartFile::put_in_place() {
  if (fdatasync(file_.get()) != 0) return storage_failure(target_, "cannot sync");
  if (rename(path_.c_str(), target_.c_str()) != 0)
    return storage_failure(target_, "cannot rename into place");
  file_ = Descriptor();
  (void)sync_path(folder_of(target_));
  return {};
}

}  // namespace callbot
