#include "bot/scenario_other.h"

#include <fmt/core.h>

#include <cmath>
#include <utility>

#include "base/clock.h"

namespace callbot::bot {
namespace {

constexpr int kLeastProbes = 4;

tl::unexpected<Error> not_here() { return fail(Code::kUsage, "it is played elsewhere"); }

}  // namespace

ScenarioOther::ScenarioOther(Loop& loop, const scenarios::Scenario& scenario,
                             scenarios::Instance who, std::string url, uint16_t number,
                             ScenarioMeasuring& measuring, Hears hears)
    : ScenarioActor(loop, scenario, std::move(who), std::move(url), number, measuring,
                    std::move(hears)) {}

const ScenarioActor* ScenarioOther::origin() const {
  const std::string& echo = who_.actor->echo;
  if (echo.empty()) return nullptr;
  for (const ScenarioActor* other : hears_.others())
    if (scenarios::matches(echo, other->who().actor->role, other->who().name)) return other;
  return nullptr;
}

Result<std::string> ScenarioOther::switch_to(const scenarios::Step&) { return not_here(); }

Result<> ScenarioOther::post(const scenarios::Step&, const std::vector<ScenarioActor*>&) {
  return not_here();
}

void ScenarioOther::seen(const ScenarioActor& by, const signaling::Member& member,
                         int64_t since_ns) {
  seen_by_.insert(by.who().name);
  if (std::exchange(id_, member.id) != member.id) forget_clock();
  if (state_ == State::kInside) return;
  state_ = State::kInside;
  join_ns_ = since_ns;
  inside_.push_back({monotonic_ns(), 0});
  for (ScenarioActor* other : hears_.others()) other->meet(*this);
}

void ScenarioOther::seen_no_longer(const ScenarioActor& by) {
  seen_by_.erase(by.who().name);
  if (seen_by_.empty() && state_ == State::kInside) gone();
}

// Its next program has another one. Not when it goes: what came last is measured then.
void ScenarioOther::forget_clock() {
  clock_ = RemoteClock(kHostClock);
  foreign_marks_ = false;
  measuring_.log->forget(number_);
}

void ScenarioOther::told_clock(const ClockAnswer& answer, int64_t asked_ns) {
  const int64_t now_ns = monotonic_ns();
  clock_.probe(asked_ns, answer.at_ms, now_ns);
  // The first ones come while the connection is being made.
  if (clock_.probes() < kLeastProbes) return;
  for (const MarksPlan& plan : answer.marks) {
    if (plan.source != number_) {
      if (!std::exchange(foreign_marks_, true))
        tell("trouble", who_.shown,
             fmt::format("it sends marks of source {}, not {}: callbot send --seed {}", plan.source,
                         number_, number_));
      continue;
    }
    measuring_.log->set(number_, {.start_ns = clock_.monotonic_ns_of(plan.start_ms).value_or(0),
                                  .fps = plan.fps,
                                  .uncertainty_ns = std::llround(clock_.uncertainty_s() * 1e9),
                                  .told_ns = now_ns,
                                  .drift = kHostClock.drift});
  }
}

// What it sends back stops with what it is sent, and begins again.
void ScenarioOther::hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted,
                                 int64_t at_ns) {
  if (&other == origin()) tell_of_mute(kind, muted, at_ns);
}

void ScenarioOther::hear_of_stop(const ScenarioActor& other, const std::string& stream,
                                 bool stops) {
  if (&other == origin() && stream != "screen") tell_of_stop(stream, stops);
}

void ScenarioOther::meet(const ScenarioActor& other) {
  if (&other != origin() || state_ != State::kInside) return;
  for (ScenarioActor* one : hears_.others()) one->meet(*this);
}

bool ScenarioOther::sends() const {
  const ScenarioActor* of = origin();
  return of != nullptr ? of->sends() : media_ != nullptr;
}

bool ScenarioOther::on(MediaKind kind) const {
  if (const ScenarioActor* of = origin()) return of->on(kind);
  if (media_ == nullptr) return false;
  return (kind == MediaKind::kAudio ? media_->audio.source : media_->video.source) != "none";
}

KnownSender ScenarioOther::known() const {
  if (const ScenarioActor* of = origin()) {
    KnownSender known = of->known();
    known.joined_ns = join_ns_;
    known.screen_fps = 0;
    return known;
  }
  return {media_, who_.shown, number_, who_.actor->seed, join_ns_};
}

}  // namespace callbot::bot
