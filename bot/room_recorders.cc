#include "bot/room_recorders.h"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>

#include "bot/disk_watch.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstRetry = 200ms;
constexpr auto kLongestRetry = 10s;
constexpr auto kLinger = 5s;

}  // namespace

struct RoomRecorders::Room {
  std::unique_ptr<RecorderProcess> recorder;  // in the call, or on its way
  bool wanted = true;                         // the room has members
  bool waits_for_space = false;
  int failures = 0;   // in a row: died, or could not join or write
  fs::path asked_in;  // the recording before: what was asked of it holds in the next one
  Timer retry;
  Timer linger;
};

RoomRecorders::RoomRecorders(Loop& loop, Console& console, RecorderCommand command, uint64_t free)
    : loop_(loop), console_(console), command_(std::move(command)), free_(free) {}

RoomRecorders::~RoomRecorders() = default;

void RoomRecorders::opened(const std::string& room) {
  if (stopped_) return;
  auto& r = rooms_[room];
  if (!r) r = std::make_unique<Room>();
  r->wanted = true;
  r->linger.stop();
  if (!r->recorder) start(room);
}

void RoomRecorders::emptied(const std::string& room) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return;
  Room& r = *found->second;
  r.wanted = false;
  r.retry.stop();
  if (!r.recorder) {
    rooms_.erase(found);
    return;
  }
  // It ends by itself (--until-empty), unless it had not even seen the last member.
  r.linger.once(kLinger + command_.empty_for, [&r] { r.recorder->terminate(); });
}

void RoomRecorders::disk(uint64_t free) {
  free_ = free;
  if (free < command_.disk.reserve || stopped_) return;
  for (auto& [room, r] : rooms_) {
    if (!std::exchange(r->waits_for_space, false)) continue;
    r->retry.once(0ms, [this, room = room] { start(room); });
  }
}

// Says it once for each time that a room has to wait.
bool RoomRecorders::has_space(const std::string& room, Room& r) {
  const auto enough = enough_to_begin(command_.disk, command_.out, free_);
  if (enough) return true;
  if (!std::exchange(r.waits_for_space, true))
    console_.event("disk-low", fmt::format("room {}: {}", room, enough.error().message),
                   disk_facts(command_.disk, command_.out, free_).set("room", room));
  return false;
}

void RoomRecorders::start(const std::string& room) {
  Room& r = *rooms_.at(room);
  if (!has_space(room, r)) return;
  RecorderProcess::Events events;
  events.left = [this, room](RecorderProcess& process, const std::string& reason) {
    left(room, process, reason);
  };
  events.ended = [this, room](RecorderProcess& process, int status) {
    ended(room, process, status);
  };
  auto started = RecorderProcess::start(command_, room, r.asked_in, std::move(events));
  if (started) {
    r.recorder = std::move(*started);
    return;
  }
  log_.error("room {}: {}", room, started.error().message);
  next(room, true);
}

void RoomRecorders::left(const std::string& room, RecorderProcess& process,
                         const std::string& reason) {
  Room& r = *rooms_.at(room);
  // Who comes into an empty room is in another call.
  r.asked_in = reason == "empty" ? fs::path() : process.folder();
  judging_.push_back(std::move(r.recorder));
  next(room, reason == "died" || reason == "error" || reason == "disk-low");
}

void RoomRecorders::ended(const std::string& room, RecorderProcess& process, int status) {
  if (WIFSIGNALED(status))
    console_.event("recorder-died", fmt::format("room {}: signal {}", room, WTERMSIG(status)),
                   Json::object().set("room", room).set("signal", WTERMSIG(status)));
  if (std::erase_if(judging_, [&](const auto& p) { return p.get() == &process; }) > 0)
    return check_stopped();
  Room& r = *rooms_.at(room);
  if (!process.folder().empty()) r.asked_in = process.folder();
  r.recorder = nullptr;
  next(room, true);
}

// The room has no recorder any more.
void RoomRecorders::next(const std::string& room, bool failed) {
  Room& r = *rooms_.at(room);
  r.linger.stop();
  r.failures = failed ? r.failures + 1 : 0;
  if (!r.wanted || stopped_) {
    rooms_.erase(room);
    return check_stopped();
  }
  const auto wait = std::min<std::chrono::milliseconds>(
      kFirstRetry * (1 << std::min(r.failures, 10)), kLongestRetry);
  r.retry.once(failed ? wait : 0ms, [this, room] { start(room); });
}

void RoomRecorders::stop(std::function<void()> done) {
  auto report = alive_.guard(std::move(done));
  stopped_ = [this, report] { loop_.post([report]() mutable { report(); }); };
  std::erase_if(rooms_, [](const auto& room) { return !room.second->recorder; });
  for (auto& [room, r] : rooms_) r->recorder->terminate();
  for (auto& process : judging_) process->terminate();
  check_stopped();
}

void RoomRecorders::check_stopped() {
  if (stopped_ && rooms_.empty() && judging_.empty()) stopped_();
}

}  // namespace callbot::bot
