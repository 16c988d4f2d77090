#include "bot/scenario_expect.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "scenarios/threshold.h"

namespace callbot::bot {
namespace {

using scenarios::Outcome;
using MemberState = signaling::Member::State;

constexpr int64_t kAskEvery = 250'000'000;
// Who was seen or heard within that time still is: as long as presence takes no hole for one.
constexpr int64_t kLately = 1'000'000'000;
// What came is measured that much later at the latest: the beat of those who decode, and they.
constexpr int64_t kUntilMeasured = 300'000'000;

int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

ScenarioExpectation::ScenarioExpectation(const scenarios::Step& step, const Cast& cast,
                                         int64_t now_ns)
    : step_(step), cast_(cast), began_ns_(now_ns) {
  for (ScenarioActor* who : cast.who_can(step)) {
    if (step.from.empty()) pairs_.push_back({who, nullptr});
    for (ScenarioActor* from : cast.of(step.from)) {
      if (from != who && from->url() == who->url()) pairs_.push_back({who, from});
    }
  }
}

std::string ScenarioExpectation::text_of(const Pair& pair) {
  const std::string who = pair.who->who().name;
  return pair.from == nullptr ? who : fmt::format("{} of {}", who, pair.from->who().name);
}

std::optional<StepEnd> ScenarioExpectation::poll(int64_t now_ns) {
  if (pairs_.empty()) return StepEnd{Outcome::kUnmeasured, "", "nobody is there whom it is about"};
  if (step_.what == "unseen" || step_.what == "silence") return poll_absence(now_ns);
  const bool late = now_ns > began_ns_ + ns(step_.timeout);
  // What is measured comes each second.
  if (step_.what == "metric" && !late && now_ns < asked_ns_ + kAskEvery) return std::nullopt;
  asked_ns_ = now_ns;
  bool all = true;
  for (Pair& pair : pairs_) {
    if (pair.held) continue;
    const Answer answer = ask(pair, now_ns);
    const std::string& who = pair.who->who().name;
    if (answer.is == Is::kUnmeasured)
      return StepEnd{Outcome::kUnmeasured, who, text_of(pair) + ": " + answer.text};
    if (answer.is == Is::kNot) {
      pair.since_ns = 0;
      if (late) return StepEnd{answer.late, who, text_of(pair) + ": " + answer.text};
    } else {
      if (pair.since_ns == 0) pair.since_ns = now_ns;
      // Of a metric `for` is what it is measured over.
      pair.held = step_.what == "metric" || now_ns - pair.since_ns >= ns(step_.lasts);
    }
    all = all && pair.held;
  }
  return all ? std::optional(StepEnd{}) : std::nullopt;
}

ScenarioExpectation::Answer ScenarioExpectation::ask(const Pair& pair, int64_t now_ns) const {
  const std::string& what = step_.what;
  if (what == "joined" || what == "left" || what == "muted" || what == "unmuted")
    return ask_state(pair);
  if (what == "size" || what == "codec") return ask_streams(pair);
  if (what == "message" || what == "file") return ask_told(pair);
  if (what == "metric") return ask_metric(pair, now_ns);
  return ask_senses(pair, now_ns);
}

Sensed ScenarioExpectation::whom(const Pair& pair) const {
  const bool sound =
      step_.what == "first-sound" || step_.what == "heard" || step_.what == "silence";
  const ScenarioActor* origin = pair.from->origin();
  Sensed whom{pair.from->who().name, (origin ? origin : pair.from)->number(),
              sound ? MediaKind::kAudio : MediaKind::kVideo, step_.stream, origin != nullptr};
  for (const auto& other : cast_.all())
    if (other->origin() == pair.from) whom.echoes.push_back(other->who().name);
  return whom;
}

ScenarioExpectation::Answer ScenarioExpectation::ask_senses(const Pair& pair,
                                                            int64_t now_ns) const {
  const quality::PresenceLog* senses = pair.who->senses();
  if (!pair.who->decodes())
    return {Is::kUnmeasured, fmt::format("it decodes nothing (verify: {})",
                                         scenarios::name_of(pair.who->who().actor->verify))};
  if (senses == nullptr || pair.who->state() == ScenarioActor::State::kOut)
    return {Is::kNot, "is not in the call"};
  const Sensed who = whom(pair);
  if (step_.what == "first-frame" || step_.what == "first-sound") {
    const bool so = decoded_since(senses->decoded(), who, pair.from->join_ns());
    return {so ? Is::kSo : Is::kNot, "nothing was decoded"};
  }
  const auto presence = senses->spans();
  if (const auto stranger = stranger_since(presence, who, now_ns - kLately)) {
    const ScenarioActor* other = cast_.numbered(*stranger);
    return {Is::kNot, "the marks in it are those of " +
                          source_text(*stranger, other == nullptr ? nullptr : &other->who().name)};
  }
  const bool so = sensed_since(presence, who, now_ns - kLately).has_value();
  return {so ? Is::kSo : Is::kNot,
          step_.what == "heard" ? "nothing is heard" : "no marks are read"};
}

ScenarioExpectation::Answer ScenarioExpectation::ask_absence(const Pair& pair,
                                                             int64_t now_ns) const {
  const quality::PresenceLog* senses = pair.who->senses();
  if (!pair.who->decodes() || senses == nullptr) return {Is::kUnmeasured, "it decodes nothing"};
  const int64_t from_ns = began_ns_ + ns(step_.grace);
  const int64_t to_ns = from_ns + ns(step_.lasts);
  const Sensed who = whom(pair);
  const auto presence = senses->spans();
  for (const quality::PresenceSpan& span : presence) {
    if (span.from_ns > to_ns) continue;
    if (const auto at = sensed_since({span}, who, from_ns))
      return {
          Is::kNot,
          fmt::format("{} {} after it began", step_.what == "silence" ? "heard" : "seen",
                      seconds_text(
                          static_cast<double>(std::max(span.from_ns, from_ns) - began_ns_) / 1e9))};
  }
  if (now_ns < to_ns + kUntilMeasured) return {Is::kSo, ""};
  if (looked_at(senses->unread(), who, from_ns, to_ns))
    return {Is::kUnmeasured, "pictures came whose marks could not be read"};
  const bool looked = pair.who->who().actor->verify == scenarios::Verify::kAll ||
                      looked_at(senses->looks(), who, from_ns, to_ns);
  return looked ? Answer{Is::kSo, ""} : Answer{Is::kUnmeasured, "nobody looked then"};
}

std::optional<StepEnd> ScenarioExpectation::poll_absence(int64_t now_ns) const {
  for (const Pair& pair : pairs_) {
    const Answer answer = ask_absence(pair, now_ns);
    if (answer.is == Is::kSo) continue;
    return StepEnd{answer.is == Is::kNot ? Outcome::kFailed : Outcome::kUnmeasured,
                   pair.who->who().name, text_of(pair) + ": " + answer.text};
  }
  if (now_ns < began_ns_ + ns(step_.grace) + ns(step_.lasts) + kUntilMeasured) return std::nullopt;
  return StepEnd{};
}

ScenarioExpectation::Answer ScenarioExpectation::ask_state(const Pair& pair) const {
  if (step_.what == "joined")
    return {cast_.is_connected(*pair.who) ? Is::kSo : Is::kNot, "is not connected to everybody"};
  const signaling::Member* member = pair.who->member(pair.from->who().shown);
  if (step_.what == "left") {
    const auto& told = pair.who->told();
    const bool was = std::any_of(told.begin(), told.end(), [&](const Told& t) {
      return t.kind == "left" && t.from == pair.from->who().shown;
    });
    return {member == nullptr && was ? Is::kSo : Is::kNot, "was not told so"};
  }
  if (member == nullptr) return {Is::kNot, "is not in the call"};
  const MemberState state = step_.stream == "camera" ? member->video : member->audio;
  if (state == MemberState::kUnknown)
    return {Is::kUnmeasured, "this signaling does not say who is muted"};
  const bool muted = state == MemberState::kOff;
  return {muted == (step_.what == "muted") ? Is::kSo : Is::kNot, "was not told so"};
}

ScenarioExpectation::Answer ScenarioExpectation::ask_streams(const Pair& pair) const {
  std::string seen;
  for (const auto& stream : pair.who->streams_of(pair.from->who().shown)) {
    const bool video = stream.info.kind == MediaKind::kVideo;
    if (!step_.stream.empty() && stream_of(stream.info) != step_.stream) continue;
    if (step_.what == "codec") {
      if (stream.info.codec == step_.codec) return {Is::kSo, ""};
      seen += " " + stream.info.codec;
    } else if (video && stream.width > 0) {
      if (static_cast<int>(stream.width) == step_.width &&
          static_cast<int>(stream.height) == step_.height)
        return {Is::kSo, ""};
      seen += fmt::format(" {}x{}", stream.width, stream.height);
    }
  }
  return {Is::kNot, seen.empty() ? "nothing came" : "came:" + seen};
}

ScenarioExpectation::Answer ScenarioExpectation::ask_told(const Pair& pair) const {
  for (Told& told : pair.who->told()) {
    const bool fits = told.kind == step_.what && told.from == pair.from->who().shown &&
                      (step_.text.empty() || told.text == step_.text);
    if (!fits || told.used) continue;
    told.used = true;
    return {Is::kSo, ""};
  }
  return {Is::kNot, "nothing of it came"};
}

ScenarioExpectation::Answer ScenarioExpectation::ask_metric(const Pair& pair,
                                                            int64_t now_ns) const {
  const int64_t from_ns = step_.lasts > 0 ? now_ns - ns(step_.lasts) : began_ns_;
  if (from_ns < began_ns_) return {Is::kNot, "not measured for so long yet"};
  scenarios::Threshold threshold;
  threshold.metric = step_.metric;
  threshold.stat = step_.stat;
  threshold.op = step_.op;
  threshold.value = step_.value;
  threshold.who = pair.who->who().name;
  if (pair.from != nullptr) threshold.from = pair.from->who().name;
  threshold.stream = step_.stream;
  threshold.span.from = scenarios::Span::End{"", 0};
  scenarios::Evidence evidence;
  evidence.began_ns = evidence.steps_ns = from_ns;
  evidence.ended_ns = now_ns;
  for (const auto& actor : cast_.all()) evidence.actors.push_back(actor->facts(now_ns));
  std::vector<const Series*> series;
  for (const Series& one : pair.who->series()) series.push_back(&one);
  const auto recoveries = pair.who->recoveries(now_ns);
  for (const Series& one : recoveries) series.push_back(&one);
  const auto judged = scenarios::judge_threshold(threshold, evidence, series);
  using scenarios::Verdict;
  return {judged.verdict == Verdict::kPass ? Is::kSo : Is::kNot, judged.text,
          judged.verdict == Verdict::kInvalid      ? Outcome::kInvalid
          : judged.verdict == Verdict::kUnmeasured ? Outcome::kUnmeasured
                                                   : Outcome::kFailed};
}

}  // namespace callbot::bot
