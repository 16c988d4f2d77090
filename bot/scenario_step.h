// bot/scenario_step.h: one step of a scenario's run: begun once, then asked until it has ended.
//
// Thread:  loop.
// Owner:   bot::ScenarioRun, one at a time.
// Fails:   through what it ended with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bot/scenario_cast.h"
#include "bot/scenario_expect.h"
#include "bot/scenario_program.h"

namespace callbot::bot {

class ScenarioStep {
 public:
  ScenarioStep(const scenarios::Step& step, Cast& cast);

  // Does it; what takes time goes on.
  void begin(int64_t now_ns);
  // None: it goes on.
  std::optional<StepEnd> poll(int64_t now_ns);

  const scenarios::Step& step() const { return step_; }
  int64_t began_ns() const { return began_ns_; }

 private:
  void act(ScenarioActor& actor);
  // What is missing until it is done; empty: nothing.
  StepEnd missing() const;
  StepEnd missing_of(ScenarioActor& actor) const;
  static StepEnd missing_of(const ScenarioActor& actor, const PostState& post, const char* missing);
  void note(const ScenarioActor& actor, const Result<std::string>& how);
  std::vector<ScenarioActor*> recipients_of(const ScenarioActor& actor) const;
  StepEnd program_end() const;
  std::string last_words() const;  // of its program, as what is added to a text
  // Everybody who is there knows what this actor sends.
  bool is_known(const ScenarioActor& actor) const;
  bool is_picture() const;

  const scenarios::Step& step_;
  Cast& cast_;
  int64_t began_ns_ = 0;
  std::vector<ScenarioActor*> who_;
  std::string said_;                          // of what was done
  std::map<std::string, std::string> wrong_;  // by actor: why it cannot be done
  network::Network network_;
  std::optional<ScenarioExpectation> expectation_;
  Result<std::unique_ptr<ScenarioProgram>> program_;
};

}  // namespace callbot::bot
