#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "recordings/checks.h"
#include "recordings/recording_folder.h"

namespace callbot::recordings {
namespace {

void check_state(const LoadedRecording& r, Findings& out) {
  if (r.manifest.state == "running") {
    out.add({.code = "not-finished",
             .severity = Severity::kWarn,
             .text = "the recording was cut off, or is still running"});
  }
  if (r.manifest.state == "failed") {
    out.add({.code = "failed",
             .severity = Severity::kFail,
             .text = "the recording ended with an error: " +
                     (r.manifest.ending ? r.manifest.ending->text : std::string())});
  }
  if (r.manifest_error) {
    out.add({.code = "manifest-damaged",
             .severity = Severity::kFail,
             .file = kManifest,
             .text = r.manifest_error->message});
  }
  if (r.journal_error) {
    out.add({.code = "journal-damaged",
             .severity = Severity::kWarn,
             .file = kJournal,
             .text = r.journal_error->message});
    return;
  }
  bool ends = false;
  for (const Event& e : r.events)
    ends = e.kind == EventKind::kEnded || (ends && e.kind != EventKind::kReopened);
  if (!r.open && !ends) {
    out.add({.code = "journal-damaged",
             .severity = Severity::kWarn,
             .file = kJournal,
             .text = "its end is missing"});
  }
}

void check_media_names(const fs::path& folder, const Manifest& m, Findings& out) {
  std::set<std::string> known;
  std::error_code ignored;
  for (const MediaFileFacts& f : m.media) {
    known.insert(f.path);
    if (is_there(folder / f.path)) continue;
    out.add({.code = "file-missing",
             .severity = Severity::kFail,
             .participant = f.participant,
             .file = f.path,
             .text = "the file is not there"});
  }
  for (const fs::path& file : entries_in(folder / "media")) {
    const auto name = "media/" + file.filename().string();
    if (known.count(name) != 0) continue;
    out.add({.code = "file-extra",
             .severity = Severity::kWarn,
             .file = name,
             .text = "the journal does not know this file"});
  }
}

Result<std::string> checksum_of(const fs::path& path, const Hashed& hashed) {
  for (FileHash hash(path, Links::kRefuse);;) {
    const uint64_t before = hash.done_bytes();
    auto sum = hash.step();
    if (!sum || !sum->empty()) return sum;
    if (!hashed(hash.done_bytes() - before))
      return fail(Code::kInterrupted, path.string() + ": stopped");
  }
}

bool stopped(const Result<std::string>& sum) {
  return !sum && sum.error().code == Code::kInterrupted;
}

// Not of one that is missing or empty: that is told already.
Result<> check_checksums(const fs::path& folder, const Manifest& m, const Hashed& hashed,
                         Findings& out) {
  for (const MediaFileFacts& f : m.media) {
    if (f.sha256.empty() || size_of(folder / f.path) == 0) continue;
    const auto sum = checksum_of(folder / f.path, hashed);
    if (stopped(sum)) return tl::unexpected(sum.error());
    if (sum && *sum == f.sha256) continue;
    out.add({.code = "checksum",
             .severity = Severity::kFail,
             .participant = f.participant,
             .file = f.path,
             .text = sum ? "the file is not what was written: its checksum differs"
                         : sum.error().message});
  }
  return {};
}

Result<> check_received(const fs::path& folder, const Manifest& m, const Hashed& hashed,
                        Findings& out) {
  for (const FileFacts& f : m.received) {
    const bool there = is_there(folder / f.path);
    const auto sum =
        there && hashed ? checksum_of(folder / f.path, hashed) : Result<std::string>(f.sha256);
    if (stopped(sum)) return tl::unexpected(sum.error());
    if (there && sum && *sum == f.sha256) continue;
    out.add({.code = there ? "file-changed" : "file-missing",
             .severity = Severity::kFail,
             .participant = f.participant,
             .file = f.path,
             .text = !there ? "the file is not there"
                     : sum  ? "the checksum is not the one of what was received"
                            : sum.error().message});
  }
  return {};
}

}  // namespace

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

Result<> check_folder(const fs::path& folder, const LoadedRecording& recording,
                      const Hashed& hashed, Findings& out) {
  check_state(recording, out);
  check_media_names(folder, recording.manifest, out);
  if (hashed) {
    if (auto done = check_checksums(folder, recording.manifest, hashed, out); !done) return done;
  }
  return check_received(folder, recording.manifest, hashed, out);
}

}  // namespace callbot::recordings
