// bot/room_recorders.h: one recorder process for every room that has members.
//
// A call is recorded in a process of its own, because what a peer sends can end the process that
// takes it in; the server and the other rooms go on, and a recorder that died is started again
// while its room has members. What was asked of it (pauses, patterns) holds in the recording that
// the next one begins.
//
// Thread:  loop.
// Owner:   Serve.
// Fails:   a recorder that cannot be started is said on the console and tried again.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/log.h"
#include "base/loop.h"
#include "bot/console.h"
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

class RoomRecorders {
 public:
  RoomRecorders(Loop& loop, Console& console, RecorderCommand command,
                uint64_t free = std::numeric_limits<uint64_t>::max());
  ~RoomRecorders();

  void opened(const std::string& room);
  void emptied(const std::string& room);
  // So much is free on the disk: below the reserve no recorder is started, until there is.
  void disk(uint64_t free);
  // Ends every recorder and waits until each has finished and judged its recording.
  void stop(std::function<void()> done);

 private:
  struct Process;
  void start(const std::string& room);
  bool has_space(const std::string& room, Process& process);
  void ended(const std::string& room, int status);

  Loop& loop_;
  Console& console_;
  Log log_{"recorders"};
  RecorderCommand command_;
  std::map<std::string, std::unique_ptr<Process>> rooms_;
  uint64_t free_ = 0;
  std::function<void()> stopped_;
  Alive alive_;
};

}  // namespace callbot::bot
