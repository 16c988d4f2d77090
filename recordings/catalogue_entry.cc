#include "recordings/catalogue_entry.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "base/files.h"
#include "base/json.h"
#include "recordings/folder_lock.h"
#include "recordings/journal.h"
#include "recordings/manifest.h"
#include "recordings/recording_folder.h"
#include "recordings/verify.h"

namespace callbot::recordings {
namespace {

constexpr size_t kMostChat = 256u << 10;
constexpr uint64_t kMostVerdict = 16u << 20;

int64_t ns(const timespec& t) { return t.tv_sec * 1'000'000'000LL + t.tv_nsec; }

bool look(int out, const std::string& path, struct stat& s) {
  return fstatat(out, path.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0;
}

// What stands in verdict.json; "?" where that is not a verdict, "old" where something of what it
// was made from has changed since.
std::string read_verdict(const fs::path& folder) {
  const fs::path path = folder / "verdict.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return "";
  const auto text = read_file(path, kMostVerdict);
  const auto json = text ? Json::parse(*text, {.most_bytes = kMostVerdict}) : Result<Json>(Json());
  const std::string verdict = json ? json->at("verdict").text().value_or("?") : "?";
  if (verdict != "PASS" && verdict != "WARN" && verdict != "FAIL") return "?";
  return verdict_holds(folder) ? verdict : "old";
}

void walk(const fs::path& folder, const std::function<void(const struct stat&)>& each) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    struct stat s {};
    if (lstat(at->path().c_str(), &s) == 0) each(s);
  }
}

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  walk(folder, [&](const struct stat& s) {
    if (S_ISREG(s.st_mode)) bytes += static_cast<uint64_t>(s.st_size);
  });
  return bytes;
}

void add_chat(CatalogueEntry& entry, const Event& e) {
  if (e.sealed.value_or(false)) return;  // nor is it opened here: the index would hold it
  if (e.kind == EventKind::kChat && entry.chat.size() + e.text.size() < kMostChat)
    entry.chat += e.text + '\n';
}

// Journals are long: only lines that may be chat are parsed.
void find_chat(const fs::path& folder, CatalogueEntry& entry) {
  const auto journal = read_file(folder / kJournal, kMostJournalBytes);
  if (!journal) return;
  std::string_view rest = *journal;
  for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.find(R"("chat")") == std::string_view::npos) continue;
    if (const auto event = parse_event(line)) add_chat(entry, *event);
  }
}

void take_manifest(const Manifest& m, CatalogueEntry& entry) {
  entry.state = m.state;
  entry.room = m.facts.room;
  entry.label = m.facts.label;
  entry.started_wall_ns = m.started_wall_ns;
  entry.length_ns = m.duration_ns();
  for (const Participant& p : m.participants) {
    const bool known =
        std::find(entry.members.begin(), entry.members.end(), p.name) != entry.members.end();
    if (!p.recorder && !known) entry.members.push_back(p.name);
  }
}

// What a finished manifest says; of one that is not, what follows from its journal.
Result<> read_recording(const fs::path& folder, CatalogueEntry& entry) {
  const auto text = read_file(folder / kManifest, kMostManifestBytes);
  if (!text) return tl::unexpected(text.error());
  const auto manifest = parse_manifest(*text);
  if (!manifest) return tl::unexpected(Error(manifest.error()).in(kManifest));
  take_manifest(*manifest, entry);
  if (manifest->state != "running") {
    if (manifest->chat_messages > 0) find_chat(folder, entry);
    return {};
  }
  const auto loaded = load(folder);
  if (!loaded) return tl::unexpected(loaded.error());
  entry.members.clear();
  take_manifest(loaded->manifest, entry);
  for (const Event& e : loaded->events) add_chat(entry, e);
  entry.state = "running";  // its journal may have an end already: the manifest comes after it
  return {};
}

}  // namespace

Marked mark_of(int out, const std::string& name, bool with_journal) {
  Marked marked;
  struct stat s {};
  if (!look(out, name, s) || !S_ISDIR(s.st_mode)) return marked;
  size_t at = 0;
  const auto add = [&](const struct stat& of, bool size) {
    marked.mark[at++] = static_cast<int64_t>(of.st_ino);
    marked.mark[at++] = ns(of.st_ctim);
    if (size) marked.mark[at++] = of.st_size;
    marked.newest_ns = std::max(marked.newest_ns, ns(of.st_ctim));
  };
  add(s, false);
  if (!look(out, name + "/" + kManifest, s) || !S_ISREG(s.st_mode)) return marked;
  marked.is_recording = true;
  add(s, true);
  if (with_journal && look(out, name + "/" + kJournal, s)) add(s, true);
  return marked;
}

void touch_recording(const fs::path& folder) {
  (void)utimensat(AT_FDCWD, folder.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
}

CatalogueEntry read_entry(const fs::path& folder) {
  CatalogueEntry entry;
  entry.name = folder.filename().string();
  const auto problem = [&](const Error& error) {
    if (entry.error.empty()) entry.error = error.message;
  };
  if (const auto read = read_recording(folder, entry); !read) {
    entry.state = "unreadable";
    problem(read.error());
  }
  entry.bytes = bytes_in(folder);
  if (entry.state != "unreadable") entry.verdict = read_verdict(folder);
  if (auto annotations = load_annotations(folder))
    entry.annotations = std::move(*annotations);
  else
    problem(annotations.error());
  if (entry.state == "running") entry.state = open_state(folder);
  return entry;
}

uint64_t freed_by(const fs::path& folder) {
  uint64_t blocks = 0;
  walk(folder, [&](const struct stat& s) {
    if (S_ISDIR(s.st_mode) || s.st_nlink == 1) blocks += static_cast<uint64_t>(s.st_blocks);
  });
  return blocks * 512;  // stat(2): st_blocks counts 512 bytes
}

}  // namespace callbot::recordings
