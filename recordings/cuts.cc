#include "recordings/cuts.h"

#include <algorithm>

namespace callbot::recordings {

namespace {

std::vector<TimeSpan> joined(std::vector<TimeSpan> all) {
  std::sort(all.begin(), all.end(),
            [](const TimeSpan& a, const TimeSpan& b) { return a.from_ns < b.from_ns; });
  std::vector<TimeSpan> cuts;
  for (const TimeSpan& s : all) {
    if (!cuts.empty() && s.from_ns <= cuts.back().to_ns)
      cuts.back().to_ns = std::max(cuts.back().to_ns, s.to_ns);
    else
      cuts.push_back(s);
  }
  return cuts;
}

}  // namespace

std::vector<TimeSpan> cuts_of(const Manifest& m, int64_t end_ns, const std::string& participant) {
  std::vector<TimeSpan> all;
  for (const Pause& p : m.pauses) {
    const bool ours = p.participant.empty() || p.participant == participant;
    if (ours && p.policy == "cut") all.push_back({p.from_ns, p.to_ns.value_or(end_ns)});
  }
  return joined(std::move(all));
}

std::vector<TimeSpan> with_cut(std::vector<TimeSpan> cuts, TimeSpan more) {
  if (more.from_ns < more.to_ns) cuts.push_back(more);
  return joined(std::move(cuts));
}

bool is_cut(const std::vector<TimeSpan>& cuts, int64_t time_ns) {
  return std::any_of(cuts.begin(), cuts.end(), [time_ns](const TimeSpan& s) {
    return time_ns >= s.from_ns && time_ns < s.to_ns;
  });
}

int64_t without_cuts(const std::vector<TimeSpan>& cuts, int64_t time_ns) {
  int64_t gone = 0;
  for (const TimeSpan& s : cuts)
    gone += std::max<int64_t>(0, std::min(time_ns, s.to_ns) - s.from_ns);
  return time_ns - gone;
}

}  // namespace callbot::recordings
