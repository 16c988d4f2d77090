// recordings/keeper.h: the one thread of a recording that does what may take long and must stall
// neither the loop nor a writer: it appends journal lines, writes received files and fdatasyncs.
//
// Thread:  any, but for close().
// Owner:   Recording. Destroying it writes the lines it has, leaves chores undone and joins
//          its thread.
// Fails:   kStorage; the first failure is kept, error() says it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "recordings/journal.h"
#include "recordings/media_file.h"

namespace callbot::recordings {

class Keeper {
 public:
  Keeper(LockedJournal journal, std::chrono::milliseconds sync_every);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // One journal line, in the order given.
  void line(std::string text);
  void job(std::function<void()> job);
  // A long job, in steps of a few milliseconds: called between lines and jobs until it returns
  // true. One after the other; the next one begins when everything before it is done.
  void chore(std::function<bool()> step);
  // A file or folder (the names in it) that is synced on the next beat.
  void sync_later(std::filesystem::path path);
  // Synced on the beat, and once more after everybody else has let go of it.
  void keep_safe(std::shared_ptr<MediaFile> file);

  std::optional<Error> error() const;
  // Does what is waiting, syncs, and takes nothing more.
  Result<> close();
  // The same, but for the chores. For an owner whose jobs still look for the keeper.
  void drop();

 private:
  void work();
  void append(const std::string& lines);
  void sync();
  void failed(Error error);

  const LockedJournal journal_;
  const std::chrono::milliseconds sync_every_;
  off_t whole_;               // bytes of whole lines; the thread's own
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable more_;
  std::string lines_;
  std::deque<std::function<void()>> jobs_;
  std::deque<std::function<bool()>> chores_;
  std::set<std::filesystem::path> unsynced_;
  std::vector<std::shared_ptr<MediaFile>> files_;
  std::optional<Error> error_;
  bool closing_ = false;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace callbot::recordings
