// bot/scenario_expect.h: one expectation of a scenario's run: waits until it is so, for each pair
// of who looks and whom it is about. The rules stand in scenarios/SCENARIO.md.
//
// Thread:  loop.
// Owner:   bot::ScenarioStep.
// Fails:   never; what nothing here can tell is unmeasured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bot/scenario_cast.h"
#include "bot/scenario_senses.h"
#include "scenarios/evidence.h"

namespace callbot::bot {

struct StepEnd {
  scenarios::Outcome outcome = scenarios::Outcome::kDone;
  std::string actor, text;
};

class ScenarioExpectation {
 public:
  ScenarioExpectation(const scenarios::Step& step, const Cast& cast, int64_t now_ns);
  // None: not known yet.
  std::optional<StepEnd> poll(int64_t now_ns);

 private:
  struct Pair {
    ScenarioActor* who;
    ScenarioActor* from;   // null: about nobody else
    int64_t since_ns = 0;  // so since then; 0: it is not so
    bool held = false;
  };
  enum class Is { kSo, kNot, kUnmeasured };
  struct Answer {
    Is is = Is::kNot;
    std::string text;
    scenarios::Outcome late = scenarios::Outcome::kFailed;  // where it stays so
  };
  Answer ask(const Pair& pair, int64_t now_ns) const;
  Answer ask_state(const Pair& pair) const;
  Answer ask_streams(const Pair& pair) const;
  Answer ask_told(const Pair& pair) const;
  Answer ask_metric(const Pair& pair, int64_t now_ns) const;
  Answer ask_senses(const Pair& pair, int64_t now_ns) const;
  // Of what must not be seen or heard for so long.
  std::optional<StepEnd> poll_absence(int64_t now_ns) const;
  Answer ask_absence(const Pair& pair, int64_t now_ns) const;
  Sensed whom(const Pair& pair) const;
  static std::string text_of(const Pair& pair);

  const scenarios::Step& step_;
  const Cast& cast_;
  const int64_t began_ns_;
  int64_t asked_ns_ = 0;
  std::vector<Pair> pairs_;
};

}  // namespace callbot::bot
