#include "bot/supervise.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/line_reader.h"
#include "base/print.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/open_recordings.h"

namespace callbot::bot {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kQuickNs = 10'000 * kMillisecond;  // a death so soon after the start is quick
constexpr int kMostQuickDeaths = 5;
constexpr int kFirstPauseMs = 200;                         // doubles with each quick death
constexpr const char* kTellFd = "CALLBOT_RESTART_FD";      // as of kTellTo: to us
constexpr const char* kGoOnIn = "CALLBOT_RESTART_FOLDER";  // in which it goes on

class Supervisor {
 public:
  Supervisor(int argc, char** argv, const RecordOptions& options, bool json)
      : console_(json),
        arguments_(argv, argv + argc),
        options_(options),
        folder_(options.resume.string()) {
    if (const char* fd = getenv(kTellTo)) tell_fd_ = std::atoi(fd);
    if (tell_fd_ >= 0) fcntl(tell_fd_, F_SETFD, FD_CLOEXEC);
    unsetenv(kTellTo);
    arguments_[0] = "callbot-recorder";  // as it is called in a list of processes
    sigemptyset(&signals_);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals_, s);
    sigprocmask(SIG_BLOCK, &signals_, &before_);
    signal(SIGPIPE, SIG_IGN);  // whom we tell may be gone
    signal_fd_ = signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Supervisor() {
    ::close(signal_fd_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }

  int run() {
    for (;;) {
      const int64_t began = monotonic_ns();
      if (!start()) return give_up(kExitStorage);
      const int status = wait_for_worker();
      if (!is_crash(status)) return give_up(as_exit_status(status));
      quick_deaths_ = monotonic_ns() - began < kQuickNs ? quick_deaths_ + 1 : 0;
      const bool again = !stopping_ && !left_ && quick_deaths_ < kMostQuickDeaths;
      say(status, again);
      if (!again || !pause()) return give_up(as_exit_status(status));
    }
  }

 private:
  bool start() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
    setenv(kTellFd, std::to_string(ends[1]).c_str(), 1);
    setenv(kGoOnIn, folder_.c_str(), 1);
    std::vector<char*> argv;
    for (std::string& word : arguments_) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t parent = getpid();
    worker_ = fork();
    if (worker_ == 0) {
      // Ctrl-C at the terminal is for us: we pass it on, once.
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(kExitInterrupted);
      fcntl(ends[1], F_SETFD, 0);
      sigprocmask(SIG_SETMASK, &before_, nullptr);
      execv("/proc/self/exe", argv.data());
      _exit(kExitStorage);
    }
    ::close(ends[1]);
    told_ = LineReader(Descriptor(ends[0]));
    return worker_ > 0;
  }

  // Passes signals on, and what it is told, until the worker has ended.
  int wait_for_worker() {
    int status = 0;
    while (waitpid(worker_, &status, WNOHANG) != worker_) {
      std::array<pollfd, 2> watched{pollfd{signal_fd_, POLLIN, 0}, pollfd{told_.fd(), POLLIN, 0}};
      poll(watched.data(), told_.ended() ? 1 : 2, 1000);
      for (const int s : pending_signals()) kill(worker_, s);
      hear();
    }
    worker_ = -1;
    hear();
    return status;
  }

  std::vector<int> pending_signals() {
    std::vector<int> all;
    signalfd_siginfo info{};
    while (read(signal_fd_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) continue;
      stopping_ = true;
      all.push_back(static_cast<int>(info.ssi_signo));
    }
    return all;
  }

  void hear() {
    for (const std::string& line : told_.read()) {
      if (line.starts_with(kToldFolder)) {
        folder_ = line.substr(kToldFolder.size());
        joined_ = true;
      }
      if (line.starts_with(kToldLeft)) left_ = true;
      tell(line);
    }
  }

  void tell(const std::string& line) const {
    if (tell_fd_ >= 0) write_all(tell_fd_, line + "\n");
  }

  // Killed, or the server was lost after there was a recording.
  bool is_crash(int status) const {
    return WIFSIGNALED(status) || (WEXITSTATUS(status) == kExitConnect && joined_);
  }
  static int as_exit_status(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  void say(int status, bool again) {
    const std::string how = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                                : fmt::format("status {}", WEXITSTATUS(status));
    console_.event(again ? "restarting" : "given-up",
                   fmt::format("the recorder ended ({}){}", how,
                               folder_.empty() ? ""
                               : again         ? "; going on in " + folder_
                                               : ""),
                   Json::object().set("how", how).set("folder", folder_));
  }

  // False if it is to end meanwhile.
  bool pause() {
    const int64_t until =
        monotonic_ns() + static_cast<int64_t>(kFirstPauseMs << quick_deaths_) * kMillisecond;
    for (int64_t now = monotonic_ns(); now < until && !stopping_; now = monotonic_ns()) {
      pollfd watched{signal_fd_, POLLIN, 0};
      poll(&watched, 1, static_cast<int>((until - now) / kMillisecond) + 1);
      pending_signals();
    }
    return !stopping_;
  }

  // Whatever the worker has left open, or unjudged.
  int give_up(int status) {
    if (joined_ && !left_) tell(std::string(kToldLeft) + "died");
    if (folder_.empty()) return status;
    if (recordings::is_open(folder_)) {
      const auto report = recordings::repair(folder_);
      console_.event("repaired", report ? recordings::to_text(*report) : report.error().message,
                     Json::object().set("folder", folder_));
      if (!report || report->busy) return status;
    }
    const auto go_on = [this](double) {
      for (const int s : pending_signals()) skip_judging_ = skip_judging_ || s == SIGINT;
      return !skip_judging_;
    };
    if (const auto verdict = judge_owed(folder_, go_on, Interrupted::kUnmeasured)) {
      tell_judged(console_, folder_, *verdict);
      run_on_finish(*verdict);
    }
    return status;
  }

  void run_on_finish(const std::string& verdict) {
    if (options_.on_finish.empty()) return;
    const pid_t program = fork();
    if (program == 0) {
      unsetenv(kTellFd);
      unsetenv(kGoOnIn);
      unsetenv(kAskedIn);
      signal(SIGPIPE, SIG_DFL);
      sigprocmask(SIG_SETMASK, &before_, nullptr);
      execlp(options_.on_finish.c_str(), options_.on_finish.c_str(), folder_.c_str(),
             verdict.c_str(), static_cast<char*>(nullptr));
      print_error("callbot: --on-finish: {}: {}\n", options_.on_finish, strerror(errno));
      _exit(127);
    }
    int status = 0;
    while (program > 0 && waitpid(program, &status, 0) < 0 && errno == EINTR) {
    }
  }

  Console console_;
  std::vector<std::string> arguments_;
  const RecordOptions& options_;
  sigset_t signals_{}, before_{};
  int signal_fd_ = -1;
  int tell_fd_ = -1;  // where who started us wants to hear of it
  pid_t worker_ = -1;
  LineReader told_;  // by the worker
  std::string folder_;
  bool joined_ = false;  // there was a worker with a recording
  bool left_ = false;    // which has left the call for good
  int quick_deaths_ = 0;
  bool stopping_ = false;
  bool skip_judging_ = false;
};

}  // namespace

int supervise(int argc, char** argv, const RecordOptions& options, bool json) {
  return Supervisor(argc, argv, options, json).run();
}

void obey_supervisor(RecordOptions& options) {
  const char* fd = getenv(kTellFd);
  const char* folder = getenv(kGoOnIn);
  if (fd != nullptr && *fd != '\0') {
    options.restart = false;
    options.tell_fd = std::atoi(fd);
    fcntl(options.tell_fd, F_SETFD, FD_CLOEXEC);
    if (folder != nullptr && *folder != '\0') options.resume = folder;
    if (const char* before = getenv(kAskedIn)) options.asked_in = before;
    unsetenv(kAskedIn);
  }
  unsetenv(kTellFd);
  unsetenv(kGoOnIn);
}

}  // namespace callbot::bot
