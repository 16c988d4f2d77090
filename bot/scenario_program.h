// bot/scenario_program.h: a program that a scenario runs: no shell, killed with its owner. Of what
// it writes (both outputs) the end is kept.
//
// Thread:  loop.
// Owner:   bot::ScenarioStep.
// Fails:   start: kUsage that names the program and says why it cannot be started.
#pragma once

#include <gio/gio.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/gref.h"

namespace callbot::bot {

class ScenarioProgram {
 public:
  static Result<std::unique_ptr<ScenarioProgram>> start(const std::vector<std::string>& words);
  ~ScenarioProgram();

  bool ended() const { return *ended_; }
  // Of one that ended; 128 and its number where a signal ended it.
  int exit_status() const;
  // What it wrote last, in one line; empty: nothing.
  std::string last_words();

 private:
  explicit ScenarioProgram(GRef<GSubprocess> process);
  void listen();

  GRef<GSubprocess> process_;
  GPollableInputStream* output_;  // of the process
  std::unique_ptr<GSource, void (*)(GSource*)> listens_;
  std::string said_;  // the end of it
  std::shared_ptr<bool> ended_ = std::make_shared<bool>(false);
};

}  // namespace callbot::bot
