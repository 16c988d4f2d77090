#include "feeds/clip_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/part_file.h"

namespace callbot::feeds {
namespace {

constexpr const char* kSuffix = ".nut";

// Its time of change says when it was used last: times of reading are often switched off.
void touch(const fs::path& path) { (void)utimensat(AT_FDCWD, path.c_str(), nullptr, 0); }

// One that a killed process left behind: nobody holds its lock.
void remove_if_left_over(const fs::path& part) {
  const auto file = open_file(part, Links::kRefuse);
  if (file && flock(file->get(), LOCK_EX | LOCK_NB) == 0) (void)unlink(part.c_str());
}

}  // namespace

fs::path ClipCache::usual_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return fs::path(cache) / "callbot" / "feeds";
  const char* home = std::getenv("HOME");
  const fs::path base =
      home != nullptr && *home == '/' ? fs::path(home) / ".cache" : fs::temp_directory_path();
  return base / "callbot" / "feeds";
}

Result<Descriptor> ClipCache::get(const std::string& name, const Make& make) const {
  const fs::path path = folder_ / (name + kSuffix);
  if (auto there = open_file(path, Links::kRefuse)) {
    touch(path);
    return there;
  }
  if (auto folder = make_folder(folder_); !folder) return tl::unexpected(folder.error());
  auto part = PartFile::create(path);
  if (!part) return tl::unexpected(part.error());
  if (auto made = make(part->path()); !made) return tl::unexpected(made.error());
  // Opened before it has its name: somebody else may evict it at once.
  auto opened = open_file(part->path(), Links::kRefuse);
  if (!opened) return opened;
  if (auto placed = part->put_in_place(); !placed) return tl::unexpected(placed.error());
  evict(path);
  return opened;
}

void ClipCache::evict(const fs::path& keep) const {
  struct Entry {
    fs::path path;
    fs::file_time_type used;
    uint64_t bytes;
  };
  std::vector<Entry> entries;
  uint64_t sum = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const fs::path& path = at->path();
    std::error_code gone;
    if (path.extension() == ".part") remove_if_left_over(path);
    if (path.extension() != kSuffix || !at->is_regular_file(gone)) continue;
    const uint64_t bytes = at->file_size(gone);
    const auto used = at->last_write_time(gone);
    if (gone) continue;
    sum += bytes;
    if (path != keep) entries.push_back({path, used, bytes});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (sum <= most_bytes_) return;
    std::error_code gone;
    if (fs::remove(entry.path, gone)) sum -= entry.bytes;
  }
}

}  // namespace callbot::feeds
