#include "bot/scenario_actor.h"

#include "base/clock.h"
#include "bot/scenario_senses.h"

namespace callbot::bot {
namespace {

// What came a moment ago may still be on its way to be measured.
constexpr int64_t kMeasuredWithin_ns = 5'000'000'000;

}  // namespace

ScenarioActor::ScenarioActor(Loop& loop, const scenarios::Scenario& scenario,
                             scenarios::Instance who, std::string url, uint16_t number,
                             ScenarioMeasuring& measuring, Hears hears)
    : loop_(loop),
      scenario_(scenario),
      who_(std::move(who)),
      url_(std::move(url)),
      number_(number),
      measuring_(measuring),
      hears_(std::move(hears)),
      media_(scenario.media_named(who_.actor->send)),
      log_(who_.name),
      samples_(who_.name, hears_.sample, measuring.folding) {}

void ScenarioActor::tell_of_stop(const std::string& stream, bool stops) {
  for (ScenarioActor* other : hears_.others()) {
    other->hear_of_stop(*this, stream, stops);
    if (stops) other->hear_of_end(*this, stream);
  }
}

void ScenarioActor::tell_of_mute(MediaKind kind, bool muted, int64_t at_ns) {
  for (ScenarioActor* other : hears_.others()) {
    other->hear_of_mute(*this, kind, muted, at_ns);
    if (muted) other->hear_of_end(*this, stream_of(TrackInfo{.kind = kind}));
  }
}

void ScenarioActor::tell(const char* kind, const std::string& from, std::string text) {
  told_.push_back({kind, from, std::move(text), monotonic_ns()});
  hears_.told(*this, told_.back());
}

std::string ScenarioActor::name_of(const std::string& shown) const {
  const ScenarioActor* other = hears_.other(shown);
  return other == nullptr ? shown : other->who_.name;
}

void ScenarioActor::gone() {
  if (!inside_.empty() && inside_.back().to_ns == 0) inside_.back().to_ns = monotonic_ns();
  state_ = State::kOut;
  recoveries_.stopped("", "", monotonic_ns());
  for (ScenarioActor* other : hears_.others()) other->hear_of_end(*this, "");
}

void ScenarioActor::network_changes() {
  const int64_t now = monotonic_ns();
  recoveries_.own_changed(now);
  for (ScenarioActor* other : hears_.others()) other->hear_of_network(*this, now);
}

void ScenarioActor::look_at_recoveries(int64_t now_ns) {
  if (who_.actor->verify == scenarios::Verify::kAll)
    recoveries_.look(samples_.series(), now_ns - kMeasuredWithin_ns);
}

std::vector<Series> ScenarioActor::recoveries(int64_t now_ns) const {
  if (who_.actor->verify != scenarios::Verify::kAll) return {};
  return recoveries_.series(samples_.series(), now_ns);
}

scenarios::ActorFacts ScenarioActor::facts(int64_t now_ns) const {
  scenarios::ActorFacts facts{
      who_.name,           who_.actor->role, who_.room,     scenarios::name_of(who_.actor->verify),
      who_.actor->browser, inside_,          is_elsewhere()};
  // A browser's is its own.
  if (who_.actor->browser.empty()) facts.playout_latency = who_.actor->playout_latency.value_or(0);
  if (state_ == State::kInside || state_ == State::kLeaving) {
    if (!facts.inside.empty()) facts.inside.back().to_ns = now_ns;
  }
  return facts;
}

bool ScenarioActor::decodes() const {
  return who_.actor->verify == scenarios::Verify::kRotate ||
         who_.actor->verify == scenarios::Verify::kAll;
}

// An echo's marks are its own in its stream, and its origin's in any other.
const ScenarioActor* ScenarioActor::whose(const std::string& stream_of, uint16_t source) const {
  const ScenarioActor* whom = hears_.numbered(source);
  for (const ScenarioActor* other : hears_.others())
    if (whom != nullptr && other->origin() == whom && other->who_.name == stream_of) return other;
  return whom;
}

std::vector<scenarios::Presence> ScenarioActor::presence_of(
    const quality::PresenceLog& senses) const {
  std::vector<scenarios::Presence> out;
  for (const quality::PresenceSpan& span : senses.unread())
    out.push_back({who_.name, "", span.from, scenarios::Sight::kSeen, {span.from_ns, span.to_ns}});
  for (const quality::PresenceSpan& span : senses.spans()) {
    scenarios::Presence one{
        who_.name, span.from, span.from, scenarios::Sight::kHeard, {span.from_ns, span.to_ns}};
    if (span.source) {
      const ScenarioActor* whom = whose(span.from, *span.source);
      one.whom = source_text(*span.source, whom == nullptr ? nullptr : &whom->who_.name);
      if (span.media == MediaKind::kVideo) one.sight = scenarios::Sight::kSeen;
    }
    out.push_back(std::move(one));
  }
  return out;
}

// Who decodes all of it looked, whether something came or not.
std::vector<scenarios::Look> ScenarioActor::looks(int64_t now_ns) const {
  using scenarios::Sight;
  std::vector<scenarios::Look> out;
  if (!decodes()) return out;
  for (const scenarios::TimeWindow& span : facts(now_ns).inside) {
    if (receives(MediaKind::kVideo)) out.push_back({who_.name, "", Sight::kSeen, span});
    if (receives(MediaKind::kAudio)) out.push_back({who_.name, "", Sight::kHeard, span});
  }
  return out;
}

}  // namespace callbot::bot
