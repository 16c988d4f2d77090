#include "quality/sender_log.h"

#include <cmath>

namespace callbot::quality {
namespace {

constexpr uint32_t kKept = 8192;  // a power of 2
constexpr uint32_t kCounterMask = 0xffffff;

}  // namespace

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

void PlannedLog::set(uint16_t source, const Plan& plan) {
  const std::lock_guard lock(mutex_);
  plans_[source] = plan;
}

std::optional<Captured> PlannedLog::captured(uint16_t source, uint32_t counter) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end()) return std::nullopt;
  const Plan& p = found->second;
  return Captured{p.start_ns + std::llround((counter & kCounterMask) / p.fps * 1e9),
                  p.uncertainty_ns};
}

std::optional<uint32_t> PlannedLog::newest(uint16_t source, int64_t at_ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(source);
  if (found == plans_.end() || at_ns < found->second.start_ns) return std::nullopt;
  const Plan& p = found->second;
  // A frame that is captured at this very nanosecond counts.
  const double frames = static_cast<double>(at_ns + 1 - p.start_ns) / 1e9 * p.fps;
  return static_cast<uint32_t>(frames) & kCounterMask;
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

}  // namespace callbot::quality
