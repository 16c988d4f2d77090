#include "scenarios/scenario.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/units.h"
#include "scenarios/shapes.h"

namespace callbot::scenarios {
namespace {

template <class T>
const T* find(const std::vector<T>& all, std::string_view name, std::string T::*member) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& one) { return one.*member == name; });
  return found == all.end() ? nullptr : &*found;
}

// * stands for anything, nothing too. Linear: the last * alone is gone back to.
bool glob(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t back = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      back = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++back;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string numbered(const std::string& name, int number, bool several) {
  return several ? fmt::format("{}-{}", name, number) : name;
}

std::string with_number(std::string url, int number) {
  for (size_t at = url.find("{n}"); at != std::string::npos; at = url.find("{n}", at))
    url.replace(at, 3, std::to_string(number));
  return url;
}

std::string text_of(const Span::End& end) {
  return end.mark.empty() ? seconds_text(end.seconds) : end.mark;
}

std::string expectation_text(const Step& step) {
  std::string out = "expect " + step.what;
  if (step.what == "metric")
    out += fmt::format(" {} {} {}", step.metric, text_of(step.stat), step.op);
  if (!step.from.empty()) out += " of " + step.from;
  if (step.width) out += fmt::format(" {}x{}", *step.width, *step.height);
  if (!step.codec.empty()) out += " " + step.codec;
  return out + " by " + step.who;
}

}  // namespace

const char* name_of(Verify verify) {
  constexpr const char* kNames[] = {"none", "headers", "rotate", "all"};
  return kNames[static_cast<int>(verify)];
}

const char* name_of(StepKind kind) {
  for (const StepShape& row : step_shapes()) {
    if (row.kind == kind) return row.value == nullptr ? row.key : row.value;
  }
  return "";
}

const char* name_of(Sight sight) { return sight == Sight::kSeen ? "seen" : "heard"; }

const char* name_of(Per per) {
  return per == Per::kRun ? "run" : per == Per::kActor ? "actor" : "stream";
}

const Room* Scenario::room(std::string_view name) const { return find(rooms, name, &Room::name); }
const Media* Scenario::media_named(std::string_view name) const {
  return find(media, name, &Media::name);
}
const Actor* Scenario::actor(std::string_view role) const {
  return find(actors, role, &Actor::role);
}

std::vector<Instance> instances(const Scenario& scenario) {
  std::vector<Instance> out;
  for (const Actor& actor : scenario.actors) {
    const Room* room = scenario.room(actor.room);
    const int rooms = room == nullptr ? 1 : room->count;
    const bool several = rooms * actor.count > 1;
    int number = 0;
    for (int r = 1; r <= rooms; ++r) {
      const std::string url = !actor.url.empty() ? actor.url : room == nullptr ? "" : room->url;
      for (int i = 0; i < actor.count; ++i) {
        ++number;
        out.push_back({&actor, numbered(actor.role, number, several),
                       numbered(actor.room, r, rooms > 1), with_number(url, r),
                       numbered(actor.name.empty() ? actor.role : actor.name, number, several)});
      }
    }
  }
  return out;
}

bool in_one_room(const Instance& a, const Instance& b) {
  return a.url == b.url && (a.url != kEmbedded || a.room == b.room);
}

bool matches(std::string_view pattern, std::string_view role, std::string_view instance) {
  return pattern == role || glob(pattern, instance);
}

std::string text_of(const Span& span) {
  if (span.from && span.to)
    return fmt::format("from {} to {}", text_of(*span.from), text_of(*span.to));
  if (span.from) return "after " + text_of(*span.from);
  return span.to ? "before " + text_of(*span.to) : "";
}

bool asks_for(const Scenario& scenario, std::string_view metric) {
  const auto names_it = [&](const auto& one) { return one.metric == metric; };
  return std::any_of(scenario.thresholds.begin(), scenario.thresholds.end(), names_it) ||
         std::any_of(scenario.steps.begin(), scenario.steps.end(), names_it);
}

std::string text_of(const Threshold& t) {
  std::string out = fmt::format("{} {} {} {}", t.metric, text_of(t.stat), t.op, t.written);
  if (t.per != Per::kRun) out += fmt::format(", each {}", name_of(t.per));
  if (!t.who.empty()) out += ", " + t.who;
  if (!t.from.empty()) out += ", from " + t.from;
  if (!t.stream.empty()) out += ", " + t.stream;
  if (const std::string span = text_of(t.span); !span.empty()) out += ", " + span;
  return out;
}

std::string text_of(const Step& step) {
  if (!step.name.empty()) return step.name;
  std::string out = name_of(step.kind);
  switch (step.kind) {
    case StepKind::kWait:
      return out + " " + seconds_text(step.wait);
    case StepKind::kMark:
      return out + " " + step.mark;
    case StepKind::kRun:
      return out + " " + (step.program.empty() ? "" : step.program[0]);
    case StepKind::kExpect:
      return expectation_text(step);
    case StepKind::kNetwork:
      return fmt::format("{} {}: {}", out, step.who, step.network ? step.network->name : "");
    case StepKind::kMute:
    case StepKind::kUnmute:
      return fmt::format("{} {} {}", out, step.who, step.what);
    default:
      return out + " " + step.who;
  }
}

}  // namespace callbot::scenarios
