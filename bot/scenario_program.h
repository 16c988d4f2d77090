// bot/scenario_program.h: a program that a scenario runs: no shell, killed with its owner.
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

 private:
  explicit ScenarioProgram(GRef<GSubprocess> process) : process_(std::move(process)) {}

  GRef<GSubprocess> process_;
  std::shared_ptr<bool> ended_ = std::make_shared<bool>(false);
};

}  // namespace callbot::bot
