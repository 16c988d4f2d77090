// bot/open_recordings.h: finishes the recordings that lie open below a folder, in the background:
// those of processes that were killed.
//
// Thread:  loop; the work happens on a thread of its own.
// Owner:   the verb that records. Its destructor stops the work where it is; what is left over is
//          for the next time.
// Fails:   on the console; nobody has to wait for it.
#pragma once

#include <atomic>
#include <memory>

#include "base/alive.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/worker.h"
#include "bot/console.h"
#include "recordings/repair.h"

namespace callbot::bot {

class OpenRecordings {
 public:
  OpenRecordings(Loop& loop, Console& console) : loop_(loop), console_(console) {}
  ~OpenRecordings() { *stop_ = true; }

  // Those that another process writes are left alone.
  void finish(const fs::path& out);

 private:
  void begun(const fs::path& folder);
  void finished(const Result<recordings::RepairReport>& report);

  Loop& loop_;
  Console& console_;
  std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Worker> worker_;  // once there is something to do
  Alive alive_;
};

}  // namespace callbot::bot
