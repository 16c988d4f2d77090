// tests/support/program.h: a real process of the test: usually the built callbot itself.
//
// Thread:  loop, which turns while the test waits.
// Owner:   the test. Destroying it kills the process and all that it started in its group.
// Fails:   wait() gives kHangs when the deadline passes; a program that cannot be started ends
//          with 127.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/loop.h"
#include "tests/support/temp_folder.h"

namespace callbot::test {

class Program {
 public:
  static constexpr int kHangs = -1;

  // The first word is the program; CALLBOT_PROGRAM is ours. `environment` is added to the test's.
  Program(Loop& loop, std::vector<std::string> words,
          std::map<std::string, std::string> environment = {});
  // callbot VERB..., events as JSON lines.
  static std::vector<std::string> callbot(std::vector<std::string> words);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  bool running();
  // Its exit status, 128 + N when signal N ended it, or kHangs.
  int wait(std::chrono::milliseconds deadline = std::chrono::seconds(60));
  pid_t pid() const { return pid_; }

  // All it wrote so far, both streams.
  std::string output() const;
  // Its JSON events of this name so far.
  std::vector<Json> events(const std::string& name) const;
  // Waits for the n-th event of this name; null when it does not come, or the program ends first.
  Json event(const std::string& name, size_t n = 1,
             std::chrono::milliseconds deadline = std::chrono::seconds(60));

 private:
  void look();

  Loop& loop_;
  TempFolder folder_;
  fs::path log_;
  pid_t pid_ = 0;
  std::optional<int> status_;
};

}  // namespace callbot::test
