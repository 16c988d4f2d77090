// bot/scenario_load.h: the load of a scenario's run: actors that come and go in numbers, stage
// after stage, beside the steps.
//
// Thread:  loop.
// Owner:   bot::ScenarioRun.
// Fails:   through take_failures(): who did not get in, and why.
#pragma once

#include <string>
#include <vector>

#include "bot/scenario_cast.h"

namespace callbot::bot {

// So many of them are in the call after so many seconds of a stage that began with `before`.
int load_target(const scenarios::LoadStage& stage, int before, double seconds);

class ScenarioLoad {
 public:
  ScenarioLoad(const scenarios::Scenario& scenario, Cast& cast)
      : stages_(scenario.load), cast_(cast) {}

  void begin(int64_t now_ns) { stage_ns_ = now_ns; }
  // Lets come and go who has to by now.
  void tick(int64_t now_ns);
  // Who did not get in since the last time, but for those who may stay away.
  std::vector<std::string> take_failures();

 private:
  struct Joining {
    ScenarioActor* actor;
    int64_t since_ns;
  };
  void move(const scenarios::LoadStage& stage, int target, int64_t now_ns);
  void look_after(int64_t now_ns);

  const std::vector<scenarios::LoadStage>& stages_;
  Cast& cast_;
  int64_t stage_ns_ = 0;  // 0: not begun
  size_t stage_ = 0;
  int before_ = -1;  // of its actors, when it began; -1: it has not
  std::vector<Joining> joining_;
  std::vector<std::string> failures_;
};

}  // namespace callbot::bot
