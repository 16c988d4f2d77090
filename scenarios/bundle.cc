#include "scenarios/bundle.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"

namespace callbot::scenarios {
namespace {

// Our choices: so much before and after, and longer windows are not shown whole.
constexpr int64_t kAround = 5'000'000'000;
constexpr int64_t kLongest = 20'000'000'000;

Moment moment_of(const Case& c, const Evidence& e) {
  Moment moment;
  const int64_t at = c.place ? c.place->at_ns : c.window ? c.window->to_ns : e.ended_ns;
  moment.span = {at - kAround, at + kAround};
  moment.at_ns = at;
  if (c.window && c.window->to_ns - c.window->from_ns <= kLongest) {
    moment.span.from_ns = std::min(moment.span.from_ns, c.window->from_ns);
    moment.span.to_ns = std::max(moment.span.to_ns, c.window->to_ns);
  }
  moment.span.from_ns = std::max(moment.span.from_ns, e.began_ns);
  moment.span.to_ns = std::min(moment.span.to_ns, e.ended_ns);
  if (c.place && !c.place->actor.empty()) moment.actors.push_back(c.place->actor);
  moment.cases.push_back(c.detail.empty() ? c.name : c.name + ": " + c.detail);
  return moment;
}

bool touch(const TimeWindow& a, const TimeWindow& b) {
  return a.from_ns <= b.to_ns && b.from_ns <= a.to_ns;
}

}  // namespace

std::vector<Moment> moments_of(const Judged& judged, const Evidence& evidence) {
  std::vector<Moment> all;
  for (const Case& c : judged.cases) {
    if (c.verdict > Verdict::kWarn) all.push_back(moment_of(c, evidence));
  }
  std::stable_sort(all.begin(), all.end(), [](const Moment& a, const Moment& b) {
    return a.span.from_ns < b.span.from_ns;
  });
  std::vector<Moment> out;
  for (Moment& m : all) {
    const auto same = std::find_if(out.begin(), out.end(), [&](const Moment& o) {
      return o.actors == m.actors && touch(o.span, m.span);
    });
    if (same == out.end()) {
      out.push_back(std::move(m));
      continue;
    }
    same->span.to_ns = std::max(same->span.to_ns, m.span.to_ns);
    same->cases.insert(same->cases.end(), m.cases.begin(), m.cases.end());
  }
  return out;
}

Evidence within(const Evidence& evidence, const TimeWindow& span) {
  Evidence out = evidence;
  const auto is_in = [&](int64_t at_ns) { return at_ns >= span.from_ns && at_ns <= span.to_ns; };
  const auto not_then = [&](const auto& one) { return !is_in(one.at_ns); };
  const auto not_meanwhile = [&](const auto& one) { return !touch(one.span, span); };
  std::erase_if(out.events, not_then);
  std::erase_if(out.marks, not_then);
  std::erase_if(out.pairs, not_then);
  std::erase_if(out.steps, not_meanwhile);
  std::erase_if(out.networks, not_meanwhile);
  std::erase_if(out.presence, not_meanwhile);
  std::erase_if(out.looks, not_meanwhile);
  out.files.clear();
  for (Series& series : out.series) {
    std::erase_if(series.samples, not_then);
    std::erase_if(series.folded, [&](const Folded& f) {
      return !touch({f.first_ns, f.end_ns}, span);
    });
    std::erase_if(series.stretches, [&](const Stretch& s) {
      return !touch({s.from_ns, s.from_ns + series.stretch_ns}, span);
    });
  }
  return out;
}

std::string log_text(const Evidence& e) {
  std::vector<std::pair<int64_t, std::string>> lines;
  for (const EventFact& event : e.events)
    lines.emplace_back(event.at_ns, fmt::format("{:<12} {:<12} {}{}", printable(event.actor),
                                                event.kind, printable(event.text, 400),
                                                event.unexpected ? " (unexpected)" : ""));
  for (const StepFact& step : e.steps) {
    lines.emplace_back(step.span.from_ns,
                       fmt::format("{:<12} {:<12} {}", "", "step", printable(step.what, 200)));
    lines.emplace_back(step.span.to_ns,
                       fmt::format("{:<12} {:<12} {}: {}{}", "", "step", printable(step.what, 200),
                                   name_of(step.outcome),
                                   step.text.empty() ? "" : ": " + printable(step.text, 400)));
  }
  for (const MarkFact& mark : e.marks)
    lines.emplace_back(mark.at_ns,
                       fmt::format("{:<12} {:<12} {}", "", "mark", printable(mark.name)));
  for (const CandidatePair& pair : e.pairs)
    lines.emplace_back(pair.at_ns,
                       fmt::format("{:<12} {:<12} {} -> {} ({}, {})", printable(pair.actor), "pair",
                                   pair.local, pair.remote, printable(pair.with), pair.why));
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (const auto& [at_ns, text] : lines)
    out += fmt::format("{:>8}  {}\n", clock_text(std::max<int64_t>(at_ns - e.began_ns, 0)), text);
  return out;
}

}  // namespace callbot::scenarios
