#include "recordings/expire.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/catalogue.h"
#include "recordings/folder_lock.h"
#include "recordings/trash.h"

namespace callbot::recordings {
namespace {

// Why it must not be deleted, or nothing.
enum class Stays { kNo, kRunning, kKept, kUnreadable };

Stays stays(const CatalogueEntry& e, const fs::path& folder) {
  if (e.state == "cut-off" && is_young(folder)) return Stays::kRunning;
  // What cannot be read may be marked keep, or be of a later version.
  if (!e.error.empty() || (e.state != "finished" && e.state != "failed" && e.state != "cut-off"))
    return e.state == "running" ? Stays::kRunning : Stays::kUnreadable;
  return e.annotations.keep ? Stays::kKept : Stays::kNo;
}

class Planner {
 public:
  Planner(const fs::path& out, const ExpireConfig& config, ExpirePlan& plan)
      : out_(out), config_(config), plan_(plan) {}

  // Newest first.
  void plan(const std::vector<CatalogueEntry>& entries) {
    plan_.recordings = entries.size();
    std::vector<const CatalogueEntry*> rest;
    for (size_t i = 0; i < entries.size(); ++i) {
      const char* why = rule(entries[i], i);
      if (why == nullptr)
        rest.push_back(&entries[i]);
      else if (may_go(entries[i]))
        add(entries[i], why);
    }
    if (config_.free_bytes) free_space_of(rest);
    std::sort(plan_.expired.begin(), plan_.expired.end(), [](const Expired& a, const Expired& b) {
      return std::tie(a.started_wall_ns, a.name) < std::tie(b.started_wall_ns, b.name);
    });
  }

 private:
  const char* rule(const CatalogueEntry& e, size_t newer) const {
    // In milliseconds: a recording from a wrong clock must not overflow anything.
    const int64_t ended = e.started_wall_ns / 1'000'000 + e.length_ns / 1'000'000;
    if (config_.keep && ended < wall_ns() / 1'000'000 - config_.keep->count()) return "age";
    return config_.keep_count && newer >= *config_.keep_count ? "count" : nullptr;
  }

  bool may_go(const CatalogueEntry& e) {
    switch (stays(e, out_ / e.name)) {
      case Stays::kNo:
        return true;
      case Stays::kRunning:
        ++plan_.running;
        return false;
      case Stays::kKept:
        ++plan_.kept;
        return false;
      case Stays::kUnreadable:
        ++plan_.unreadable;
        return false;
    }
    return false;
  }

  void add(const CatalogueEntry& e, const char* why) {
    const uint64_t bytes = freed_by(out_ / e.name);
    plan_.expired.push_back({e.name, why, e.started_wall_ns, bytes});
    plan_.frees += bytes;
  }

  bool enough() const { return plan_.free_bytes + plan_.frees >= *config_.free_bytes; }

  void free_space_of(const std::vector<const CatalogueEntry*>& newest_first) {
    for (auto e = newest_first.rbegin(); e != newest_first.rend() && !enough(); ++e) {
      if (may_go(**e)) add(**e, "free");
    }
    plan_.short_of_space = !enough();
  }

  const fs::path& out_;
  const ExpireConfig& config_;
  ExpirePlan& plan_;
};

// Looks again, as the plan may be old, and takes it away while nobody can begin to write it or to
// mark it.
Result<std::string> take_away(const fs::path& out, const std::string& name) {
  const fs::path folder = out / name;
  const auto lock = lock_folder(folder, false);
  if (!lock) return tl::unexpected(lock.error());
  const CatalogueEntry now = read_entry(folder);
  if (stays(now, folder) != Stays::kNo)
    return fail(Code::kDenied, fmt::format("{}: stays: it is {} now", folder.string(),
                                           now.annotations.keep     ? "marked keep"
                                           : now.state == "cut-off" ? "running, or was just now,"
                                                                    : now.state));
  // Whatever its manifest says: somebody may be about to repair it or to go on in it.
  const auto journal = lock_journal(folder);
  if (!journal) return tl::unexpected(journal.error());
  return move_to_trash(out, name, lock->get());
}

Result<> remove_one(const fs::path& out, const Expired& one) {
  if (one.why == "leftover") return empty_trash(out, one.name);
  const auto trash = take_away(out, one.name);
  if (!trash) return tl::unexpected(trash.error());
  return empty_trash(out, *trash);
}

}  // namespace

Result<ExpirePlan> plan_expire(const fs::path& out, const ExpireConfig& config,
                               const std::function<void(double)>& progress) {
  auto catalogue = read_catalogue(out, {.progress = progress});
  if (!catalogue) return tl::unexpected(catalogue.error());
  const auto free = free_space(out);
  if (!free) return tl::unexpected(free.error());
  ExpirePlan plan;
  plan.free_bytes = *free;
  plan.note = catalogue->note;
  std::vector<Expired> leftovers;
  for (const std::string& name : trash_in(out)) {
    leftovers.push_back({name, "leftover", 0, freed_by(out / name)});
    plan.frees += leftovers.back().bytes;
  }
  Planner(out, config, plan).plan(catalogue->entries);
  plan.expired.insert(plan.expired.begin(), leftovers.begin(), leftovers.end());
  return plan;
}

void carry_out(const fs::path& out, ExpirePlan& plan, const std::function<void(double)>& progress) {
  plan.frees = 0;
  for (size_t i = 0; i < plan.expired.size(); ++i) {
    if (progress) progress(static_cast<double>(i) / static_cast<double>(plan.expired.size()));
    Expired& one = plan.expired[i];
    if (auto removed = remove_one(out, one); !removed)
      one.failed = removed.error();
    else
      plan.frees += one.bytes;
  }
  plan.free_bytes = free_space(out).value_or(0);
}

}  // namespace callbot::recordings
