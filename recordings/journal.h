// recordings/journal.h: journal.jsonl as a file: who may write it, and what can be read of it.
//
// Whoever writes a recording, or repairs it, holds an advisory lock (flock) on its journal; the
// kernel lets go of it when the process dies.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   kStorage; kDenied where another process holds the lock.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "recordings/event.h"

namespace callbot::recordings {

constexpr uint64_t kMostJournalBytes = 1u << 30;

class LockedJournal {
 public:
  // Must not be there yet.
  static Result<LockedJournal> create(const std::filesystem::path& path);
  // Must be there. Writes go to its end.
  static Result<LockedJournal> take(const std::filesystem::path& path);
  // Puts a new file with this text in its place; the lock goes over to that.
  Result<> replace(const std::string& text);
  Result<> append(const std::string& text);
  Result<> sync() const;
  int fd() const { return file_.get(); }
  const std::string& path() const { return path_; }

 private:
  LockedJournal(int fd, std::string path) : file_(fd), path_(std::move(path)) {}
  Descriptor file_;
  std::string path_;
};

// What a journal says. Lines that are no events are left out; a last line without its end is a
// write that a kill cut off, and no mistake. A time that lies after the journal's last write is
// a damaged one, and the line takes that of the one before: else a flipped digit makes a recording
// a year long.
struct Journal {
  bool missing = false;
  std::vector<Event> events = {};
  std::string lines = {};         // those of the events, as they are, but for damaged times
  uint64_t unreadable_lines = 0;  // that are no events, or of a damaged time
  uint64_t cut_bytes = 0;         // of a last line without its end
  std::optional<Error> error = {};
  // No time of this recording is after it: an hour after the file was written. Not known where the
  // file's time is of another clock.
  std::optional<int64_t> latest_ns = {};
};
Journal read_journal(const std::filesystem::path& path);

}  // namespace callbot::recordings
