// browsers/process.h: a program that ends with us, whatever happens to us: leader of a process
// group of its own, killed by the kernel when our thread dies (PR_SET_PDEATHSIG).
//
// Thread:  loop, handlers included. The thread that starts it has to live as long as it: the
//          kernel takes the end of that thread for ours.
// Owner:   whoever started it. Destroying it kills the whole group and waits for the leader, at
// most
//          a second; no handler is called any more.
// Fails:   start(): kUnsupported where the program is not there, kInternal where it cannot be
//          started.
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/alive.h"
#include "base/error.h"
#include "base/gref.h"

namespace callbot::browsers {

struct ProcessConfig {
  std::vector<std::string> words;  // the program and its arguments
  std::vector<std::pair<std::string, std::string>> environment = {};  // besides ours
};

struct ProcessHandlers {
  std::function<void(const std::string& line)> line;  // of its standard error
  std::function<void(const std::string& how)> ended;  // once; "exit status 1", "signal 9"
};

class Process {
 public:
  static Result<std::unique_ptr<Process>> start(const ProcessConfig& config,
                                                ProcessHandlers handlers);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running() const;
  // To all of the group.
  void signal(int number) const;
  // The last lines of its standard error, for messages.
  std::string last_lines() const;

 private:
  Process(GRef<GSubprocess> process, ProcessHandlers handlers);
  void read_line();
  void took_line(GAsyncResult* result);
  void wait();

  GRef<GSubprocess> process_;
  ProcessHandlers handlers_;
  pid_t pid_ = 0;
  GRef<GDataInputStream> errors_;
  std::deque<std::string> lines_;
  Alive alive_;
};

}  // namespace callbot::browsers
