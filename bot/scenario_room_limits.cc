#include "bot/scenario_room_limits.h"

#include <fmt/core.h>

#include <algorithm>

#include "signaling/protocols.h"

namespace callbot::bot {
namespace {

using scenarios::Instance;
using scenarios::Step;
using scenarios::StepKind;
using signaling::Protocol;

// What a step needs of the protocol, and what it means that it lacks that.
struct Need {
  bool Protocol::*has = nullptr;  // null: nothing
  std::string key;
  std::string lack;
};
Need need_of(const Step& step) {
  const bool expects = step.kind == StepKind::kExpect;
  const std::string key = expects ? "expect" : "do";
  const std::string what = expects ? step.what : name_of(step.kind);
  if (what == "message" || what == "file")
    return {&Protocol::channels, key, what + ": there are no data channels"};
  if (expects && (what == "muted" || what == "unmuted"))
    return {&Protocol::tells_mute, key, what + ": nobody is told who is muted"};
  return {};
}

}  // namespace

std::vector<scenarios::Mistake> room_mistakes(const scenarios::Scenario& scenario) {
  std::vector<scenarios::Mistake> all;
  const auto instances = scenarios::instances(scenario);
  for (const Step& step : scenario.steps) {
    const Need need = need_of(step);
    if (need.has == nullptr) continue;
    for (const Instance& one : instances) {
      if (!scenarios::matches(step.who, one.actor->role, one.name)) continue;
      const Protocol* protocol = signaling::find_protocol(one.url);
      if (protocol == nullptr || protocol->*need.has) continue;
      all.push_back(scenarios::mistake_at(scenario, path_of(path_of("steps", step.index), need.key),
                                          fmt::format("{} in a room of {}:// ({} is in one)",
                                                      need.lack, protocol->scheme, one.name)));
      break;
    }
  }
  return all;
}

}  // namespace callbot::bot
