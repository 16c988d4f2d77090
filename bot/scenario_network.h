// bot/scenario_network.h: the line over which one actor of a scenario is connected, and what is to
// be proved of it: its conditions outlive its calls, each of which has a link of its own.
//
// A change that a step wants proved is judged when it ends: by the next change, by leaving, or by
// the end of the run. So is the actor's own network, each phase of its schedule by itself, without
// anybody having to ask: but then what could not show is only told, since a line may well be wider
// than what goes over it.
//
// Thread:  loop.
// Owner:   bot::ScenarioActor, of a bot or a page.
// Fails:   never; what is not proved is kInvalid, with what is missing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "network/conditions.h"
#include "network/link.h"
#include "scenarios/decode.h"
#include "scenarios/evidence.h"
#include "scenarios/scenario.h"

namespace callbot::bot {

// Of an actor or a step; kUsage: what of it cannot be read, a file that is not there.
Result<network::Network> network_of(const scenarios::NetworkSetting& setting,
                                    const scenarios::Scenario& scenario);
// What is wrong in the networks that a scenario uses: of each its first mistake.
std::vector<scenarios::Mistake> network_mistakes(const scenarios::Scenario& scenario);

class ScenarioNetwork {
 public:
  struct Proof {
    std::optional<size_t> step;  // that wants it; none: it is the actor's own network
    scenarios::NetworkFact fact;
  };

  // Of the call that it is in.
  struct Line {
    network::Link* link = nullptr;            // null: there is none
    std::function<Result<>()> verified = {};  // does all that it exchanges lead over it?
  };

  // By a step; `proof`: it wants it proved.
  struct Change {
    network::Conditions conditions;
    size_t step = 0;
    bool proof = false;
  };

  // One that has no network and gets none by a step has no link either.
  ScenarioNetwork(const scenarios::Scenario& scenario, const scenarios::Instance& who,
                  uint64_t seed);

  // For its next call.
  const std::optional<network::Network>& network() const { return network_; }
  // That call begins: until a step changes it, the network is the actor's own.
  void called();
  void change(const Change& change, const Line& line);
  // Before the call ends: what was to be proved is judged now.
  void judge(const Line& line);
  std::vector<Proof> take_proofs() { return std::exchange(proofs_, {}); }

 private:
  Proof proof(std::optional<size_t> step, const network::Phase& phase) const;
  void judge_own(const Line& line);
  struct Setting {
    size_t step = 0;
    bool proof = false;
  };
  void judge_step(const Setting& setting, const Line& line);

  std::string name_;
  std::optional<network::Network> network_;
  bool is_own_ = false;             // no step has changed it
  bool own_now_ = false;            // and the call that has it is not judged yet
  std::optional<size_t> set_by_;    // the step that changed it last
  std::optional<Setting> setting_;  // its, not judged yet
  std::vector<Proof> proofs_;
};

}  // namespace callbot::bot
