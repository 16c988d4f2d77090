#include "recordings/track_clock.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace callbot::recordings {
namespace {

constexpr int64_t kMostSoundStepNs = 1'000'000;
constexpr int64_t kSilenceNs = 100'000'000;  // between two frames: nobody hears a move in it
constexpr int64_t kMostShare = 5;            // of the time that passed: 1/5
// The part of what is wrong that is put right each second is large while it is large.
constexpr int64_t kSoundSettlesNs = 1'000'000'000;
constexpr int64_t kPictureSettlesNs = 200'000'000;

}  // namespace

const char* name_of(AnchorReason reason) {
  switch (reason) {
    case AnchorReason::kFirst:
      return "first";
    case AnchorReason::kDisagreement:
      return "disagreement";
    case AnchorReason::kNtp:
      return "ntp";
    case AnchorReason::kMoved:
      return "moved";
    case AnchorReason::kBeat:
      return "beat";
    case AnchorReason::kNone:
      break;
  }
  return "none";
}

int64_t TrackClock::by_rtp(const Frame& frame) const {
  return anchor_ns_ + ticks_to_ns(frame.rtp_time - anchor_rtp_, config_.clock_rate);
}

void TrackClock::anchor(const Frame& frame, int64_t time_ns) {
  pending_ = anchored_ ? AnchorReason::kDisagreement : AnchorReason::kFirst;
  if (anchored_ && sender_ != nullptr) sender_->broke(track_, frame);
  anchored_ = true;
  anchor_rtp_ = frame.rtp_time;
  anchor_ns_ = time_ns;
}

int64_t TrackClock::step(int64_t wrong_ns, int64_t passed_ns) const {
  const bool sound = kind_ == MediaKind::kAudio;
  const int64_t settles_ns = sound ? kSoundSettlesNs : kPictureSettlesNs;
  int64_t most = std::max<int64_t>(passed_ns, 0) / kMostShare;
  if (sound && passed_ns <= kSilenceNs) most = std::min(most, kMostSoundStepNs);
  const double share =
      std::clamp(static_cast<double>(passed_ns) / static_cast<double>(settles_ns), 0.0, 1.0);
  return std::clamp(static_cast<int64_t>(share * static_cast<double>(wrong_ns)), -most, most);
}

// Towards where the frame belongs.
void TrackClock::move(const Frame& frame, TimedFrame& timed) {
  const SenderClock::Place place = sender_->place(track_, frame);
  const int64_t now = by_rtp(frame);
  const int64_t by = step(place.time_ns - now, now - last_ns_);
  anchor_ns_ += by;
  moved_ns_ += by;
  usual_lateness_ns_ = place.earliest_ns - by_rtp(frame);
  timed.new_report = place.new_report;
}

TimedFrame TrackClock::settled(Frame frame) {
  TimedFrame timed;
  if (sender_ != nullptr) move(frame, timed);
  timed.stalled_from_ns = std::exchange(stalled_from_ns_, 0);
  last_arrival_ns_ = std::max(last_arrival_ns_, frame.first_arrival_ns);
  timed.time_ns = std::max(by_rtp(frame), last_ns_);
  timed.anchor = std::exchange(pending_, AnchorReason::kNone);
  if (frame.ntp_ns && !ntp_seen_) {
    ntp_seen_ = true;
    if (timed.anchor == AnchorReason::kNone) timed.anchor = AnchorReason::kNtp;
  }
  if (timed.anchor == AnchorReason::kNone && std::abs(moved_ns_) >= config_.anchor_moved_ns)
    timed.anchor = AnchorReason::kMoved;
  if (timed.anchor == AnchorReason::kNone &&
      timed.time_ns - reported_ns_ >= config_.anchor_every_ns)
    timed.anchor = AnchorReason::kBeat;
  if (timed.anchor != AnchorReason::kNone) {
    reported_ns_ = timed.time_ns;
    moved_ns_ = 0;
  }
  last_ns_ = timed.time_ns;
  timed.frame = std::move(frame);
  return timed;
}

std::vector<TimedFrame> TrackClock::push(Frame frame, int64_t now_ns) {
  if (!anchored_) {
    last_ns_ = frame.first_arrival_ns;
    anchor(frame, frame.first_arrival_ns);
  }
  const int64_t late = lateness(frame);
  if (late > config_.most_disagreement_ns) {
    if (held_.empty()) held_since_ns_ = now_ns;
    held_.push_back(std::move(frame));
    const int64_t held_ns = held_.back().first_arrival_ns - held_.front().first_arrival_ns;
    return held_ns >= config_.decide_after_ns ? decide() : settle(now_ns);
  }
  auto out = release();  // the lateness melted away
  if (late < -config_.most_disagreement_ns) anchor(frame, frame.first_arrival_ns);
  out.push_back(settled(std::move(frame)));
  return out;
}

std::vector<TimedFrame> TrackClock::settle(int64_t now_ns) {
  if (held_.empty() || now_ns - held_since_ns_ < config_.decide_after_ns) return {};
  return decide();
}

std::vector<TimedFrame> TrackClock::finish() { return held_.empty() ? release() : decide(); }

std::vector<TimedFrame> TrackClock::decide() {
  int64_t least = lateness(held_.front());
  for (const Frame& frame : held_) least = std::min(least, lateness(frame));
  const bool melting =
      lateness(held_.front()) - lateness(held_.back()) > config_.decide_after_ns / 2;
  if (!melting) {
    const Frame& first = held_.front();
    const int64_t by_then = by_rtp(first);
    if (first.first_arrival_ns - last_arrival_ns_ > least / 2) stalled_from_ns_ = by_then;
    anchor(first, by_then + least);
  }
  return release();
}

std::vector<TimedFrame> TrackClock::release() {
  std::vector<TimedFrame> out;
  for (Frame& frame : held_) out.push_back(settled(std::move(frame)));
  held_.clear();
  return out;
}

}  // namespace callbot::recordings
