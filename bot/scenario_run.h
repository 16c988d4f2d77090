// bot/scenario_run.h: runs a scenario once: its actors, a room server of its own where one is asked
// for, its steps on one timeline; what it leaves behind is evidence.
//
// Thread:  loop.
// Owner:   bot::ScenarioTest.
// Fails:   never: what went wrong stands in the evidence, which comes through `done`, once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/alive.h"
#include "base/loop.h"
#include "base/socket_drops.h"
#include "bot/console.h"
#include "bot/scenario_cast.h"
#include "bot/scenario_feeds.h"
#include "bot/scenario_load.h"
#include "bot/scenario_self.h"
#include "bot/scenario_step.h"
#include "bot/serve.h"
#include "scenarios/abort_watch.h"
#include "scenarios/evidence.h"
#include "scenarios/live_run.h"
#include "scenarios/variables.h"

namespace callbot::bot {

class ScenarioRun {
 public:
  struct Facts {
    int number = 1;  // of several runs
    scenarios::Values variables;
    fs::path keep = {};  // what actors receive is recorded below it; empty: it is not
  };
  struct Remains {
    scenarios::Evidence evidence;
    std::vector<KeptMedia> media;  // whoever gets it takes it away
  };
  using Done = std::function<void(Remains)>;

  // The scenario outlives it.
  ScenarioRun(Loop& loop, Console& console, const scenarios::Scenario& scenario, Facts facts,
              Done done);
  ~ScenarioRun();

  void start();
  void interrupt();  // any number of times
  // As it stands now; its series are looked at before the loop goes on.
  scenarios::LiveRun live() const;
  // Null before start(). For tests, who do to actors what no step does.
  const Cast* cast() const { return cast_.get(); }

 private:
  Result<std::string> start_server();
  void read_feeds();
  std::unique_ptr<ScenarioMedia> media_of(const scenarios::Instance& who);
  void tick();
  void next_step(int64_t now_ns);
  void step_ended(const StepEnd& end, int64_t now_ns);
  void look_after_load(int64_t now_ns);
  void take_proofs();
  void take_proof(const ScenarioNetwork::Proof& proof);
  void look_every_second(int64_t now_ns);
  void told(ScenarioActor& actor, const Told& told);
  bool is_awaited(const std::string& what, const ScenarioActor& of) const;
  bool is_unexpected(const ScenarioActor& actor, const Told& told) const;
  void measured(const Series& series, const Sample& sample);
  void end(const std::string& why);
  void let_go();
  void finish();
  // As it would be if the run ended now.
  scenarios::Evidence evidence(int64_t now_ns) const;
  void add_measured(scenarios::Evidence& evidence) const;

  Loop& loop_;
  Console& console_;
  const scenarios::Scenario& scenario_;
  Done done_;
  scenarios::Evidence evidence_;
  scenarios::AbortWatch watch_;
  FoldPlan folding_;
  ScenarioSamples ourselves_;
  const fs::path keep_;
  pipelines::WriterPool pool_;
  std::optional<ScenarioSelf> self_;
  SocketDrops drops_;
  std::unique_ptr<Serve> serve_;
  std::unique_ptr<ScenarioFeeds> feeds_;  // while it reads
  std::unique_ptr<Cast> cast_;
  std::unique_ptr<ScenarioLoad> load_;
  std::unique_ptr<ScenarioStep> step_;
  size_t next_ = 0;
  std::string not_in_;  // who of the load did not get in, the first
  bool ending_ = false, finished_ = false;
  int64_t ending_ns_ = 0, ticked_ns_ = 0, looked_ns_ = 0;
  Timer tick_;
  Alive alive_;
};

}  // namespace callbot::bot
