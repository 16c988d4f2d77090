// recordings/expire.h: deletes old recordings, by age, by count, by free space.
//
// A plan first, from what the folders say; carrying it out looks at each folder again. Never one
// that is running, is marked keep, or cannot be read; never anything that is no recording.
//
// Thread:  one; blocks on the file system.
// Owner:   the caller.
// Fails:   kStorage if the folder of folders cannot be read; one that cannot be deleted is named,
//          and the others go on.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/catalogue_entry.h"

namespace callbot::recordings {

struct ExpireConfig {
  std::optional<std::chrono::milliseconds> keep = {};  // what ended longer ago goes
  std::optional<uint64_t> keep_count = {};             // the newest so many stay
  std::optional<uint64_t> free_bytes = {};             // the oldest go until so much is free
};

struct Expired {
  std::string name;
  std::string why;  // "age", "count", "free", "leftover": of an expire that was killed
  int64_t started_wall_ns = 0;
  uint64_t bytes = 0;  // that deleting it frees
  std::optional<Error> failed = {};
};

struct ExpirePlan {
  std::vector<Expired> expired = {};  // leftovers, then oldest first
  uint64_t recordings = 0;            // how many there are
  // Of those a rule asks for: how many stay because they are running, kept or unreadable.
  uint64_t running = 0, kept = 0, unreadable = 0;
  uint64_t free_bytes = 0;  // now
  uint64_t frees = 0;       // by deleting these
  // free_bytes of the config cannot be reached.
  bool short_of_space = false;
  std::string note = {};  // as Catalogue's
};
Result<ExpirePlan> plan_expire(const std::filesystem::path& out, const ExpireConfig& config,
                               const std::function<void(double)>& progress = {});
// Deletes them, says what failed in each, and how much is free then.
void carry_out(const std::filesystem::path& out, ExpirePlan& plan,
               const std::function<void(double)>& progress = {});

}  // namespace callbot::recordings
