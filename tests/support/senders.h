// tests/support/senders.h: participants whose clocks are not ours, for a Feed; and how far what was
// recorded of them is off.
//
// Truth is the feed's time. A track's marks come where the sender's media clock puts them: the
// clock of its RTP time, which may be fast, slow, or stand still.
//
// Thread:  one.
// Owner:   plain values.
// Fails:   as test failures.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::test {

struct Stall {
  double from = 0, seconds = 0;  // of the feed's time: nothing is sent, and the RTP clock stands
};

struct SentTrack {
  MediaKind kind = MediaKind::kAudio;
  TrackId id = 0;
  double rtp_ppm = 0;                         // its RTP clock is so much fast
  double report_every = 5, first_report = 1;  // seconds; 0: no reports
  double report_error = 0;                    // seconds that a report may be wrong by, either way
  // What the path adds to a frame sent at this second.
  std::function<double(double second)> delay = {};
  std::function<bool(double second)> dropped = {};
  std::vector<Stall> stalls = {};
  // Seconds that its RTP time is ahead of that clock from this second on.
  std::function<double(double second)> rtp_jump = {};
};

struct SentMember {
  std::string id;
  double ntp_ppm = 0;                                 // its wall clock is so much fast
  std::function<double(double second)> ntp_set = {};  // what it had been set by until then
  std::vector<SentTrack> tracks;
};

// Marked media of so many seconds: PCMU, and five VP8 pictures a second, each a key frame.
void add(Feed& feed, const SentMember& member, double seconds);

// Recorded minus true time of a mark, at its true time.
struct MarkError {
  double second, error;
};
std::vector<MarkError> mark_errors(const Recorded& recorded, const SentMember& member,
                                   const SentTrack& track);
// The median of the errors between two seconds; NaN if there are fewer than three.
double error_between(const std::vector<MarkError>& errors, double from, double to);

}  // namespace callbot::test
