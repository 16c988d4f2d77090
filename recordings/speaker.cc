#include "recordings/speaker.h"

#include <algorithm>
#include <cmath>

namespace callbot::recordings {
namespace {

constexpr int64_t kMs = 1'000'000;
// Louder than this, and than the room by this much, is speech; the room's level follows slowly, so
// that a fan is not taken for a speaker for long.
constexpr double kSpeechDb = -46, kOverRoomDb = 10, kRoomRisesDb = 3;  // the last one a second
constexpr int64_t kWordGapNs = 350 * kMs;  // between words it is still speech
// Another one is looked at once it has spoken for so long and the last one was silent for so long:
// a "yes" in between moves nothing.
constexpr int64_t kHeardNs = 300 * kMs, kSilentNs = 700 * kMs;

}  // namespace

SpeakerWatch::SpeakerWatch(const Timeline& timeline, const std::vector<SpeechSpan>& speech) {
  for (const TimelineParticipant& p : timeline.participants) {
    Voice voice;
    for (const SpeechSpan& s : speech) {
      if (s.participant == p.id) voice.spans.push_back({s.from_ns, s.to_ns});
    }
    std::stable_sort(voice.spans.begin(), voice.spans.end(),
                     [](const auto& a, const auto& b) { return a.from_ns < b.from_ns; });
    voices_.push_back(std::move(voice));
  }
  speaking_.resize(voices_.size());
}

bool SpeakerWatch::speaks(Voice& voice, int64_t time_ns, float level, double seconds) {
  if (!voice.spans.empty()) {
    while (voice.span < voice.spans.size() && voice.spans[voice.span].to_ns <= time_ns)
      ++voice.span;
    return voice.span < voice.spans.size() && voice.spans[voice.span].from_ns <= time_ns;
  }
  const double db = 20 * std::log10(std::max(level, 1e-6F));
  voice.floor_db = std::min(db, voice.floor_db + kRoomRisesDb * seconds);
  voice.floor_db = std::max(voice.floor_db, -100.0);
  if (db > kSpeechDb && db > voice.floor_db + kOverRoomDb)
    voice.loud_until_ns = time_ns + kWordGapNs;
  return time_ns < voice.loud_until_ns;
}

void SpeakerWatch::listen(int64_t time_ns, std::span<const float> levels) {
  const double seconds = static_cast<double>(time_ns - last_ns_) / 1e9;
  last_ns_ = time_ns;
  for (size_t i = 0; i < voices_.size(); ++i) {
    Voice& voice = voices_[i];
    const bool now = speaks(voice, time_ns, i < levels.size() ? levels[i] : 0.0F, seconds);
    if (now && !speaking_[i]) voice.since_ns = time_ns;
    if (now) voice.last_ns = time_ns;
    speaking_[i] = now;
  }
  choose(time_ns);
}

void SpeakerWatch::choose(int64_t time_ns) {
  const bool gone =
      speaker_ < 0 || (!speaking_[static_cast<size_t>(speaker_)] &&
                       time_ns - voices_[static_cast<size_t>(speaker_)].last_ns >= kSilentNs);
  if (!gone) return;
  int64_t longest = kHeardNs - 1;
  for (size_t i = 0; i < voices_.size(); ++i) {
    const int64_t heard = speaking_[i] ? time_ns - voices_[i].since_ns : 0;
    if (heard <= longest) continue;
    longest = heard;
    speaker_ = static_cast<int>(i);
  }
}

}  // namespace callbot::recordings
