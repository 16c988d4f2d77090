// bot/open_recordings.h: finishes the recordings that lie open below a folder, in the background:
// those of processes that were killed. What is finished is judged, and given to --on-finish.
//
// Thread:  loop; the work happens on a thread of its own, behind everything else (nice 19).
// Owner:   the verb that records. Its destructor stops the work where it is; what is left over is
//          for the next time.
// Fails:   on the console; nobody has to wait for it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
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
  void judged(const fs::path& folder, const std::string& verdict);

  Loop& loop_;
  Console& console_;
  const std::string on_finish_;
  std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Worker> worker_;  // once there is something to do
  Alive alive_;
};

// Judges what was repaired and saves the verdict: PASS, WARN, FAIL, or UNMEASURED where it cannot
// be judged or `go_on` says no. Worker.
std::string judge_repaired(const fs::path& folder, const std::function<bool()>& go_on);
void tell_judged(Console& console, const fs::path& folder, const std::string& verdict);

}  // namespace callbot::bot
