#include "bot/scenario_load.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace callbot::bot {
namespace {

using State = ScenarioActor::State;

constexpr int64_t kJoinWithin = 10'000'000'000;  // as a step's usual timeout

bool is_there(const ScenarioActor* actor) {
  return actor->state() == State::kJoining || actor->state() == State::kInside;
}

}  // namespace

int load_target(const scenarios::LoadStage& stage, int before, double seconds) {
  const int change = std::abs(stage.to - before);
  // Without a rate the last one comes when the stage ends.
  const double rate = stage.join_rate > 0 ? stage.join_rate : change / std::max(stage.lasts, 0.001);
  const bool at_once = stage.join_rate > 0;
  const int moved = std::min(change, static_cast<int>(seconds * rate + 1e-9) + (at_once ? 1 : 0));
  return stage.to > before ? before + moved : before - moved;
}

void ScenarioLoad::tick(int64_t now_ns) {
  look_after(now_ns);
  while (stage_ns_ > 0 && stage_ < stages_.size()) {
    const scenarios::LoadStage& stage = stages_[stage_];
    if (before_ < 0) {
      const auto all = cast_.of(stage.who);
      before_ = static_cast<int>(std::count_if(all.begin(), all.end(), is_there));
    }
    const double seconds = static_cast<double>(now_ns - stage_ns_) / 1e9;
    move(stage, load_target(stage, before_, std::min(seconds, stage.lasts)), now_ns);
    if (seconds < stage.lasts) return;
    stage_ns_ += std::llround(stage.lasts * 1e9);
    before_ = -1;
    ++stage_;
  }
}

void ScenarioLoad::move(const scenarios::LoadStage& stage, int target, int64_t now_ns) {
  const auto all = cast_.of(stage.who);
  auto there = static_cast<int>(std::count_if(all.begin(), all.end(), is_there));
  for (ScenarioActor* actor : all) {
    // Who failed once is not tried again.
    if (there >= target || actor->state() != State::kOut || actor->error()) continue;
    actor->join();
    joining_.push_back({actor, now_ns});
    ++there;
  }
  for (auto last = all.rbegin(); last != all.rend() && there > target; ++last) {
    if (!is_there(*last)) continue;
    std::erase_if(joining_, [&](const Joining& j) { return j.actor == *last; });
    (*last)->leave();
    --there;
  }
}

void ScenarioLoad::look_after(int64_t now_ns) {
  std::erase_if(joining_, [&](const Joining& j) {
    if (cast_.is_connected(*j.actor)) return true;
    const bool late = now_ns - j.since_ns > kJoinWithin;
    if (!late && !j.actor->error()) return false;
    if (!j.actor->who().actor->optional)
      failures_.push_back(fmt::format(
          "{}: {}", j.actor->who().name,
          j.actor->error() ? j.actor->error()->message : "was not connected within 10 s"));
    return true;
  });
}

std::vector<std::string> ScenarioLoad::take_failures() { return std::exchange(failures_, {}); }

}  // namespace callbot::bot
