// tests/support/running_program.h: the program as a user starts it, beside a test that turns its
// own loop: what it prints, as it comes, and its end.
//
// Thread:  loop.
// Owner:   the test; a process that still runs is killed with it.
// Fails:   the test, through EXPECT; every wait has a deadline.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/loop.h"

namespace callbot::test {

class RunningProgram {
 public:
  // The first word is looked up in $PATH.
  RunningProgram(Loop& loop, std::vector<std::string> words) : loop_(loop) {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(fds[1], STDOUT_FILENO);
      dup2(fds[1], STDERR_FILENO);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    close(fds[1]);
    out_ = fds[0];
    fcntl(out_, F_SETFL, O_NONBLOCK);
  }
  ~RunningProgram() {
    if (!status_) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(out_);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  pid_t pid() const { return pid_; }
  void kill(int signal) const { ::kill(pid_, signal); }
  const std::string& text() const { return text_; }

  // The first event of this name (--log json), printed already or yet to come; null if none comes.
  Json event(const std::string& name) {
    Json found;
    EXPECT_TRUE(loop_.run_until([&] { return find(name, found) || over(); }, kPatience)) << text_;
    if (found.is_null()) find(name, found);
    EXPECT_FALSE(found.is_null()) << "no event " << name << " in:\n" << text_;
    return found;
  }
  size_t count(const std::string& name) {
    read();
    size_t count = 0;
    Json ignored;
    for (size_t at = 0; next(at, name, ignored);) ++count;
    return count;
  }
  // Its exit status; -1 where a signal ended it.
  int ended() {
    EXPECT_TRUE(loop_.run_until([&] { return over(); }, kPatience)) << text_;
    read();
    return status_ && WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -1;
  }
  // Nobody writes to its output any more: neither it nor a process that it started.
  bool silent() {
    return loop_.run_until(
        [&] {
          read();
          return closed_;
        },
        kPatience);
  }

 private:
  static constexpr std::chrono::milliseconds kPatience{120000};

  void read() {
    char chunk[4096];
    ssize_t n = 0;
    while ((n = ::read(out_, chunk, sizeof(chunk))) > 0)
      text_.append(chunk, static_cast<size_t>(n));
    closed_ = n == 0;
  }
  bool over() {
    read();
    int status = 0;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return status_.has_value();
  }
  bool find(const std::string& name, Json& found) {
    read();
    size_t at = 0;
    return next(at, name, found);
  }
  bool next(size_t& at, const std::string& name, Json& found) const {
    for (size_t end = 0; (end = text_.find('\n', at)) != std::string::npos;) {
      const std::string line = text_.substr(at, end - at);
      at = end + 1;
      const auto json = Json::parse(line);
      if (!json || json->at("event").text() != name) continue;
      found = *json;
      return true;
    }
    return false;
  }

  Loop& loop_;
  pid_t pid_ = 0;
  int out_ = -1;
  std::string text_;
  bool closed_ = false;
  std::optional<int> status_;
};

}  // namespace callbot::test
