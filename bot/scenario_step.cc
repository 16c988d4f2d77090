#include "bot/scenario_step.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace callbot::bot {
namespace {

using scenarios::Outcome;
using scenarios::StepKind;
using State = ScenarioActor::State;
using MemberState = signaling::Member::State;

}  // namespace

ScenarioStep::ScenarioStep(const scenarios::Step& step, Cast& cast) : step_(step), cast_(cast) {}

bool ScenarioStep::is_picture() const {
  return step_.kind == StepKind::kCameraOff || step_.kind == StepKind::kCameraOn ||
         step_.what == "video";
}

void ScenarioStep::begin(int64_t now_ns) {
  began_ns_ = now_ns;
  if (step_.kind == StepKind::kExpect) expectation_.emplace(step_, cast_, now_ns);
  if (step_.kind == StepKind::kRun) program_ = ScenarioProgram::start(step_.program);
  if (step_.kind == StepKind::kExpect || step_.who.empty()) return;
  who_ = cast_.who_can(step_);
  if (step_.network)
    network_ = network_of(*step_.network, cast_.scenario()).value_or(network::Network());
  for (ScenarioActor* actor : who_) act(*actor);
}

void ScenarioStep::act(ScenarioActor& actor) {
  const MediaKind kind = is_picture() ? MediaKind::kVideo : MediaKind::kAudio;
  switch (step_.kind) {
    case StepKind::kJoin:
      return actor.join();
    case StepKind::kLeave:
      return actor.leave();
    case StepKind::kCrash:
      return actor.crash();
    case StepKind::kMute:
    case StepKind::kCameraOff:
      return actor.send(kind, false);
    case StepKind::kUnmute:
    case StepKind::kCameraOn:
      return actor.send(kind, true);
    case StepKind::kNetwork:
      return actor.change_network({network_.conditions, step_.index, step_.verify});
    case StepKind::kShareScreen:
    case StepKind::kUnshareScreen:
      return actor.share_screen(step_.kind == StepKind::kShareScreen);
    case StepKind::kSwitch:
      return note(actor, actor.switch_to(step_));
    case StepKind::kMessage:
    case StepKind::kFile:
      return note(actor, actor.post(step_, recipients_of(actor)).map([] { return std::string(); }));
    default:
      return;
  }
}

void ScenarioStep::note(const ScenarioActor& actor, const Result<std::string>& how) {
  const std::string& name = actor.who().name;
  if (how)
    said_ = *how;
  else
    wrong_[name] = name + ": " + how.error().message;
}

std::vector<ScenarioActor*> ScenarioStep::recipients_of(const ScenarioActor& actor) const {
  auto all = cast_.others_in_room(actor);
  std::erase_if(all, [&](const ScenarioActor* other) {
    if (step_.to.empty()) return other->is_elsewhere();  // who may have no channel
    return !scenarios::matches(step_.to, other->who().actor->role, other->who().name);
  });
  return all;
}

StepEnd ScenarioStep::missing_of(const ScenarioActor& actor, const PostState& post,
                                 const char* missing) {
  const std::string& name = actor.who().name;
  if (post.done) return {};
  if (post.failure) return {Outcome::kFailed, name, name + ": " + post.failure->message};
  return {Outcome::kSkipped, name, fmt::format("{} {}: {}", name, missing, post.missing)};
}

bool ScenarioStep::is_known(const ScenarioActor& actor) const {
  const auto others = cast_.others_in_room(actor);
  const MemberState wanted = actor.on(is_picture() ? MediaKind::kVideo : MediaKind::kAudio)
                                 ? MemberState::kOn
                                 : MemberState::kOff;
  return std::all_of(others.begin(), others.end(), [&](const ScenarioActor* other) {
    const signaling::Member* member = other->member(actor.who().shown);
    if (member == nullptr) return true;
    const MemberState told = is_picture() ? member->video : member->audio;
    // Where the signaling does not tell, there is nothing to wait for.
    return told == wanted || told == MemberState::kUnknown;
  });
}

StepEnd ScenarioStep::missing_of(ScenarioActor& actor) const {
  const std::string& name = actor.who().name;
  if (const auto wrong = wrong_.find(name); wrong != wrong_.end())
    return {Outcome::kFailed, name, wrong->second};
  switch (step_.kind) {
    case StepKind::kSwitch:
      return {};
    case StepKind::kShareScreen:
      return missing_of(actor, actor.sharing(), "does not share its screen yet");
    case StepKind::kUnshareScreen:
      return missing_of(actor, actor.sharing(), "shares its screen still");
    case StepKind::kMessage:
    case StepKind::kFile:
      return missing_of(actor, actor.go_on_posting(), "has not sent all of it");
    case StepKind::kJoin:
      if (actor.error()) return {Outcome::kFailed, name, name + ": " + actor.error()->message};
      if (cast_.is_connected(actor)) return {};
      return {Outcome::kSkipped, name, name + " is not connected to everybody"};
    case StepKind::kLeave:
    case StepKind::kCrash:
      if (actor.state() == State::kOut) return {};
      return {Outcome::kSkipped, name, name + " is still there"};
    default:
      if (is_known(actor)) return {};
      return {Outcome::kSkipped, name, "not everybody was told so of " + name};
  }
}

StepEnd ScenarioStep::missing() const {
  StepEnd optional;
  for (ScenarioActor* actor : who_) {
    const StepEnd one = missing_of(*actor);
    if (one.outcome == Outcome::kDone) continue;
    if (!actor->who().actor->optional) return one;
    // It is waited for as long as it may take, and then it is not missed.
    if (one.outcome == Outcome::kSkipped) optional = {Outcome::kSkipped, "", ""};
  }
  return optional;
}

StepEnd ScenarioStep::program_end() const {
  if (!program_) return {Outcome::kFailed, "", program_.error().message};
  if (!(*program_)->ended()) return {Outcome::kSkipped, "", "the program runs on"};
  const int status = (*program_)->exit_status();
  if (status == step_.exit_status) return {};
  return {Outcome::kFailed, "",
          fmt::format("{} ended with {}: expected {}{}", step_.program[0], status,
                      step_.exit_status, last_words())};
}

std::string ScenarioStep::last_words() const {
  const std::string said = program_ && *program_ ? (*program_)->last_words() : "";
  return said.empty() ? "" : "; it said: " + said;
}

std::optional<StepEnd> ScenarioStep::poll(int64_t now_ns) {
  const auto after = [&](double seconds) {
    return now_ns >= began_ns_ + std::llround(seconds * 1e9);
  };
  if (expectation_) return expectation_->poll(now_ns);
  if (step_.kind == StepKind::kMark || step_.kind == StepKind::kNetwork) return StepEnd{};
  if (step_.kind == StepKind::kWait)
    return after(step_.wait) ? std::optional(StepEnd{}) : std::nullopt;
  StepEnd now = step_.kind == StepKind::kRun ? program_end() : missing();
  if (now.outcome == Outcome::kDone) now.text = said_;
  if (now.outcome != Outcome::kSkipped) return now;
  if (!after(step_.timeout)) return std::nullopt;
  if (now.text.empty()) return StepEnd{};
  now.outcome = Outcome::kFailed;
  now.text += fmt::format(" after {}", seconds_text(step_.timeout)) + last_words();
  return now;
}

}  // namespace callbot::bot
