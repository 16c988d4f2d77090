#include "recordings/aside.h"

#include "base/files.h"

namespace callbot::recordings {

fs::path part_of(const fs::path& file) { return fs::path(file).concat(".part"); }

fs::path original_of(const fs::path& file) { return fs::path(file).concat(".before"); }

void remove_part(const fs::path& file) {
  std::error_code ignored;
  fs::remove(part_of(file), ignored);
}

Result<> keep_original(const fs::path& file) {
  std::error_code error;
  fs::create_hard_link(file, original_of(file), error);
  if (error) fs::rename(file, original_of(file), error);
  if (error)
    return fail(Code::kStorage, file.string() + ": cannot be kept aside: " + error.message());
  return sync_path(file.parent_path());
}

Result<> put_back(const fs::path& from, const fs::path& file) {
  std::error_code error;
  fs::rename(from, file, error);
  if (error)
    return fail(Code::kStorage, from.string() + ": cannot be put back: " + error.message());
  return sync_path(file.parent_path());
}

std::string free_name_in_damaged(const fs::path& folder, const std::string& file) {
  std::error_code error;
  fs::create_directories(folder / "damaged", error);
  const fs::path name = fs::path(file).filename();
  for (int n = 1;; ++n) {
    auto to = "damaged/" + numbered(name, n);
    if (!fs::exists(folder / to, error)) return to;
  }
}

std::string move_aside(const fs::path& folder, const std::string& file) {
  const auto to = free_name_in_damaged(folder, file);
  std::error_code error;
  fs::rename(folder / file, folder / to, error);
  if (error) return "";
  for (const fs::path& changed : {folder / "damaged", (folder / file).parent_path(), folder})
    (void)sync_path(changed);
  return to;
}

fs::path moved_by_a_killed_one(const fs::path& folder, const fs::path& file) {
  std::error_code missing;
  fs::path last;
  if (fs::exists(file, missing) || !fs::exists(part_of(file), missing)) return last;
  for (int n = 1;; ++n) {
    fs::path next = folder / "damaged" / numbered(file.filename(), n);
    if (!fs::exists(next, missing)) return last;
    last = std::move(next);
  }
}

}  // namespace callbot::recordings
