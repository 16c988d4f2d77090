#include "bot/limits.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"

namespace callbot::bot {

void Limits::begin() {
  if (config_.duration) duration_.once(*config_.duration, [this] { end("duration", ""); });
}

void Limits::members(size_t count) {
  had_members_ = had_members_ || count > 0;
  if (!config_.until_empty || !had_members_) return;
  if (count > 0) return empty_.stop();
  if (config_.empty_for.count() == 0) return end("empty", "");
  if (!empty_.running()) empty_.once(config_.empty_for, [this] { end("empty", ""); });
}

void Limits::tick(const recordings::RecordingStats& stats, const std::vector<Listened>& members,
                  bool paused) {
  if (config_.most_bytes > 0 && stats.bytes >= config_.most_bytes)
    return end("size", fmt::format("{} bytes of media", stats.bytes));
  if (!config_.until_silent) return;
  const int64_t now = monotonic_ns();
  if (paused || !had_members_ || !silent(stats, members)) {
    silent_since_ns_.reset();
  } else if (!silent_since_ns_) {
    silent_since_ns_ = now;
  } else if (now - *silent_since_ns_ >= std::chrono::nanoseconds(*config_.until_silent).count()) {
    end("silent", fmt::format("nobody spoke for {}", clock_text(now - *silent_since_ns_)));
  }
}

// A member whose sender does not say how loud it is may be speaking.
bool Limits::silent(const recordings::RecordingStats& stats, const std::vector<Listened>& members) {
  return std::all_of(members.begin(), members.end(), [&](const Listened& member) {
    const auto talker =
        std::find_if(stats.talkers.begin(), stats.talkers.end(),
                     [&](const auto& one) { return one.participant == member.participant; });
    if (talker == stats.talkers.end()) return member.said_off;
    return member.said_off || !talker->speaks;
  });
}

void Limits::stop() {
  duration_.stop();
  empty_.stop();
  end_ = nullptr;
}

void Limits::end(const char* reason, const std::string& text) {
  if (auto ends = std::exchange(end_, nullptr))
    ends({.reason = reason, .by = "recorder", .text = text});
}

}  // namespace callbot::bot
