// How a file ends and the next begins where nothing but its length or somebody's wish says so.
//
// A video can only begin at a key frame: one is asked for, and from it on the track's frames are
// held; so is the sound from that time on. Once every track has come so far, which is a matter of
// a round trip, the file ends and the held frames begin the next one: none is in both, none in
// neither. If it takes too long what was held goes where it belongs, and it is tried again later.
#include <algorithm>

#include "recordings/media_writer.h"

namespace callbot::recordings {
namespace {

// Frames that are held are lost by a kill: well below a second.
constexpr int64_t kHoldDeadlineNs = 500'000'000;
// Sound comes from another jitterbuffer, a little later than the picture it belongs to; or not at
// all, if it pauses.
constexpr int64_t kSoundGraceNs = 200'000'000;
// A video without a frame for so long is off: nobody waits for its key frame.
constexpr int64_t kOffNs = 2'000'000'000;
constexpr int64_t kAskEveryNs = 1'000'000'000;
constexpr int64_t kTryAgainNs = 5'000'000'000;
constexpr int64_t kEarlyMarginNs = 100'000'000;

}  // namespace

void MediaWriter::begin_turn(int64_t time_ns, int64_t now_ns) {
  if (main() == nullptr || turn_) return;
  const bool limit = too_long(*main(), time_ns);
  if (!limit && !split_asked_) return;
  turn_ = Turn{.reason = split_asked_ ? "split" : "limit"};
  ask_for_key_frames(now_ns);
}

void MediaWriter::ask_for_key_frames(int64_t now_ns) {
  turn_->asked_ns = now_ns;
  if (!config_.recording.want_key_frame) return;
  for (const auto& [id, track] : tracks_) {
    const bool video = track.info.kind == MediaKind::kVideo;
    if (video && track.stretch == main() && !turned(track, now_ns))
      config_.recording.want_key_frame(id);
  }
}

void MediaWriter::ask_again(Track& track, int64_t now_ns) {
  if (track.asked_ns != 0 && now_ns - track.asked_ns < kAskEveryNs) return;
  track.asked_ns = now_ns;
  if (config_.recording.want_key_frame) config_.recording.want_key_frame(track.info.id);
}

// Is this frame one of the next file? Then it is kept for it.
bool MediaWriter::hold(Track& track, TimedFrame& frame) {
  const int64_t now_ns = frame.frame.last_arrival_ns;
  if (now_ns < turn_->not_before_ns) return false;
  const bool first = !turn_->at_ns;
  if (track.info.kind == MediaKind::kVideo) {
    if (track.held.empty() && !frame.frame.key) return false;
  } else if (first) {
    // Sound may lead only where no picture is to be waited for.
    const bool pictures = std::any_of(tracks_.begin(), tracks_.end(), [&](const auto& other) {
      return other.second.info.kind == MediaKind::kVideo && other.second.stretch == main() &&
             !turned(other.second, now_ns);
    });
    if (pictures) return false;
  } else if (frame.time_ns < *turn_->at_ns) {
    return false;
  }
  if (first) turn_->held_since_ns = now_ns;
  turn_->at_ns = std::min(turn_->at_ns.value_or(frame.time_ns), frame.time_ns);
  track.held.push_back(std::move(frame));
  return true;
}

// Has the track got to the next file, or is it not to be waited for?
bool MediaWriter::turned(const Track& track, int64_t now_ns) const {
  if (!track.held.empty() || !track.live || track.superseded) return true;
  if (track.info.kind == MediaKind::kVideo) return now_ns - track.last_arrival_ns >= kOffNs;
  return turn_->at_ns && now_ns - turn_->held_since_ns >= kSoundGraceNs;
}

Result<> MediaWriter::go_on_with_turn(int64_t now_ns) {
  if (!turn_ || main() == nullptr || now_ns < turn_->not_before_ns) return {};
  if (turn_->at_ns) {
    const bool all = std::all_of(tracks_.begin(), tracks_.end(), [&](const auto& each) {
      return each.second.stretch != main() || turned(each.second, now_ns);
    });
    if (all) {
      for (auto& [id, track] : tracks_) {
        track.waits_for_key =
            track.stretch == main() && track.held.empty() && track.info.kind == MediaKind::kVideo;
      }
      const bool pictures = std::any_of(tracks_.begin(), tracks_.end(), [&](const auto& each) {
        return each.second.stretch == main() && each.second.info.kind == MediaKind::kVideo;
      });
      const std::string reason = turn_->reason;
      return cut(reason, *turn_->at_ns - (pictures ? kEarlyMarginNs : 0));
    }
    if (now_ns - turn_->held_since_ns < kHoldDeadlineNs) return {};
    turn_->not_before_ns = now_ns + kTryAgainNs;
    return release_held();
  }
  if (now_ns - turn_->asked_ns >= kAskEveryNs) ask_for_key_frames(now_ns);
  return {};
}

Result<> MediaWriter::release_held() {
  if (turn_) turn_->at_ns.reset();
  for (auto& [id, track] : tracks_) {
    while (!track.held.empty()) {
      TimedFrame frame = std::move(track.held.front());
      track.held.pop_front();
      if (auto done = put(track, std::move(frame)); !done) return done;
    }
  }
  return {};
}

}  // namespace callbot::recordings
