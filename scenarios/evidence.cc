#include "scenarios/evidence.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace callbot::scenarios {
namespace {

int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

Result<int64_t> moment_of(const Span::End& end, const Evidence& evidence) {
  if (end.mark.empty()) return evidence.steps_ns + ns(end.seconds);
  for (const MarkFact& mark : evidence.marks) {
    if (mark.name == end.mark) return mark.at_ns;
  }
  return fail(Code::kUnmeasured, fmt::format("the run never came to the mark {}", end.mark));
}

}  // namespace

const char* name_of(Outcome outcome) {
  constexpr const char* kNames[] = {"done", "failed", "unmeasured", "invalid", "skipped"};
  return kNames[static_cast<size_t>(outcome)];
}

const ActorFacts* Evidence::actor(std::string_view name) const {
  const auto found = std::find_if(actors.begin(), actors.end(),
                                  [&](const ActorFacts& one) { return one.name == name; });
  return found == actors.end() ? nullptr : &*found;
}

Result<TimeWindow> window_of(const Span& span, const Evidence& evidence) {
  TimeWindow window{evidence.began_ns, evidence.ended_ns};
  if (span.from) {
    const auto at = moment_of(*span.from, evidence);
    if (!at) return tl::unexpected(at.error());
    window.from_ns = *at;
  }
  if (span.to) {
    const auto at = moment_of(*span.to, evidence);
    if (!at) return tl::unexpected(at.error());
    window.to_ns = std::min(*at, evidence.ended_ns);
  }
  if (window.to_ns <= window.from_ns)
    return fail(Code::kUnmeasured, "the run ended before this window");
  return window;
}

std::vector<TimeWindow> merged(std::vector<TimeWindow> spans) {
  std::sort(spans.begin(), spans.end(),
            [](const TimeWindow& a, const TimeWindow& b) { return a.from_ns < b.from_ns; });
  std::vector<TimeWindow> out;
  for (const TimeWindow& span : spans) {
    if (span.to_ns <= span.from_ns) continue;
    if (out.empty() || span.from_ns > out.back().to_ns)
      out.push_back(span);
    else
      out.back().to_ns = std::max(out.back().to_ns, span.to_ns);
  }
  return out;
}

std::vector<TimeWindow> common(const std::vector<TimeWindow>& a, const std::vector<TimeWindow>& b) {
  std::vector<TimeWindow> out;
  for (const TimeWindow& one : merged(a)) {
    for (const TimeWindow& other : merged(b))
      out.push_back({std::max(one.from_ns, other.from_ns), std::min(one.to_ns, other.to_ns)});
  }
  return merged(std::move(out));
}

double seconds_within(const std::vector<TimeWindow>& spans, const TimeWindow& window) {
  double sum = 0;
  for (const TimeWindow& span : merged(spans)) {
    const TimeWindow part{std::max(span.from_ns, window.from_ns),
                          std::min(span.to_ns, window.to_ns)};
    if (part.to_ns > part.from_ns) sum += part.seconds();
  }
  return sum;
}

}  // namespace callbot::scenarios
