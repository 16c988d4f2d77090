#include "bot/page_log.h"

namespace callbot::bot {

void PageLog::begin(uint16_t source, uint32_t frames, int64_t uncertainty_ns) {
  const std::lock_guard lock(mutex_);
  rounds_[source] = {std::vector<int64_t>(frames), 0, uncertainty_ns};
}

void PageLog::add(uint16_t source, uint32_t counter, int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  const auto found = rounds_.find(source);
  if (found == rounds_.end()) return;
  Round& round = found->second;
  const auto frames = static_cast<uint32_t>(round.at_ns.size());
  if (counter >= frames) return;
  // The half that is ahead of it is of the round before, and so is what was left out on the way.
  while (round.last != counter) {
    round.last = (round.last + 1) % frames;
    round.at_ns[round.last] = 0;
    round.at_ns[(round.last + frames / 2) % frames] = 0;
  }
  round.at_ns[counter] = at_ns;
}

std::optional<Captured> PageLog::captured(uint16_t source, uint32_t counter) const {
  const std::lock_guard lock(mutex_);
  const auto found = rounds_.find(source);
  if (found == rounds_.end() || counter >= found->second.at_ns.size()) return std::nullopt;
  const int64_t at_ns = found->second.at_ns[counter];
  if (at_ns == 0) return std::nullopt;
  return Captured{at_ns, found->second.uncertainty_ns};
}

std::optional<uint32_t> PageLog::newest(uint16_t source, int64_t at_ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = rounds_.find(source);
  if (found == rounds_.end()) return std::nullopt;
  const Round& round = found->second;
  const auto frames = static_cast<uint32_t>(round.at_ns.size());
  for (uint32_t back = 0; back < frames / 2; ++back) {
    const uint32_t counter = (round.last + frames - back) % frames;
    if (round.at_ns[counter] != 0 && round.at_ns[counter] <= at_ns) return counter;
  }
  return std::nullopt;
}

}  // namespace callbot::bot
