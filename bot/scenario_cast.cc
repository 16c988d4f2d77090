#include "bot/scenario_cast.h"

#include <algorithm>

#include "bot/scenario_bot.h"
#include "bot/scenario_other.h"
#include "bot/scenario_page.h"

namespace callbot::bot {
namespace {

bool have_a_leg(const ScenarioActor& a, const ScenarioActor& b) {
  return (a.sends() && b.receives()) || (b.sends() && a.receives());
}

}  // namespace

Cast::Cast(Loop& loop, const scenarios::Scenario& scenario, const std::string& embedded,
           Hears hears)
    : scenario_(scenario) {
  measuring_.folding = hears.folding;
  if (scenarios::asks_for(scenario, "video.vmaf")) measuring_.vmaf = quality::VmafQueue::start();
  uint16_t number = 0;
  for (const scenarios::Instance& who : scenarios::instances(scenario)) {
    const std::string url =
        who.url == scenarios::kEmbedded ? embedded + "/rooms/" + who.room : who.url;
    all_.push_back(nullptr);
    auto& place = all_.back();
    ScenarioActor::Hears own{hears.told, hears.sample, {}, {}, {}, hears.media};
    const size_t index = all_.size() - 1;
    own.other = [this, index](const std::string& name) { return shown(*all_[index], name); };
    own.others = [this, index] { return others_in_room(*all_[index]); };
    own.numbered = [this](uint16_t source) { return numbered(source); };
    ++number;
    if (who.actor->elsewhere)
      place = std::make_unique<ScenarioOther>(loop, scenario, who, url,
                                              who.actor->echo.empty() ? who.actor->seed : 0,
                                              measuring_, std::move(own));
    else if (who.actor->browser.empty())
      place = std::make_unique<ScenarioBot>(loop, scenario, who, url, number, measuring_,
                                            std::move(own));
    else
      place = std::make_unique<ScenarioPage>(loop, scenario, who, url, number, measuring_,
                                             std::move(own));
  }
}

std::vector<ScenarioActor*> Cast::of(const std::string& pattern) const {
  std::vector<ScenarioActor*> out;
  for (const auto& one : all_) {
    if (scenarios::matches(pattern, one->who().actor->role, one->who().name))
      out.push_back(one.get());
  }
  return out;
}

std::vector<ScenarioActor*> Cast::who_can(const scenarios::Step& step) const {
  auto out = of(step.who);
  const bool join = step.kind == scenarios::StepKind::kJoin;
  const auto* expectation =
      step.kind == scenarios::StepKind::kExpect ? scenarios::find_expectation(step.what) : nullptr;
  const bool pattern = step.who.find('*') != std::string::npos;
  std::erase_if(out, [&](const ScenarioActor* one) {
    if (one->is_elsewhere()) return true;
    if (!pattern) return false;
    if (expectation != nullptr && expectation->decodes && !one->decodes()) return true;
    return (one->state() == ScenarioActor::State::kOut) != join;
  });
  return out;
}

std::vector<ScenarioActor*> Cast::others_in_room(const ScenarioActor& of) const {
  std::vector<ScenarioActor*> out;
  for (const auto& one : all_) {
    if (one.get() != &of && one->url() == of.url()) out.push_back(one.get());
  }
  return out;
}

ScenarioActor* Cast::shown(const ScenarioActor& in_room_of, const std::string& name) const {
  for (const auto& one : all_) {
    if (one->url() == in_room_of.url() && one->who().shown == name) return one.get();
  }
  return nullptr;
}

const ScenarioActor* Cast::named(const std::string& name) const {
  const auto found = std::find_if(all_.begin(), all_.end(),
                                  [&](const auto& one) { return one->who().name == name; });
  return found == all_.end() ? nullptr : found->get();
}

// They are numbered in their order, from 1; those elsewhere have numbers of their own, and echoes
// none.
const ScenarioActor* Cast::numbered(uint16_t source) const {
  const uint16_t number = source & ~kScreenMarks;
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) {
    return one->number() == (one->is_elsewhere() ? source : number);
  });
  return found == all_.end() ? nullptr : found->get();
}

bool Cast::is_prepared() const {
  return std::all_of(all_.begin(), all_.end(), [](const auto& one) { return one->is_prepared(); });
}

bool Cast::is_measured() const {
  return std::all_of(all_.begin(), all_.end(), [](const auto& one) { return one->is_measured(); });
}

bool Cast::is_compared() const { return !measuring_.vmaf || (*measuring_.vmaf)->idle(); }

size_t Cast::left_out_of_vmaf() const {
  return measuring_.vmaf ? (*measuring_.vmaf)->left_out() : 0;
}

bool Cast::is_written() const {
  return std::all_of(all_.begin(), all_.end(), [](const auto& one) {
    return one->media() == nullptr || one->media()->written();
  });
}

bool Cast::is_connected(const ScenarioActor& actor) const {
  if (actor.state() != ScenarioActor::State::kInside) return false;
  const auto others = others_in_room(actor);
  return std::all_of(others.begin(), others.end(), [&](const ScenarioActor* other) {
    return other->state() != ScenarioActor::State::kInside || !have_a_leg(actor, *other) ||
           actor.connected_to(*other);
  });
}

size_t Cast::inside() const {
  return static_cast<size_t>(std::count_if(all_.begin(), all_.end(), [](const auto& one) {
    return !one->is_elsewhere() && one->state() != ScenarioActor::State::kOut;
  }));
}

}  // namespace callbot::bot
