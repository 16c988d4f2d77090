// bot/open_recordings.h: finishes the recordings that lie open below a folder, in the background:
// those of processes that were killed. What is finished is judged, and given to --on-finish; so is
// what its process had finished, and then died before that.
//
// Thread:  loop; the work happens on a thread of its own, behind everything else (nice 19).
// Owner:   the verb that records. Its destructor stops the work where it is; what is left over is
//          for the next time.
// Fails:   on the console; nobody has to wait for it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/alive.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/worker.h"
#include "bot/console.h"
#include "recordings/repair.h"

namespace callbot::bot {

class OpenRecordings {
 public:
  // `on_finish`: a program, as of record; may be empty.
  OpenRecordings(Loop& loop, Console& console, std::string on_finish)
      : loop_(loop), console_(console), on_finish_(std::move(on_finish)) {}
  ~OpenRecordings() { *stop_ = true; }

  // Those that another process writes are left alone.
  void finish(const fs::path& out);

 private:
  void begun(const fs::path& folder);
  void finished(const Result<recordings::RepairReport>& report);
  void judging(const fs::path& folder);
  void judged(const fs::path& folder, const std::string& verdict);

  Loop& loop_;
  Console& console_;
  const std::string on_finish_;
  std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Worker> worker_;  // once there is something to do
  Alive alive_;
};

struct Judged {
  std::string verdict;  // PASS, WARN, FAIL, or UNMEASURED where it cannot be judged
  bool locked = false;  // encrypted to a key that is not known here: who has it can judge it
  Result<> kept = {};   // kStorage: media could not be read, or verdict.json not written
};
// Judges a recording and saves the verdict, unless one holds. kInterrupted where `go_on` says no.
// Worker.
Result<Judged> judge_and_save(const fs::path& folder, const std::function<bool(double)>& go_on,
                              int threads = 1);
// What becomes of one that was interrupted: with kUnmeasured somebody waits, and is given what
// there is, kept or not.
enum class Interrupted { kStaysOwed, kUnmeasured };
// The verdict that a recording owes, to be given to --on-finish by the caller, who is the only one
// to get it. None: nothing is owed any more, somebody else is at it, or it stays owed since it
// could not be kept. What is locked is UNMEASURED: who records has no key, today or later. Worker.
std::optional<std::string> judge_owed(const fs::path& folder,
                                      const std::function<bool(double)>& go_on,
                                      Interrupted interrupted = Interrupted::kStaysOwed);
void tell_judged(Console& console, const fs::path& folder, const std::string& verdict);

}  // namespace callbot::bot
