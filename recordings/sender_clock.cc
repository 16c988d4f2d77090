#include "recordings/sender_clock.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace callbot::recordings {

void SenderClock::begin(const TrackInfo& info) {
  const int rate = std::max(info.clock_rate, 1);
  Track track{info.kind, rate, ClockEstimate(rate)};
  if (const Track* other = leader()) track.stepped_ns = other->stepped_ns;
  tracks_.try_emplace(info.id, std::move(track));
}

void SenderClock::end(TrackId track) {
  tracks_.erase(track);
  if (leader_ == track) leader_.reset();
}

void SenderClock::broke(TrackId id, const Frame& frame) {
  const auto found = tracks_.find(id);
  if (found == tracks_.end()) return;
  Track& track = found->second;
  track.floor.forget();
  track.estimate.forget();
  track.broke_at_ns = frame.first_arrival_ns;
}

// Takes in the report that a frame stands for. True if it is used.
bool SenderClock::hear(Track& track, const Frame& frame) {
  const bool known = track.estimate.known();
  const int64_t expected = known ? track.estimate.ntp_of(frame.rtp_time) : 0;
  const auto heard = track.estimate.add({frame.rtp_time, *frame.ntp_ns});
  if (heard == ClockEstimate::Heard::kAnew && floor_.known()) {
    const int64_t now = track.estimate.ntp_of(frame.rtp_time);
    judge_step(track, ticks_to_ns(frame.rtp_time, track.clock_rate), now, now - expected);
  }
  return heard == ClockEstimate::Heard::kUsed || heard == ClockEstimate::Heard::kAnew;
}

// RTP time and the sender's clock have stepped against each other. Which of them it was is seen
// from where its frames came in lately.
void SenderClock::judge_step(Track& track, int64_t rtp_ns, int64_t ntp_ns, int64_t step_ns) {
  const int64_t came_ns = rtp_ns + track.floor.latest_ns() - track.path_ns;
  const auto off = [&](int64_t stepped_ns) {
    return std::abs(floor_.arrival_of(ntp_ns - stepped_ns) - came_ns);
  };
  if (off(track.stepped_ns + step_ns) < off(track.stepped_ns))
    track.stepped_ns += step_ns;
  else
    track.floor.forget();
}

const SenderClock::Track* SenderClock::leader() const {
  const auto found = leader_ ? tracks_.find(*leader_) : tracks_.end();
  return found == tracks_.end() ? nullptr : &found->second;
}

// The sound leads, without sound the first track there is.
void SenderClock::lead(TrackId id, const Track& track) {
  const Track* now = leader();
  if (now == nullptr || !now->estimate.known() ||
      (track.kind == MediaKind::kAudio && now->kind != MediaKind::kAudio))
    leader_ = id;
}

SenderClock::Place SenderClock::place(TrackId id, const Frame& frame) {
  const auto found = tracks_.find(id);
  if (found == tracks_.end()) return {frame.first_arrival_ns, frame.first_arrival_ns};
  Track& track = found->second;
  const int64_t rtp_ns = ticks_to_ns(frame.rtp_time, track.clock_rate);
  track.floor.add(rtp_ns, frame.first_arrival_ns);
  Place place;
  if (frame.ntp_ns) place.new_report = hear(track, frame);
  if (!track.floor.known()) track.floor.add(rtp_ns, frame.first_arrival_ns);
  place.earliest_ns = track.floor.arrival_of(rtp_ns);
  place.time_ns = place.earliest_ns - track.path_ns;
  if (!track.estimate.known()) return place;

  lead(id, track);
  const int64_t sent = track.estimate.ntp_of(frame.rtp_time) - track.stepped_ns;
  const bool fresh_break =
      track.broke_at_ns != 0 && frame.first_arrival_ns - track.broke_at_ns < kBreakNs;
  const int64_t most = fresh_break ? kMostAfterBreakNs : kMostDisagreementNs;
  if (floor_.known() && std::abs(floor_.arrival_of(sent) - place.earliest_ns) > most) {
    if (fresh_break || leader_ != id) return place;
    floor_.forget();
  }
  floor_.add(sent, frame.first_arrival_ns);
  place.time_ns = floor_.arrival_of(sent);
  track.path_ns = place.earliest_ns - place.time_ns;
  return place;
}

}  // namespace callbot::recordings
