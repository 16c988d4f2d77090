// bot/recorder_process.h: one process that records a room: `callbot record --restart`.
//
// Thread:  loop.
// Owner:   RoomRecorders. The destructor asks the process to end (SIGTERM) and waits for nothing.
// Fails:   start(), if it cannot be started; later through the exit status.
#pragma once

#include <gio/gio.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/error.h"
#include "base/gref.h"
#include "base/line_reader.h"
#include "base/loop.h"
#include "bot/options.h"

namespace callbot::bot {

struct RecorderCommand {
  std::string program = "/proc/self/exe";  // callbot: a call to ourselves
  std::filesystem::path out;
  std::string base_url;  // "ws://127.0.0.1:8080"
  std::string token;
  std::string on_finish;
  DiskLimits disk;
  bool json = false;
  std::vector<std::string> rules;  // flags for record: how a recording goes on and ends
  std::chrono::milliseconds empty_for{0};
};

class RecorderProcess {
 public:
  struct Events {
    // It has left the room for good, with `reason` in its manifest (FORMAT.md) or "died"; the
    // recording is still to be judged and given to --on-finish. At most once.
    std::function<void(RecorderProcess&, const std::string& reason)> left;
    // As of waitpid(2); what it had told came before. Last; it may be destroyed then.
    std::function<void(RecorderProcess&, int status)> ended;
  };

  // `asked_in`: another recording of this call; what was asked of it holds on. May be empty.
  static Result<std::unique_ptr<RecorderProcess>> start(const RecorderCommand& command,
                                                        const std::string& room,
                                                        const std::filesystem::path& asked_in,
                                                        Events events);
  ~RecorderProcess();

  void terminate();
  // That it records into; empty before it has joined.
  const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit RecorderProcess(Events events) : events_(std::move(events)) {}
  void listen(Descriptor told);
  void hear();
  void has_ended();

  Events events_;
  GRef<GSubprocess> process_;
  LineReader told_;
  std::filesystem::path folder_;
  Readable readable_;
  Alive alive_;
};

}  // namespace callbot::bot
