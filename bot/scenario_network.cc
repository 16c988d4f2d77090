#include "bot/scenario_network.h"

#include <algorithm>

#include "bot/network_report.h"
#include "network/effect.h"

namespace callbot::bot {

using scenarios::Outcome;
using scenarios::StepKind;

Result<network::Network> network_of(const scenarios::NetworkSetting& setting,
                                    const scenarios::Scenario& scenario) {
  return network::read_network(setting.value, setting.path, fs::path(scenario.file).parent_path());
}

std::vector<scenarios::Mistake> network_mistakes(const scenarios::Scenario& s) {
  std::vector<scenarios::Mistake> all;
  const auto check = [&](const scenarios::NetworkSetting& setting, bool schedules) {
    const auto network = network_of(setting, s);
    if (!network) {
      // It begins with the path of the key that is wrong.
      const std::string& text = network.error().message;
      const size_t end = text.starts_with(setting.path) ? text.find(": ") : std::string::npos;
      const bool path = end != std::string::npos;
      const auto wrong = scenarios::mistake_at(s, path ? text.substr(0, end) : setting.path,
                                               path ? text.substr(end + 2) : text);
      const auto same = [&](const scenarios::Mistake& one) { return one.path == wrong.path; };
      if (std::none_of(all.begin(), all.end(), same)) all.push_back(wrong);
    } else if (!schedules && !network->schedule.empty()) {
      all.push_back(scenarios::mistake_at(
          s, setting.path,
          "a schedule belongs to an actor's network; a step changes it at its own time"));
    }
  };
  for (const scenarios::Actor& actor : s.actors)
    if (actor.network) check(*actor.network, true);
  for (const scenarios::Step& step : s.steps)
    if (step.network) check(*step.network, false);
  return all;
}

ScenarioNetwork::ScenarioNetwork(const scenarios::Scenario& scenario,
                                 const scenarios::Instance& who, uint64_t seed)
    : name_(who.name), is_own_(who.actor->network.has_value()) {
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

void ScenarioNetwork::called() {
  own_now_ = is_own_;
  if (set_by_ && !setting_) setting_ = Setting{.step = *set_by_};
}

void ScenarioNetwork::change(const Change& change, const Line& line) {
  judge(line);
  is_own_ = false;
  set_by_ = change.step;
  setting_ = Setting{change.step, change.proof};
  if (!network_) return;
  network_->conditions = change.conditions;
  network_->schedule.clear();
  if (line.link != nullptr) line.link->set(change.conditions);
}

void ScenarioNetwork::judge(const Line& line) {
  if (std::exchange(own_now_, false) && line.link != nullptr) judge_own(line);
  if (setting_) judge_step(*std::exchange(setting_, std::nullopt), line);
}

ScenarioNetwork::Proof ScenarioNetwork::proof(std::optional<size_t> step,
                                              const network::Phase& phase) const {
  return {step,
          {.actor = name_,
           .set_by = step ? fmt::format("step {}", *step + 1) : "",
           .conditions = network::text_of(phase.conditions),
           .span = {phase.begin_ns, phase.end_ns},
           .label = network::label_of(phase.conditions)}};
}

void ScenarioNetwork::judge_step(const Setting& setting, const Line& line) {
  const bool connected = line.link != nullptr;
  if (!setting.proof && !connected) return;  // it was in force for nobody
  const network::Phase phase = connected  ? line.link->phases().back()
                               : network_ ? network::Phase{network_->conditions}
                                          : network::Phase{};
  Proof one = proof(setting.step, phase);
  if (!setting.proof) {
    one.step.reset();
    one.fact.outcome = Outcome::kSkipped;
    return proofs_.push_back(std::move(one));
  }
  const auto proved = connected ? network_proved({phase}, line.verified())
                                : fail(Code::kUnmeasured, "it was in no call then");
  one.fact.outcome = proved ? Outcome::kDone : Outcome::kInvalid;
  one.fact.text = !proved           ? "not proved: " + proved.error().message
                  : proved->empty() ? "nothing was to show"
                                    : *proved;
  proofs_.push_back(std::move(one));
}

void ScenarioNetwork::judge_own(const Line& line) {
  const auto phases = line.link->phases();
  const auto& [up, down] = phases.back().after;
  const bool anything = up.truth.in + down.truth.in > 0;
  const auto path = line.verified();
  for (const network::Phase& phase : phases) {
    Proof one = proof(std::nullopt, phase);
    const auto effects = network::effects_of(phase);
    auto shown = path.and_then([&] { return network::none_missing(effects); });
    one.fact.outcome = !anything ? Outcome::kUnmeasured
                       : shown   ? Outcome::kDone
                                 : Outcome::kInvalid;
    one.fact.text = !anything ? "it was connected to nobody"
                    : shown   ? network::text_of(effects)
                              : "not proved: " + shown.error().message;
    proofs_.push_back(std::move(one));
  }
}

}  // namespace callbot::bot
