#include "pipelines/pauses.h"

#include <algorithm>
#include <limits>

namespace callbot::pipelines {
namespace {

// How long after its arrival a frame may still come out of a jitterbuffer; longer than any latency
// that one is given.
constexpr int64_t kRememberNs = 60'000'000'000;
constexpr int64_t kLasts = std::numeric_limits<int64_t>::max();

}  // namespace

void Pauses::begin(const std::string& participant, int64_t now_ns) {
  std::vector<Span>& spans = spans_[participant];
  std::erase_if(spans, [&](const Span& s) { return s.to_ns < now_ns - kRememberNs; });
  if (spans.empty() || spans.back().to_ns != kLasts) spans.push_back({now_ns});
}

void Pauses::end(const std::string& participant, int64_t now_ns) {
  const auto found = spans_.find(participant);
  if (found == spans_.end() || found->second.empty()) return;
  Span& last = found->second.back();
  if (last.to_ns == kLasts) last.to_ns = now_ns;
}

bool Pauses::covers(const std::string& key, int64_t first_ns, int64_t last_ns) const {
  const auto found = spans_.find(key);
  return found != spans_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [&](const Span& s) { return last_ns >= s.from_ns && first_ns < s.to_ns; });
}

bool Pauses::cover(const std::string& participant, int64_t first_ns, int64_t last_ns) const {
  if (spans_.empty()) return false;
  return covers("", first_ns, last_ns) ||
         (!participant.empty() && covers(participant, first_ns, last_ns));
}

}  // namespace callbot::pipelines
