#include "recordings/resume.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"
#include "recordings/repair.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// While media comes there is an anchor every 10 s: the folder was touched later by somebody else.
constexpr int64_t kMostSilenceNs = 15 * kSecond;

// When something was last written into the folder, on the wall clock.
int64_t last_written(const fs::path& folder) {
  int64_t last = 0;
  const auto look = [&](const fs::path& path) {
    struct stat s {};
    if (stat(path.c_str(), &s) == 0)
      last = std::max(last, s.st_mtim.tv_sec * kSecond + s.st_mtim.tv_nsec);
  };
  std::error_code ignored;
  look(folder / "journal.jsonl");
  for (const auto& entry : fs::directory_iterator(folder / "media", ignored)) look(entry.path());
  return last;
}

// "media/alice-12.mkv" -> "alice" and 12.
Resumed::Files split(const fs::path& path) {
  const std::string stem = path.stem().string();
  const size_t dash = stem.rfind('-');
  if (dash == std::string::npos) return {stem, 0};
  return {stem.substr(0, dash), std::atoi(stem.c_str() + dash + 1)};
}

std::map<std::string, Resumed::Files> files_of(const fs::path& folder, const Manifest& m) {
  std::map<std::string, Resumed::Files> all;
  for (const MediaFileFacts& f : m.media) {
    const auto one = split(f.path);
    auto& files = all.try_emplace(f.participant, one).first->second;
    if (files.stem == one.stem) files.count = std::max(files.count, one.count);
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "media", ignored)) {
    const auto one = split(entry.path());
    for (auto& [participant, files] : all) {
      if (files.stem == one.stem) files.count = std::max(files.count, one.count);
    }
  }
  return all;
}

}  // namespace

Result<Resumed> prepare_to_resume(const fs::path& folder) {
  const Journal read = read_journal(folder / "journal.jsonl");
  const bool damaged = read.missing || read.unreadable_lines > 0 || read.cut_bytes > 0;
  if (damaged) {
    const auto repaired = repair(folder, {}, Locked::kLeave);
    if (!repaired) return tl::unexpected(repaired.error());
  }
  auto journal = LockedJournal::take(folder / "journal.jsonl");
  if (!journal) return tl::unexpected(journal.error());
  auto loaded = load(folder);
  if (!loaded) return tl::unexpected(loaded.error());
  Resumed r{.journal = std::move(*journal), .beginning = {}, .manifest = loaded->manifest};
  r.beginning.software = "callbot " CALLBOT_VERSION;
  r.beginning.facts = r.manifest.facts;
  r.beginning.encryption = r.manifest.encryption;
  r.beginning.started_wall_ns = r.manifest.started_wall_ns;
  Manifest replayed = r.beginning;
  for (const Event& event : loaded->events) apply(replayed, event);
  if (replayed.media.size() < r.manifest.media.size())
    return fail(Code::kBadInput, folder.string() +
                                     ": cannot go on: its journal does not hold everything that "
                                     "its manifest does");
  r.was_open = loaded->open;
  r.asked = asked_by(loaded->events);
  r.until_ns = r.manifest.duration_ns();
  if (!r.manifest.ended_wall_ns)
    r.until_ns = std::clamp(last_written(folder) - r.manifest.started_wall_ns, r.until_ns,
                            r.until_ns + kMostSilenceNs);
  for (const Track& t : r.manifest.tracks) r.last_track = std::max(r.last_track, t.id);
  r.files = files_of(folder, r.manifest);
  r.mender = std::make_unique<MediaMender>(folder, r.manifest, loaded->open, Locked::kLeave);
  return r;
}

}  // namespace callbot::recordings
