#include "recordings/asked.h"

#include <algorithm>

#include "recordings/manifest.h"

namespace callbot::recordings {

Asked asked_by(const std::vector<Event>& events) {
  Asked asked;
  for (const Event& e : events) {
    const auto of_same = [&](const Asked::Pause& p) { return p.participant == e.participant; };
    if (e.kind == EventKind::kFilter)
      asked.rules.push_back({e.pattern, e.include.value_or(false)});
    else if (e.kind == EventKind::kResumed)
      std::erase_if(asked.pauses, of_same);
    else if (e.kind == EventKind::kPaused &&
             std::none_of(asked.pauses.begin(), asked.pauses.end(), of_same))
      asked.pauses.push_back({e.participant, e.policy, e.by});
  }
  return asked;
}

Result<AskedBefore> read_asked(const std::filesystem::path& folder) {
  return load(folder).map([](const LoadedRecording& loaded) {
    AskedBefore before{.asked = asked_by(loaded.events)};
    for (const Participant& p : loaded.manifest.participants) {
      if (!p.recorder) before.participants.emplace_back(p.name, p.id);
    }
    return before;
  });
}

}  // namespace callbot::recordings
