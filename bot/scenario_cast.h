// bot/scenario_cast.h: all actors of a scenario's run, and whom its patterns mean.
//
// Thread:  loop.
// Owner:   bot::ScenarioRun.
// Fails:   never.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bot/scenario_actor.h"
#include "scenarios/shapes.h"

namespace callbot::bot {

class Cast {
 public:
  struct Hears {
    std::function<void(ScenarioActor&, const Told&)> told;
    ScenarioSamples::Hears sample;
    ScenarioActor::MakesMedia media;
    const FoldPlan* folding = nullptr;
  };
  // `embedded`: where the run's own room server is ("ws://127.0.0.1:5000"); empty: there is none.
  Cast(Loop& loop, const scenarios::Scenario& scenario, const std::string& embedded, Hears hears);

  const scenarios::Scenario& scenario() const { return scenario_; }
  const std::vector<std::unique_ptr<ScenarioActor>>& all() const { return all_; }
  std::vector<ScenarioActor*> of(const std::string& pattern) const;
  // Those of a step's `who` who can take it.
  std::vector<ScenarioActor*> who_can(const scenarios::Step& step) const;
  std::vector<ScenarioActor*> others_in_room(const ScenarioActor& of) const;
  // By its name in the call.
  ScenarioActor* shown(const ScenarioActor& in_room_of, const std::string& name) const;
  // By its name in evidence, and by the source in its marks.
  const ScenarioActor* named(const std::string& name) const;
  const ScenarioActor* numbered(uint16_t source) const;
  // In, and connected to everybody there whom it sends something or who sends it something.
  bool is_connected(const ScenarioActor& actor) const;
  size_t inside() const;  // of our own
  // All can join now.
  bool is_prepared() const;
  // All that was received is measured.
  bool is_measured() const;
  // VMAF is known of all pictures that wait for it.
  bool is_compared() const;
  size_t left_out_of_vmaf() const;  // where ffmpeg was too slow
  // And what is kept of it is written.
  bool is_written() const;

 private:
  const scenarios::Scenario& scenario_;
  ScenarioMeasuring measuring_;
  std::vector<std::unique_ptr<ScenarioActor>> all_;
};

}  // namespace callbot::bot
