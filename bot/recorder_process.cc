#include "bot/recorder_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bot/cli.h"
#include "bot/subprocess.h"
#include "bot/supervise.h"

namespace callbot::bot {
namespace {

constexpr int kTellFd = 3;  // of a recorder: the first that is not a standard stream

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

std::vector<std::string> words_of(const RecorderCommand& command, const std::string& room) {
  std::vector<std::string> words{command.program,
                                 "record",
                                 command.base_url + "/rooms/" + escaped(room),
                                 "--no-repair",
                                 "--restart",
                                 "--until-empty",
                                 std::to_string(command.empty_for.count()) + "ms"};
  words.insert(words.end(), command.rules.begin(), command.rules.end());
  words.insert(words.end(), {"--out", command.out.string(), "--log", command.json ? "json" : "text",
                             "--reserve", std::to_string(command.disk.reserve), "--low-water",
                             std::to_string(command.disk.low())});
  // It talks to this very server; whom the certificate names does not matter on the way.
  if (command.base_url.starts_with("wss:")) words.push_back("--insecure");
  if (!command.on_finish.empty()) words.insert(words.end(), {"--on-finish", command.on_finish});
  return words;
}

}  // namespace

Result<std::unique_ptr<RecorderProcess>> RecorderProcess::start(
    const RecorderCommand& command, const std::string& room, const std::filesystem::path& asked_in,
    Events events) {
  auto launcher =
      GRef<GSubprocessLauncher>::adopt(g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE));
  g_subprocess_launcher_set_child_setup(launcher.get(), set_up_child, GINT_TO_POINTER(getpid()),
                                        nullptr);
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) g_subprocess_launcher_setenv(launcher.get(), name, value.c_str(), TRUE);
  };
  set("CALLBOT_TOKEN", command.token);
  set(kAskedIn, asked_in.string());
  std::unique_ptr<RecorderProcess> started(new RecorderProcess(std::move(events)));
  if (std::array<int, 2> ends{}; pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0) {
    g_subprocess_launcher_take_fd(launcher.get(), ends[1], kTellFd);
    set(kTellTo, std::to_string(kTellFd));
    started->listen(Descriptor(ends[0]));
  }
  const auto words = words_of(command, room);
  std::vector<const char*> argv(words.size() + 1);  // ends with null
  std::transform(words.begin(), words.end(), argv.begin(),
                 [](const std::string& word) { return word.c_str(); });
  GError* error = nullptr;
  started->process_ =
      GRef<GSubprocess>::adopt(g_subprocess_launcher_spawnv(launcher.get(), argv.data(), &error));
  if (!started->process_) return fail(Code::kInternal, ErrorPtr(error)->message);
  when_ended(started->process_.get(),
             started->alive_.guard([self = started.get()] { self->has_ended(); }));
  return started;
}

RecorderProcess::~RecorderProcess() { terminate(); }

void RecorderProcess::terminate() {
  if (process_) g_subprocess_send_signal(process_.get(), SIGTERM);
}

void RecorderProcess::listen(Descriptor told) {
  readable_.watch(told.get(), [this] { hear(); });
  told_ = LineReader(std::move(told));
}

void RecorderProcess::hear() {
  const auto lines = told_.read();
  if (told_.ended()) readable_.stop();
  for (const std::string& line : lines) {
    if (line.starts_with(kToldFolder))
      folder_ = line.substr(kToldFolder.size());
    else if (line.starts_with(kToldLeft) && events_.left)
      std::exchange(events_.left, {})(*this, line.substr(kToldLeft.size()));
  }
}

void RecorderProcess::has_ended() {
  hear();
  readable_.stop();
  const int status = g_subprocess_get_status(std::exchange(process_, nullptr).get());
  const auto ended = events_.ended;
  ended(*this, status);
}

}  // namespace callbot::bot
