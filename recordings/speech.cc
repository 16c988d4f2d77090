#include "recordings/speech.h"

#include <algorithm>

namespace callbot::recordings {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kPacketNs = 20 * kMs;  // of sound in a packet, as a rule

}  // namespace

std::optional<SpeechDetector::Span> SpeechDetector::heard(AudioLevel level, int64_t time_ns) {
  knows_voice_ = knows_voice_ || level.voice;
  const bool loud = level.below_dbov <= kLoudestQuiet && (level.voice || !knows_voice_);
  if (!loud) return quiet(time_ns);
  auto ended = quiet(time_ns);
  if (!loud_since_ || (!speaks_ && time_ns - loud_until_ > kBridgeMs * kMs)) loud_since_ = time_ns;
  loud_until_ = std::max(loud_until_, time_ns + kPacketNs);
  if (ended || speaks_ || loud_until_ - *loud_since_ < kOnMs * kMs) return ended;
  speaks_ = true;
  return Span{*loud_since_};
}

std::optional<SpeechDetector::Span> SpeechDetector::quiet(int64_t time_ns) {
  return speaks_ && time_ns - loud_until_ >= kOffMs * kMs ? end() : std::nullopt;
}

std::optional<SpeechDetector::Span> SpeechDetector::finish() {
  return speaks_ ? end() : std::nullopt;
}

std::optional<SpeechDetector::Span> SpeechDetector::end() {
  speaks_ = false;
  const Span span{*loud_since_, loud_until_};
  loud_since_.reset();
  return span;
}

}  // namespace callbot::recordings
