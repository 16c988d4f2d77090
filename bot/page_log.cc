#include "bot/page_log.h"

namespace callbot::bot {
namespace {

constexpr size_t kChirpsKept = 60;  // one a second

}  // namespace

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

void PageLog::chirp(uint16_t source, bool up, const Captured& when) {
  const std::lock_guard lock(mutex_);
  auto& chirps = voices_[source].chirps;
  chirps.push_back({up, when});
  if (chirps.size() > kChirpsKept) chirps.pop_front();
}

void PageLog::told_until(uint16_t source, int64_t until_ns) {
  const std::lock_guard lock(mutex_);
  voices_[source].told_until_ns = until_ns;
}

std::optional<Captured> PageLog::chirp_before(uint16_t source, bool up, int64_t at_ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = voices_.find(source);
  if (found == voices_.end()) return std::nullopt;
  const auto& chirps = found->second.chirps;
  for (auto one = chirps.rbegin(); one != chirps.rend(); ++one)
    if (one->up == up && one->when.at_ns <= at_ns) return one->when;
  return std::nullopt;
}

int64_t PageLog::chirps_told_until(uint16_t source) const {
  const std::lock_guard lock(mutex_);
  const auto found = voices_.find(source);
  return found == voices_.end() ? 0 : found->second.told_until_ns;
}

}  // namespace callbot::bot
