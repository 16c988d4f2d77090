#include "recordings/track_clock.h"

#include <algorithm>
#include <utility>

namespace callbot::recordings {
namespace {
constexpr int64_t kSecond = 1'000'000'000;
}

const char* name_of(AnchorReason reason) {
  switch (reason) {
    case AnchorReason::kFirst:
      return "first";
    case AnchorReason::kDisagreement:
      return "disagreement";
    case AnchorReason::kNtp:
      return "ntp";
    case AnchorReason::kBeat:
      return "beat";
    case AnchorReason::kNone:
      break;
  }
  return "none";
}

int64_t TrackClock::by_rtp(const Frame& frame) const {
  const int64_t ticks = frame.rtp_time - anchor_rtp_;
  const int64_t rate = config_.clock_rate;
  return anchor_ns_ + ticks / rate * kSecond + ticks % rate * kSecond / rate;
}

void TrackClock::anchor(const Frame& frame, int64_t time_ns) {
  pending_ = anchored_ ? AnchorReason::kDisagreement : AnchorReason::kFirst;
  anchored_ = true;
  anchor_rtp_ = frame.rtp_time;
  anchor_ns_ = time_ns;
}

TimedFrame TrackClock::settled(Frame frame) {
  TimedFrame timed;
  timed.time_ns = std::max(by_rtp(frame), last_ns_);
  timed.anchor = std::exchange(pending_, AnchorReason::kNone);
  if (frame.ntp_ns && !ntp_seen_) {
    ntp_seen_ = true;
    if (timed.anchor == AnchorReason::kNone) timed.anchor = AnchorReason::kNtp;
  }
  if (timed.anchor == AnchorReason::kNone &&
      timed.time_ns - reported_ns_ >= config_.anchor_every_ns)
    timed.anchor = AnchorReason::kBeat;
  if (timed.anchor != AnchorReason::kNone) reported_ns_ = timed.time_ns;
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
  if (!melting) anchor(held_.front(), by_rtp(held_.front()) + least);
  return release();
}

std::vector<TimedFrame> TrackClock::release() {
  std::vector<TimedFrame> out;
  for (Frame& frame : held_) out.push_back(settled(std::move(frame)));
  held_.clear();
  return out;
}

}  // namespace callbot::recordings
