#include "bot/scenario_network.h"

#include <fmt/core.h>

#include <algorithm>

#include "bot/network_report.h"

namespace callbot::bot {

using scenarios::StepKind;

Result<network::Network> network_of(const scenarios::NetworkSetting& setting,
                                    const scenarios::Scenario& scenario) {
  return network::read_network(setting.value, setting.name, fs::path(scenario.file).parent_path());
}

std::string network_mistakes(const scenarios::Scenario& s) {
  std::string out;
  const auto say = [&](const std::string& where, const std::string& what) {
    out += fmt::format("{}{}:{} {}", out.empty() ? "" : "\n", s.file, where, what);
  };
  for (const scenarios::Actor& actor : s.actors) {
    if (!actor.network) continue;
    if (const auto network = network_of(*actor.network, s); !network)
      say(fmt::format(" actors.{}.network:", actor.role), network.error().message);
  }
  for (const scenarios::Step& step : s.steps) {
    if (!step.network) continue;
    const std::string where =
        fmt::format("{}:{}: steps[{}].set:", step.place.line, step.place.column, step.index);
    const auto network = network_of(*step.network, s);
    if (!network)
      say(where, network.error().message);
    else if (!network->schedule.empty())
      say(where, "a schedule belongs to an actor's network; a step changes it at its own time");
  }
  return out;
}

ScenarioNetwork::ScenarioNetwork(const scenarios::Scenario& scenario,
                                 const scenarios::Instance& who, uint64_t seed) {
  if (who.actor->network)
    network_ = network_of(*who.actor->network, scenario).value_or(network::Network());
  const bool changes =
      std::any_of(scenario.steps.begin(), scenario.steps.end(), [&](const scenarios::Step& step) {
        return step.kind == StepKind::kNetwork &&
               scenarios::matches(step.who, who.actor->role, who.name);
      });
  if (changes && !network_) network_.emplace();
  // Each has luck of its own, the same in every run.
  if (network_) network_->seed += seed;
}

void ScenarioNetwork::change(const network::Conditions& conditions, std::optional<size_t> step,
                             const Call* call) {
  judge(call);
  wanted_ = step;
  if (!network_) return;
  network_->conditions = conditions;
  network_->schedule.clear();
  if (call != nullptr && call->link() != nullptr) call->link()->set(conditions);
}

void ScenarioNetwork::judge(const Call* call) {
  if (!wanted_) return;
  const size_t step = *std::exchange(wanted_, std::nullopt);
  if (call == nullptr || call->link() == nullptr) {
    proofs_.push_back({step, fail(Code::kUnmeasured, "it was in no call then")});
    return;
  }
  proofs_.push_back(
      {step, network_proved({call->link()->phases().back()}, call->network_verified())});
}

}  // namespace callbot::bot
