#include "bot/room_recorders.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/gref.h"
#include "bot/cli.h"
#include "bot/disk_watch.h"
#include "bot/supervise.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr int kNotStarted = -1;
constexpr auto kFirstRetry = 200ms;
constexpr auto kLongestRetry = 10s;
constexpr auto kLinger = 5s;
constexpr int kFoldersFd = 3;  // of a recorder: the first that is not a standard stream

std::string escaped(const std::string& room) {
  return Text(g_uri_escape_string(room.c_str(), nullptr, FALSE)).get();
}

// In the child, before it is the recorder. Ctrl-C at our terminal is for us: we end the recorders
// ourselves, once each. And should we be killed, the recorder ends its recording: the server that
// comes after us records the room itself.
void set_up_child(gpointer parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != GPOINTER_TO_INT(parent)) _exit(kExitInterrupted);  // killed already
}

// What was written into the pipe so far: its last whole line.
fs::path last_line(int pipe) {
  std::string all;
  std::array<char, 4096> bytes{};
  for (ssize_t n = 0; (n = read(pipe, bytes.data(), bytes.size())) > 0;)
    all.append(bytes.data(), static_cast<size_t>(n));
  all.resize(all.find_last_of('\n') + 1);
  if (all.empty()) return {};
  all.pop_back();
  return all.substr(all.find_last_of('\n') + 1);
}

}  // namespace

struct RoomRecorders::Process {
  GRef<GSubprocess> process;
  bool wanted = true;  // the room has members
  bool waits_for_space = false;
  bool emptied = false;  // the room was, since the recorder was started
  int failures = 0;      // in a row: killed, or could not join or write
  Descriptor folders;    // which the recorder tells us
  fs::path asked_in;     // the recording before: what was asked of it holds in the next one
  Timer retry;
  Timer linger;
};

RoomRecorders::RoomRecorders(Loop& loop, Console& console, RecorderCommand command, uint64_t free)
    : loop_(loop), console_(console), command_(std::move(command)), free_(free) {}

RoomRecorders::~RoomRecorders() {
  for (auto& [room, p] : rooms_)
    if (p->process) g_subprocess_send_signal(p->process.get(), SIGTERM);
}

void RoomRecorders::opened(const std::string& room) {
  if (stopped_) return;
  auto& p = rooms_[room];
  if (!p) p = std::make_unique<Process>();
  p->wanted = true;
  p->linger.stop();
  if (!p->process) start(room);
}

void RoomRecorders::emptied(const std::string& room) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return;
  found->second->wanted = false;
  found->second->emptied = true;
  Process& p = *found->second;
  p.retry.stop();
  if (!p.process) {
    rooms_.erase(found);
    return;
  }
  // It ends by itself (--until-empty), unless it had not even seen the last member.
  p.linger.once(kLinger + command_.empty_for,
                [&p] { g_subprocess_send_signal(p.process.get(), SIGTERM); });
}

void RoomRecorders::disk(uint64_t free) {
  free_ = free;
  if (free < command_.disk.reserve || stopped_) return;
  for (auto& [room, p] : rooms_) {
    if (!std::exchange(p->waits_for_space, false)) continue;
    p->retry.once(0ms, [this, room = room] { start(room); });
  }
}

// Says it once for each time that a room has to wait.
bool RoomRecorders::has_space(const std::string& room, Process& p) {
  const auto enough = enough_to_begin(command_.disk, command_.out, free_);
  if (enough) return true;
  if (!std::exchange(p.waits_for_space, true))
    console_.event("disk-low", fmt::format("room {}: {}", room, enough.error().message),
                   disk_facts(command_.disk, command_.out, free_).set("room", room));
  return false;
}

void RoomRecorders::start(const std::string& room) {
  Process& p = *rooms_.at(room);
  if (!has_space(room, p)) return;
  const std::string url = command_.base_url + "/rooms/" + escaped(room);
  std::vector<const char*> argv{
      command_.program.c_str(), "record", url.c_str(), "--no-repair", "--restart", "--until-empty"};
  const std::string empty_for = std::to_string(command_.empty_for.count()) + "ms";
  argv.push_back(empty_for.c_str());
  for (const std::string& flag : command_.rules) argv.push_back(flag.c_str());
  argv.insert(argv.end(),
              {"--out", command_.out.c_str(), "--log", command_.json ? "json" : "text"});
  const std::string reserve = std::to_string(command_.disk.reserve);
  const std::string low_water = std::to_string(command_.disk.low());
  argv.insert(argv.end(), {"--reserve", reserve.c_str(), "--low-water", low_water.c_str()});
  // It talks to this very server; whom the certificate names does not matter on the way.
  if (command_.base_url.starts_with("wss:")) argv.push_back("--insecure");
  if (!command_.on_finish.empty())
    argv.insert(argv.end(), {"--on-finish", command_.on_finish.c_str()});
  argv.push_back(nullptr);

  auto launcher =
      GRef<GSubprocessLauncher>::adopt(g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE));
  g_subprocess_launcher_set_child_setup(launcher.get(), set_up_child, GINT_TO_POINTER(getpid()),
                                        nullptr);
  if (!command_.token.empty())
    g_subprocess_launcher_setenv(launcher.get(), "CALLBOT_TOKEN", command_.token.c_str(), TRUE);
  p.emptied = false;
  p.folders = Descriptor();
  if (std::array<int, 2> ends{}; pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0) {
    p.folders = Descriptor(ends[0]);
    g_subprocess_launcher_take_fd(launcher.get(), ends[1], kFoldersFd);
    g_subprocess_launcher_setenv(launcher.get(), kToldFolders, std::to_string(kFoldersFd).c_str(),
                                 TRUE);
  }
  if (!p.asked_in.empty())
    g_subprocess_launcher_setenv(launcher.get(), kAskedIn, p.asked_in.c_str(), TRUE);
  GError* error = nullptr;
  p.process =
      GRef<GSubprocess>::adopt(g_subprocess_launcher_spawnv(launcher.get(), argv.data(), &error));
  if (!p.process) {
    log_.error("room {}: {}", room, ErrorPtr(error)->message);
    return ended(room, kNotStarted);
  }
  struct Waiting {
    std::function<void(int)> then;
  };
  auto waiting = std::make_unique<Waiting>();
  auto then = alive_.guard([this, room](int status) { ended(room, status); });
  waiting->then = [then](int status) mutable { then(status); };
  g_subprocess_wait_async(
      p.process.get(), nullptr,
      [](GObject* process, GAsyncResult*, gpointer data) {
        const std::unique_ptr<Waiting> w(static_cast<Waiting*>(data));
        w->then(g_subprocess_get_status(G_SUBPROCESS(process)));
      },
      waiting.release());
}

void RoomRecorders::ended(const std::string& room, int status) {
  Process& p = *rooms_.at(room);
  p.process = nullptr;
  p.linger.stop();
  const bool killed = status != kNotStarted && WIFSIGNALED(status);
  if (killed)
    console_.event("recorder-died", fmt::format("room {}: signal {}", room, WTERMSIG(status)),
                   Json::object().set("room", room).set("signal", WTERMSIG(status)));
  const bool failed = status == kNotStarted || killed || WEXITSTATUS(status) > kExitNotGood;
  p.failures = failed ? p.failures + 1 : 0;
  // Who comes into an empty room is in another call, unless its recorder died.
  if (p.emptied && !failed)
    p.asked_in.clear();
  else if (fs::path folder = last_line(p.folders.get()); !folder.empty())
    p.asked_in = std::move(folder);
  if (!p.wanted || stopped_) {
    rooms_.erase(room);
    if (stopped_ && rooms_.empty()) stopped_();
    return;
  }
  // Members are there: it failed, or someone came while it was ending.
  const auto wait = std::min<std::chrono::milliseconds>(
      kFirstRetry * (1 << std::min(p.failures, 10)), kLongestRetry);
  p.retry.once(wait, [this, room] { start(room); });
}

void RoomRecorders::stop(std::function<void()> done) {
  auto report = alive_.guard(std::move(done));
  stopped_ = [this, report] { loop_.post([report]() mutable { report(); }); };
  std::erase_if(rooms_, [](const auto& room) { return !room.second->process; });
  for (auto& [room, p] : rooms_) g_subprocess_send_signal(p->process.get(), SIGTERM);
  if (rooms_.empty()) stopped_();
}

}  // namespace callbot::bot
