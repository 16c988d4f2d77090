#include "recordings/resume.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/recording_folder.h"
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
  look(folder / kJournal);
  for (const fs::path& file : entries_in(folder / "media")) look(file);
  return last;
}

std::map<std::string, MediaName> last_names(const fs::path& folder, const Manifest& m) {
  std::map<std::string, MediaName> all;
  for (const MediaFileFacts& f : m.media) {
    const auto one = parse_media_name(f.path);
    MediaName& last = all.try_emplace(f.participant, one).first->second;
    if (last.stem == one.stem) last.number = std::max(last.number, one.number);
  }
  for (const fs::path& file : entries_in(folder / "media")) {
    const auto one = parse_media_name(file);
    for (auto& [participant, last] : all) {
      if (last.stem == one.stem) last.number = std::max(last.number, one.number);
    }
  }
  return all;
}

struct TakenJournal {
  LockedJournal ours;
  Journal read;
};

Result<TakenJournal> take_journal(const fs::path& folder) {
  auto ours = LockedJournal::take(folder / kJournal);
  if (!ours) return tl::unexpected(ours.error());
  return TakenJournal{std::move(*ours), read_journal(folder / kJournal)};
}

// As it is, or as repair() makes it, which takes it itself.
Result<TakenJournal> take_whole(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / kJournal, ignored)) {
    auto taken = take_journal(folder);
    if (!taken || (taken->read.unreadable_lines == 0 && taken->read.cut_bytes == 0)) return taken;
  }
  const auto repaired = repair(folder, {}, Locked::kLeave);
  if (!repaired) return tl::unexpected(repaired.error());
  return take_journal(folder);
}

}  // namespace

Result<Resumed> prepare_to_resume(const fs::path& folder) {
  auto journal = take_whole(folder);
  if (!journal) return tl::unexpected(journal.error());
  auto loaded = load(folder, journal->read);
  if (!loaded) return tl::unexpected(loaded.error());
  Resumed r{.journal = std::move(journal->ours), .beginning = {}, .manifest = loaded->manifest};
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
  r.last_files = last_names(folder, r.manifest);
  r.mender = std::make_unique<MediaMender>(folder, r.manifest, loaded->open, Locked::kLeave);
  return r;
}

}  // namespace callbot::recordings
