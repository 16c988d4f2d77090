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
#include "bot/recorder_process.h"

namespace callbot::bot {

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
  struct Room;
  void start(const std::string& room);
  bool has_space(const std::string& room, Room& r);
  void left(const std::string& room, RecorderProcess& process, const std::string& reason);
  void ended(const std::string& room, RecorderProcess& process, int status);
  void next(const std::string& room, bool failed);
  void check_stopped();

  Loop& loop_;
  Console& console_;
  Log log_{"recorders"};
  RecorderCommand command_;
  std::map<std::string, std::unique_ptr<Room>> rooms_;     // with members, or a recorder
  std::vector<std::unique_ptr<RecorderProcess>> judging_;  // have left their rooms
  uint64_t free_ = 0;
  std::function<void()> stopped_;
  Alive alive_;
};

}  // namespace callbot::bot
