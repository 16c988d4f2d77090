#include "recordings/repair.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "recordings/aside.h"
#include "recordings/journal.h"
#include "recordings/owed_verdict.h"
#include "recordings/recording_folder.h"
#include "recordings/sealed_file.h"
#include "recordings/speakers.h"

namespace callbot::recordings {
namespace {

constexpr uint64_t kLittleSpace = 4u << 20;  // bytes
constexpr const char* kSocket = "control.sock";

class Repair {
 public:
  Repair(fs::path folder, const RepairProgress& progress, Locked locked)
      : folder_(std::move(folder)), progress_(progress), locked_(locked) {
    report_.folder = folder_.string();
  }

  Result<RepairReport> run() {
    auto locked = lock();
    if (!locked) return tl::unexpected(locked.error());
    if (report_.busy) return report_;
    if (auto read = this->read(); !read) return tl::unexpected(read.error());
    if (auto keys = check_keys(); !keys) return tl::unexpected(keys.error());
    if (auto mended = mend(); !mended) return tl::unexpected(mended.error());
    tell_what_was_mended();
    if (auto written = write(); !written) return tl::unexpected(written.error());
    const auto settled = mender_->settle();
    if (!settled) return tl::unexpected(settled.error());
    report_.changed = report_.changed || *settled;
    report_.state = loaded_.manifest.state;
    return report_;
  }

 private:
  bool there(const char* name) const {
    std::error_code ignored;
    return fs::exists(folder_ / name, ignored);
  }

  Result<> lock() {
    if (!there(kJournal)) {
      if (there(kManifest)) return {};
      return tl::unexpected(no_recording(folder_, "manifest.json and no journal.jsonl"));
    }
    auto taken = LockedJournal::take(folder_ / kJournal);
    if (taken) {
      lock_.emplace(std::move(*taken));
    } else if (taken.error().code == Code::kDenied) {
      report_.busy = true;
      report_.state = "running";
    } else {
      return tl::unexpected(taken.error());
    }
    return {};
  }

  Result<> read() {
    journal_ = read_journal(folder_ / kJournal);
    auto loaded = load(folder_, journal_);
    if (!loaded) return tl::unexpected(loaded.error());
    if (journal_.error && !journal_.missing && journal_.unreadable_lines == 0)
      return tl::unexpected(*journal_.error);
    loaded_ = std::move(*loaded);
    report_.was_open = loaded_.open;
    if (loaded_.manifest_error)
      report_.notes.push_back(loaded_.manifest_error->message +
                              "; what the journal says is taken instead");
    if (journal_.missing) report_.notes.emplace_back("journal.jsonl is missing");
    if (journal_.unreadable_lines > 0)
      report_.notes.push_back(fmt::format("journal: {} could not be read, the first one: {}",
                                          counted(journal_.unreadable_lines, "line"),
                                          journal_.error->message));
    if (journal_.cut_bytes > 0)
      report_.notes.push_back(fmt::format("journal: its last line was cut off ({})",
                                          counted(journal_.cut_bytes, "byte")));
    return {};
  }

  // Before anything is changed.
  Result<> check_keys() const {
    if (locked_ == Locked::kLeave) return {};
    const Manifest& m = loaded_.manifest;
    for (const MediaFileFacts& f : m.media) {
      const fs::path path = folder_ / f.path;
      auto key = check_key(path);
      if (key || (!f.sha256.empty() && sha256_file(path).value_or("") == f.sha256)) continue;
      return key;
    }
    if (!loaded_.open) return {};
    for (const fs::path& file : entries_in(folder_ / "media")) {
      if (auto key = check_key(file); !key) return key;
    }
    return {};
  }

  Result<> mend() {
    // Held back for a disk that is full.
    std::error_code ignored;
    const auto free = free_space(folder_);
    if (free && *free < kLittleSpace && fs::remove(folder_ / kReserve, ignored))
      report_.changed = true;
    mender_ = std::make_unique<MediaMender>(folder_, loaded_.manifest, loaded_.open, locked_);
    double shown = -1;
    for (;;) {
      auto done = mender_->step();
      if (!done) return tl::unexpected(done.error());
      if (*done) break;
      const double share = mender_->share();
      if (!progress_ || share - shown < 0.01) continue;
      shown = share;
      if (!progress_(share)) return fail(Code::kInterrupted, folder_.string() + ": interrupted");
    }
    report_.files = mender_->files();
    for (const MendedFile& f : report_.files) report_.changed = report_.changed || f.touched;
    return {};
  }

  void tell(Event event, int64_t wall_ns) {
    event.wall_ns = std::min(wall_ns, kLatestWallNs);
    apply(loaded_.manifest, event);
    lines_ += to_line(event) + "\n";
  }

  // Everything happens at the end of what is kept: the clock of the call stood still since.
  void tell_what_was_mended() {
    Manifest& m = loaded_.manifest;
    const int64_t end =
        m.started_wall_ns + std::max({m.duration_ns(), m.last_known_ns, mender_->end_ns()});
    if (journal_.missing && (loaded_.open || report_.changed))
      tell({.kind = EventKind::kStarted, .version = kFormatVersion}, m.started_wall_ns);
    for (Event& event : mender_->events()) {
      // But for one whose frames could not be counted when it ended.
      if (event.kind == EventKind::kTrackEnded && !loaded_.open && event.wall_ns == 0) continue;
      tell(event, event.wall_ns != 0 ? event.wall_ns : end);
    }
    if (!loaded_.open || m.state != "running") return;
    tell_of_half_files(end);
    const auto fatal = std::find_if(m.failures.begin(), m.failures.end(), [](const Failure& f) {
      return f.participant.empty() && f.code == name_of(Code::kStorage);
    });
    if (fatal != m.failures.end())
      tell({.kind = EventKind::kEnded, .reason = "error", .text = fatal->text, .by = "recorder"},
           end);
    else
      tell({.kind = EventKind::kEnded, .reason = "repaired", .by = "recorder"}, end);
  }

  // Members' files that were on their way.
  void tell_of_half_files(int64_t end) {
    std::vector<std::string> halves;
    for (const fs::path& file : entries_in(folder_ / "files")) {
      auto path = "files/" + file.filename().string();
      const bool told = std::any_of(loaded_.events.begin(), loaded_.events.end(),
                                    [&](const Event& e) { return e.path == path; });
      if (file.extension() == ".part" && !told && path == printable(path, 4096))
        halves.push_back(std::move(path));
    }
    for (const std::string& path : halves) {
      report_.notes.push_back(path + " did not arrive whole");
      tell({.kind = EventKind::kFileRefused,
            .name = fs::path(path).stem().string(),
            .reason = "the recording was cut off",
            .path = path},
           end);
    }
  }

  Result<> write() {
    std::error_code ignored;
    const bool damaged = journal_.unreadable_lines > 0 || journal_.cut_bytes > 0;
    if (!lines_.empty() || damaged) {
      if (auto written = write_journal(damaged); !written) return written;
      report_.changed = true;
    }
    const std::string text = to_text(loaded_.manifest);
    const auto before = read_file(folder_ / kManifest, kMostManifestBytes);
    const bool new_manifest = loaded_.open || loaded_.manifest_error || !lines_.empty();
    // Who had ended it was killed before anybody judged it. Of one whose manifest was damaged
    // later that is not known, unless it was never judged.
    if (loaded_.open && !(loaded_.manifest_error && there("verdict.json"))) owe_verdict(folder_);
    if (new_manifest && (!before || *before != text)) {
      if (loaded_.manifest_error && there(kManifest)) keep_aside(kManifest);
      if (auto written = write_atomically(folder_ / kManifest, text); !written) return written;
      report_.changed = true;
      if (auto spoken = write_speakers(folder_, loaded_.manifest); !spoken) return spoken;
    }
    if (fs::remove(folder_ / kReserve, ignored)) report_.changed = true;
    // Who had it is dead: we hold the journal's lock.
    if (lock_ && fs::is_socket(folder_ / kSocket, ignored) &&
        fs::remove(folder_ / kSocket, ignored))
      report_.changed = true;
    return {};
  }

  Result<> write_journal(bool damaged) {
    if (journal_.missing) {
      auto made = LockedJournal::create(folder_ / kJournal);
      if (!made) return tl::unexpected(made.error());
      lock_.emplace(std::move(*made));
    }
    if (damaged) {
      // A copy: the journal itself never goes away.
      const auto bytes = read_file(folder_ / kJournal, kMostJournalBytes);
      if (!bytes) return tl::unexpected(bytes.error());
      const auto to = free_name_in_damaged(folder_, kJournal);
      if (auto copied = write_atomically(folder_ / to, *bytes); !copied) return copied;
      report_.notes.push_back("the journal as it was is kept as " + to);
      return lock_->replace(journal_.lines + lines_);
    }
    if (auto appended = lock_->append(lines_); !appended) return appended;
    if (auto synced = lock_->sync(); !synced) return synced;
    return sync_path(folder_);
  }

  void keep_aside(const char* name) {
    const auto to = move_aside(folder_, name);
    if (!to.empty()) report_.notes.push_back(fmt::format("{} as it was is kept as {}", name, to));
  }

  const fs::path folder_;
  const RepairProgress& progress_;
  const Locked locked_;
  RepairReport report_;
  std::optional<LockedJournal> lock_;
  LoadedRecording loaded_;
  Journal journal_;
  std::unique_ptr<MediaMender> mender_;
  std::string lines_;
};

// Both ends of a manifest that says that it was ended: the state stands in the third line.
bool says_ended(std::ifstream& manifest) {
  std::string head(256, '\0');
  manifest.read(head.data(), static_cast<std::streamsize>(head.size()));
  manifest.clear();
  std::string tail(2, '\0');
  manifest.seekg(-2, std::ios::end);
  manifest.read(tail.data(), 2);
  const auto says = [&](const char* text) { return head.find(text) != std::string::npos; };
  return tail == "}\n" && says("\"callbot-recording\"") &&
         (says("\"finished\"") || says("\"failed\""));
}

}  // namespace

bool RepairReport::complete() const {
  return std::all_of(files.begin(), files.end(), [](const MendedFile& f) {
    return (f.what == Mended::kWhole || f.what == Mended::kSwapped || f.what == Mended::kMended) &&
           f.unusable == 0 && f.missing_ns == 0;
  });
}

Result<RepairReport> repair(const fs::path& folder, const RepairProgress& progress, Locked locked) {
  return Repair(folder, progress, locked).run();
}

// Where they are as they should be only its ends are read: there may be thousands.
bool is_open(const fs::path& folder) {
  std::error_code ignored;
  const bool has_journal = fs::exists(folder / kJournal, ignored);
  if (!open_file(folder / kManifest)) return has_journal;
  std::ifstream file(folder / kManifest, std::ios::binary);
  if (says_ended(file)) return false;
  const auto text = read_file(folder / kManifest, kMostManifestBytes);
  const auto manifest = text ? parse_manifest(*text) : tl::unexpected(text.error());
  if (manifest) return manifest->state == "running";
  return has_journal && manifest.error().code == Code::kBadInput;
}

std::vector<fs::path> open_recordings(const fs::path& out) {
  std::vector<fs::path> open;
  std::error_code ignored;
  for (fs::path& entry : entries_in(out)) {
    if (fs::is_directory(entry, ignored) && is_open(entry)) open.push_back(std::move(entry));
  }
  return open;
}

std::string to_text(const RepairReport& report) {
  if (report.busy) return report.folder + ": is being written by another process; left as it is";
  std::string text =
      fmt::format("{}: {}{}", report.folder, report.changed ? "repaired" : "nothing to be done",
                  report.state.empty() ? "" : ", " + report.state);
  for (const std::string& note : report.notes) text += "\n  " + printable(note, 400);
  for (const MendedFile& f : report.files) {
    text += fmt::format("\n  {:<11}{}: {}", name_of(f.what), f.file, f.text);
    if (!f.moved_to.empty()) text += fmt::format("; the damaged one is kept as {}", f.moved_to);
  }
  return text;
}

Json to_json(const RepairReport& report) {
  Json files = Json::array();
  for (const MendedFile& f : report.files) {
    files.add(Json::object()
                  .set("file", f.file)
                  .set("result", name_of(f.what))
                  .set_if(f.frames > 0, "frames", f.frames)
                  .set("duration_s", static_cast<double>(f.duration_ns) / 1e9)
                  .set("unusable_bytes", f.unusable)
                  .set("missing_s", static_cast<double>(f.missing_ns) / 1e9)
                  .set_if(!f.moved_to.empty(), "moved_to", f.moved_to)
                  .set("text", f.text));
  }
  Json notes = Json::array();
  for (const std::string& note : report.notes) notes.add(note);
  return Json::object()
      .set("format", "callbot-repair")
      .set("version", 1)
      .set("folder", report.folder)
      .set("busy", report.busy)
      .set("changed", report.changed)
      .set("was_open", report.was_open)
      .set("state", report.state)
      .set("complete", report.complete())
      .set("files", files)
      .set("notes", notes);
}

}  // namespace callbot::recordings
