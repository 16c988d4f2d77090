#include "quality/sender_log.h"

#include <algorithm>
#include <cmath>

namespace callbot::quality {
namespace {

constexpr uint32_t kKept = 8192;  // a power of 2
constexpr uint32_t kCounterMask = 0xffffff;
constexpr int64_t kSecond_ns = 1'000'000'000;

}  // namespace

std::optional<Captured> SenderLog::captured_chirp(uint16_t source, int64_t number, int fps) const {
  return captured(source, static_cast<uint32_t>(number * fps));
}

std::optional<int64_t> SenderLog::newest_chirp(uint16_t source, int64_t at_ns, int fps) const {
  const auto frame = newest(source, at_ns);
  if (!frame) return std::nullopt;
  return static_cast<int64_t>(*frame) / fps;
}

void CaptureLog::add(uint16_t source, uint32_t counter, int64_t captured_ns) {
  const std::lock_guard lock(mutex_);
  Source& s = sources_[source];
  s.entries.resize(kKept);
  s.last = counter & kCounterMask;
  s.entries[s.last % kKept] = {s.last, captured_ns};
}

std::optional<Captured> CaptureLog::captured(uint16_t source, uint32_t counter) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source);
  if (found == sources_.end()) return std::nullopt;
  counter &= kCounterMask;
  const Entry& e = found->second.entries[counter % kKept];
  if (e.at_ns == 0 || e.counter != counter) return std::nullopt;
  return Captured{e.at_ns};
}

std::optional<uint32_t> CaptureLog::newest(uint16_t source, int64_t at_ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source);
  if (found == sources_.end()) return std::nullopt;
  const Source& s = found->second;
  for (uint32_t back = 0; back < kKept; ++back) {
    const uint32_t counter = (s.last - back) & kCounterMask;
    const Entry& e = s.entries[counter % kKept];
    if (e.at_ns != 0 && e.counter == counter && e.at_ns <= at_ns) return counter;
  }
  return std::nullopt;
}

namespace {

int64_t time_of(const PlannedLog::Plan& plan, uint32_t counter) {
  return plan.start_ns + std::llround((counter - plan.first) / plan.fps * 1e9);
}

Captured captured_at(const PlannedLog::Plan& plan, int64_t at_ns) {
  const auto since = static_cast<double>(std::abs(at_ns - plan.told_ns));
  return {at_ns, plan.uncertainty_ns + std::llround(plan.drift * since)};
}

// When frame 0 was captured, or would have been.
int64_t first_second(const PlannedLog::Plan& first) {
  return first.start_ns - std::llround(first.first / first.fps * 1e9);
}

}  // namespace

void PlannedLog::set(uint16_t source, const Plan& plan) {
  const std::lock_guard lock(mutex_);
  plans_[source] = {plan};
}

void PlannedLog::forget(uint16_t source) {
  const std::lock_guard lock(mutex_);
  plans_.erase(source);
}

void PlannedLog::change_rate(uint16_t source, uint32_t first, double fps) {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end()) return;
  const Plan& before = found->second.back();
  found->second.push_back(
      {time_of(before, first), fps, before.uncertainty_ns, first, before.told_ns, before.drift});
}

std::optional<Captured> PlannedLog::captured(uint16_t source, uint32_t counter) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end()) return std::nullopt;
  counter &= kCounterMask;
  const auto& plans = found->second;
  const auto plan = std::find_if(plans.rbegin(), plans.rend() - 1,
                                 [counter](const Plan& p) { return p.first <= counter; });
  return captured_at(*plan, time_of(*plan, counter));
}

std::optional<uint32_t> PlannedLog::newest(uint16_t source, int64_t at_ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end() || at_ns < found->second.front().start_ns) return std::nullopt;
  const auto& plans = found->second;
  const auto plan = std::find_if(plans.rbegin(), plans.rend() - 1,
                                 [at_ns](const Plan& p) { return p.start_ns <= at_ns; });
  // A frame that is captured at this very nanosecond counts.
  const double frames = static_cast<double>(at_ns + 1 - plan->start_ns) / 1e9 * plan->fps;
  return (plan->first + static_cast<uint32_t>(frames)) & kCounterMask;
}

std::optional<Captured> PlannedLog::captured_chirp(uint16_t source, int64_t number, int) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end()) return std::nullopt;
  const Plan& first = found->second.front();
  return captured_at(first, first_second(first) + number * kSecond_ns);
}

std::optional<int64_t> PlannedLog::newest_chirp(uint16_t source, int64_t at_ns, int) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end() || at_ns < found->second.front().start_ns) return std::nullopt;
  return (at_ns - first_second(found->second.front())) / kSecond_ns;
}

std::optional<Captured> JoinedLog::captured(uint16_t source, uint32_t counter) const {
  for (const auto& log : logs_) {
    if (const auto found = log->captured(source, counter)) return found;
  }
  return std::nullopt;
}

std::optional<uint32_t> JoinedLog::newest(uint16_t source, int64_t at_ns) const {
  for (const auto& log : logs_) {
    if (const auto found = log->newest(source, at_ns)) return found;
  }
  return std::nullopt;
}

std::optional<Captured> JoinedLog::captured_chirp(uint16_t source, int64_t number, int fps) const {
  for (const auto& log : logs_) {
    if (const auto found = log->captured_chirp(source, number, fps)) return found;
  }
  return std::nullopt;
}

std::optional<Captured> JoinedLog::chirp_before(uint16_t source, bool up, int64_t at_ns) const {
  for (const auto& log : logs_) {
    if (const auto found = log->chirp_before(source, up, at_ns)) return found;
  }
  return std::nullopt;
}

int64_t JoinedLog::chirps_told_until(uint16_t source) const {
  int64_t until_ns = 0;
  for (const auto& log : logs_) until_ns = std::max(until_ns, log->chirps_told_until(source));
  return until_ns;
}

std::optional<int64_t> JoinedLog::newest_chirp(uint16_t source, int64_t at_ns, int fps) const {
  for (const auto& log : logs_) {
    if (const auto found = log->newest_chirp(source, at_ns, fps)) return found;
  }
  return std::nullopt;
}

}  // namespace callbot::quality
