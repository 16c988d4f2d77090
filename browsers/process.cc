#include "browsers/process.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"

namespace callbot::browsers {
namespace {

constexpr size_t kKeptLines = 12;
constexpr int kMostWait = 1000;  // ms, for a process that was killed to be gone

using Answer = std::function<void(GAsyncResult*)>;

void answered(GObject*, GAsyncResult* result, gpointer answer) {
  (*std::unique_ptr<Answer>(static_cast<Answer*>(answer)))(result);
}

// In the child. Ctrl-C at our terminal is for us.
void set_up_child(gpointer parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != GPOINTER_TO_INT(parent)) _exit(1);  // we were killed already
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const ProcessConfig& config,
                                                ProcessHandlers handlers) {
  const auto launcher =
      GRef<GSubprocessLauncher>::adopt(g_subprocess_launcher_new(static_cast<GSubprocessFlags>(
          G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE)));
  g_subprocess_launcher_set_child_setup(launcher.get(), set_up_child, GINT_TO_POINTER(getpid()),
                                        nullptr);
  for (const auto& [name, value] : config.environment)
    g_subprocess_launcher_setenv(launcher.get(), name.c_str(), value.c_str(), TRUE);
  std::vector<const char*> words;
  for (const std::string& word : config.words) words.push_back(word.c_str());
  words.push_back(nullptr);
  GError* raw = nullptr;
  auto process =
      GRef<GSubprocess>::adopt(g_subprocess_launcher_spawnv(launcher.get(), words.data(), &raw));
  if (!process) {
    const ErrorPtr error(raw);
    const bool missing = g_error_matches(error.get(), G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
    return fail(missing ? Code::kUnsupported : Code::kInternal,
                fmt::format("{}: {}", config.words.front(), error->message));
  }
  std::unique_ptr<Process> made(new Process(std::move(process), std::move(handlers)));
  made->read_line();
  made->wait();
  return made;
}

Process::Process(GRef<GSubprocess> process, ProcessHandlers handlers)
    : process_(std::move(process)), handlers_(std::move(handlers)) {
  if (const char* id = g_subprocess_get_identifier(process_.get())) pid_ = std::stoi(id);
  errors_ = GRef<GDataInputStream>::adopt(
      g_data_input_stream_new(g_subprocess_get_stderr_pipe(process_.get())));
}

Process::~Process() {
  signal(SIGKILL);
  for (int i = 0; i < kMostWait && running(); ++i) usleep(1000);
}

bool Process::running() const { return g_subprocess_get_identifier(process_.get()) != nullptr; }

void Process::signal(int number) const {
  if (pid_ > 0) kill(-pid_, number);
}

std::string Process::last_lines() const {
  std::string all;
  for (const std::string& line : lines_) all += (all.empty() ? "" : "\n") + line;
  return all;
}

void Process::read_line() {
  auto answer =
      std::make_unique<Answer>(alive_.guard([this](GAsyncResult* result) { took_line(result); }));
  g_data_input_stream_read_line_async(errors_.get(), G_PRIORITY_DEFAULT, nullptr, answered,
                                      answer.release());
}

void Process::took_line(GAsyncResult* result) {
  gsize length = 0;
  const Text text(g_data_input_stream_read_line_finish(errors_.get(), result, &length, nullptr));
  if (!text) return;  // its end
  std::string line = printable({text.get(), length}, 400);
  lines_.push_back(line);
  if (lines_.size() > kKeptLines) lines_.pop_front();
  read_line();
  if (handlers_.line) handlers_.line(line);
}

void Process::wait() {
  auto answer = std::make_unique<Answer>(alive_.guard([this](GAsyncResult*) {
    signal(SIGKILL);  // what the leader left behind
    pid_ = 0;
    const int status = g_subprocess_get_status(process_.get());
    const auto handler = handlers_.ended;
    if (handler)
      handler(WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                  : fmt::format("exit status {}", WEXITSTATUS(status)));
  }));
  g_subprocess_wait_async(process_.get(), nullptr, answered, answer.release());
}

}  // namespace callbot::browsers
