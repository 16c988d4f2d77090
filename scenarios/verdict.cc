#include "scenarios/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace callbot::scenarios {
namespace {

Verdict verdict_of(Outcome outcome, bool optional) {
  switch (outcome) {
    case Outcome::kDone:
      return Verdict::kPass;
    case Outcome::kFailed:
      return optional ? Verdict::kWarn : Verdict::kFail;
    case Outcome::kInvalid:
      return Verdict::kInvalid;
    default:
      return Verdict::kUnmeasured;
  }
}

Case run_case(const Evidence& evidence) {
  Case c;
  c.kind = Case::kRun;
  c.name = "the run";
  c.window = TimeWindow{evidence.began_ns, evidence.ended_ns};
  if (!evidence.invalid.empty()) {
    c.verdict = Verdict::kInvalid;
    c.text = evidence.invalid.front();
    for (size_t i = 1; i < evidence.invalid.size(); ++i) c.text += "; " + evidence.invalid[i];
  } else if (!evidence.established) {
    c.verdict = Verdict::kFail;
    c.text = evidence.ended.empty() ? "the call was not established" : evidence.ended;
  } else if (evidence.interrupted || !evidence.ended.empty()) {
    c.verdict = evidence.interrupted ? Verdict::kUnmeasured : Verdict::kFail;
    c.text = evidence.ended.empty() ? "interrupted" : evidence.ended;
  } else {
    c.verdict = Verdict::kPass;
    c.text = "came to its end";
  }
  return c;
}

// How bad it is for the run as a whole.
int rank(const Case& c, bool unmeasured_fails) {
  switch (c.verdict) {
    case Verdict::kPass:
      return 0;
    case Verdict::kWarn:
      return 1;
    case Verdict::kUnmeasured:
      return c.softened || !unmeasured_fails ? 1 : 2;
    case Verdict::kInvalid:
      return 3;
    case Verdict::kFail:
      return 4;
  }
  return 4;
}

constexpr Verdict kRanks[] = {Verdict::kPass, Verdict::kWarn, Verdict::kUnmeasured,
                              Verdict::kInvalid, Verdict::kFail};

// What a run says that cannot be believed is neither good nor bad.
void disbelieve(Case& c, const Evidence& evidence) {
  if (evidence.invalid.empty()) return;
  if (c.verdict == Verdict::kInvalid || c.verdict == Verdict::kUnmeasured) return;
  c.text += fmt::format(" (would be {}, but {})", name_of(c.verdict), evidence.invalid.front());
  c.verdict = Verdict::kInvalid;
}

void conclude(Judged& judged, const Scenario& scenario) {
  int worst = 0;
  for (Case& c : judged.cases) {
    if (c.verdict == Verdict::kUnmeasured && !scenario.unmeasured_fails) c.softened = true;
    worst = std::max(worst, rank(c, scenario.unmeasured_fails));
  }
  judged.verdict = kRanks[worst];
}

}  // namespace

const char* name_of(Verdict verdict) {
  constexpr const char* kNames[] = {"pass", "warn", "fail", "unmeasured", "invalid"};
  return kNames[static_cast<int>(verdict)];
}

std::string value_text(double value, std::string_view unit) {
  if (unit == "s") return seconds_text(value);
  if (unit == "bit/s") return bit_rate_text(value);
  const std::string number = value == std::round(value) && std::abs(value) < 1e15
                                 ? fmt::format("{:.0f}", value)
                                 : fmt::format("{:.4g}", value);
  if (unit == "1/s") return number + "/s";
  return unit == "1" || unit.empty() ? number : fmt::format("{} {}", number, unit);
}

void find_place(CasePlace& place, const Evidence& evidence) {
  const FileFact* found = nullptr;
  for (const FileFact& f : evidence.files) {
    const bool then = f.span.from_ns <= place.at_ns && place.at_ns < f.span.to_ns;
    if (f.kind != "media" || f.actor != place.actor || !then) continue;
    if (f.from == place.from) found = &f;
    if (found == nullptr) found = &f;
  }
  if (found == nullptr) return;
  place.file = found->path;
  place.in_file = static_cast<double>(place.at_ns - found->span.from_ns) / 1e9;
}

std::vector<Case> judge_steps(const Scenario& scenario, const Evidence& evidence) {
  std::vector<Case> out;
  for (const StepFact& step : evidence.steps) {
    const bool expectation = step.kind == "expect";
    const bool verifies = step.index < scenario.steps.size() && scenario.steps[step.index].verify;
    // A step that went well is no promise of the scenario; what it expects or verifies is one.
    if (step.outcome == Outcome::kSkipped && !expectation) continue;
    if (step.outcome == Outcome::kDone && !expectation && !verifies) continue;
    Case c;
    c.kind = verifies ? Case::kNetwork : Case::kStep;
    c.name = fmt::format("step {}: {}", step.index + 1, step.what);
    c.detail = step.actor;
    c.verdict = verdict_of(step.outcome, step.optional);
    c.text = step.text.empty() ? name_of(step.outcome) : step.text;
    c.window = step.span;
    c.place = CasePlace{step.span.to_ns, step.actor, ""};
    find_place(*c.place, evidence);
    if (step.index < scenario.steps.size()) c.written = scenario.steps[step.index].place;
    out.push_back(std::move(c));
  }
  // Expectations that the run never came to were not measured.
  for (const Step& step : scenario.steps) {
    const bool there = std::any_of(evidence.steps.begin(), evidence.steps.end(),
                                   [&](const StepFact& f) { return f.index == step.index; });
    if (there || step.kind != StepKind::kExpect) continue;
    Case c;
    c.kind = Case::kStep;
    c.name = fmt::format("step {}: {}", step.index + 1, text_of(step));
    c.text = "the run never came to it";
    c.written = step.place;
    out.push_back(std::move(c));
  }
  return out;
}

std::vector<Case> judge_signaling(const Scenario& scenario, const Evidence& evidence) {
  std::vector<Case> out;
  for (const EventFact& event : evidence.events) {
    const bool optional = std::find(scenario.optional.begin(), scenario.optional.end(),
                                    event.kind) != scenario.optional.end();
    if (!event.unexpected || optional) continue;
    Case c;
    c.kind = Case::kSignaling;
    c.name = "unexpected: " + event.kind;
    c.detail = event.actor;
    const auto same = std::find_if(out.begin(), out.end(), [&](const Case& other) {
      return other.name == c.name && other.detail == c.detail;
    });
    if (same != out.end()) {
      ++same->samples;
      continue;
    }
    c.verdict = Verdict::kFail;
    c.samples = 1;
    c.text = fmt::format("{} at {:.1f} s", event.text, evidence.seconds(event.at_ns));
    c.place = CasePlace{event.at_ns, event.actor, ""};
    find_place(*c.place, evidence);
    out.push_back(std::move(c));
  }
  return out;
}

std::vector<Case> judge_networks(const Scenario&, const Evidence& evidence) {
  std::vector<Case> out;
  for (const NetworkFact& fact : evidence.networks) {
    if (!fact.set_by.empty() || fact.outcome != Outcome::kInvalid) continue;
    Case c;
    c.kind = Case::kNetwork;
    c.name = "network: " + fact.conditions;
    c.detail = fact.actor;
    c.verdict = Verdict::kInvalid;
    c.text = fact.text;
    c.window = fact.span;
    c.place = CasePlace{fact.span.to_ns, fact.actor, ""};
    find_place(*c.place, evidence);
    out.push_back(std::move(c));
  }
  return out;
}

Judged judge(const Scenario& scenario, const Evidence& evidence) {
  Judged judged{.established = evidence.established, .interrupted = evidence.interrupted};
  judged.cases.push_back(run_case(evidence));
  for (auto* part :
       {&judge_steps, &judge_networks, &judge_signaling, &judge_timeline, &judge_thresholds}) {
    for (Case& c : (*part)(scenario, evidence)) judged.cases.push_back(std::move(c));
  }
  if (Case& run = judged.cases.front(); judged.cases.size() == 1 && run.verdict == Verdict::kPass) {
    run.verdict = Verdict::kUnmeasured;
    run.text = "nothing was asked of it: no expectation, threshold or row of a timeline";
  }
  for (Case& c : judged.cases) disbelieve(c, evidence);
  conclude(judged, scenario);
  return judged;
}

void add_cases(Judged& judged, std::vector<Case> more, const Scenario& scenario,
               const Evidence& evidence) {
  for (Case& c : more) {
    disbelieve(c, evidence);
    judged.cases.push_back(std::move(c));
  }
  conclude(judged, scenario);
}

int exit_status_of(std::span<const Judged> runs) {
  constexpr int kInterrupted = 130;
  bool established = true;
  bool failed = false;
  bool unknown = runs.empty();
  for (const Judged& run : runs) {
    if (run.interrupted) return kInterrupted;
    established = established && run.established;
    failed = failed || run.verdict == Verdict::kFail;
    unknown = unknown || run.verdict == Verdict::kUnmeasured || run.verdict == Verdict::kInvalid;
  }
  if (!established) return 3;
  return failed ? 1 : unknown ? 5 : 0;
}

}  // namespace callbot::scenarios
