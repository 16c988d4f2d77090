#include "tests/support/senders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace callbot::test {
namespace {

constexpr int kFps = 5;
constexpr int kClipSeconds = 15;
constexpr int64_t kSendersEpoch = 1'700'000'000'000'000'000;

bool sound(const SentTrack& track) { return track.kind == MediaKind::kAudio; }
int clock_rate(const SentTrack& track) { return sound(track) ? 8000 : 90000; }

const EncodedFrames& clip(const SentTrack& track) {
  static const EncodedFrames heard = make_audio({.codec = "pcmu", .seconds = kClipSeconds});
  static const EncodedFrames seen = make_video(
      {.width = 96, .height = 54, .fps = kFps, .frames = kFps * kClipSeconds, .key_every = 1});
  return sound(track) ? heard : seen;
}

// When the track's media clock has run for so many seconds.
double true_time(const SentTrack& track, double media_second) {
  double second = media_second / (1 + track.rtp_ppm * 1e-6);
  for (const Stall& stall : track.stalls) {
    if (second >= stall.from) second += stall.seconds;
  }
  return second;
}

double media_time(const SentTrack& track, double second) {
  double ran = second;
  for (const Stall& stall : track.stalls)
    ran -= std::clamp(second - stall.from, 0.0, stall.seconds);
  return ran * (1 + track.rtp_ppm * 1e-6);
}

int64_t jumped(const SentTrack& track, double second) {
  return track.rtp_jump ? std::llround(track.rtp_jump(second) * clock_rate(track)) : 0;
}

struct Report {
  int64_t rtp_ticks;  // from the track's first
  int64_t ntp_ns;
};

// The last report before this second, as it stands on the wire.
std::optional<Report> report_before(const SentMember& member, const SentTrack& track,
                                    double second) {
  if (track.report_every <= 0 || second < track.first_report) return std::nullopt;
  const double n = std::floor((second - track.first_report) / track.report_every);
  const double at = track.first_report + n * track.report_every;
  std::mt19937 random(static_cast<unsigned>(n) * 31 + static_cast<unsigned>(track.id));
  std::uniform_real_distribution<double> error(-track.report_error, track.report_error);
  const double off = error(random) + (member.ntp_set ? member.ntp_set(at) : 0);
  return Report{std::llround(media_time(track, at) * clock_rate(track)) + jumped(track, at),
                kSendersEpoch + std::llround((at * (1 + member.ntp_ppm * 1e-6) + off) * 1e9) +
                    static_cast<int64_t>(n) * 17};
}

EncodedFrames frames_of(const SentTrack& track, double seconds) {
  const EncodedFrames& from = clip(track);
  const double each = sound(track) ? 0.02 : 1.0 / kFps;
  EncodedFrames out;
  bool after_gap = false;
  for (size_t n = 0;; ++n) {
    const double media = static_cast<double>(n) * each;
    const double second = true_time(track, media);
    if (second >= seconds) return out;
    if (track.dropped && track.dropped(second)) {
      after_gap = true;
      continue;
    }
    EncodedFrame f = from[n % from.size()];
    f.rtp_time = std::llround(media * clock_rate(track)) + jumped(track, second);
    f.time_ns = std::llround(second * 1e9);
    f.after_gap = std::exchange(after_gap, false);
    out.push_back(std::move(f));
  }
}

}  // namespace

void add(Feed& feed, const SentMember& member, double seconds) {
  feed.member(member.id);
  for (const SentTrack& track : member.tracks) {
    FeedTrack fed;
    fed.info =
        sound(track) ? audio_track(track.id, member.id, "pcmu") : video_track(track.id, member.id);
    fed.frames = frames_of(track, seconds);
    fed.rtp_start = 4'294'000'000;  // wraps around early, extended
    if (track.delay)
      fed.delay = [d = track.delay](const EncodedFrame& f) {
        return d(static_cast<double>(f.time_ns) * 1e-9);
      };
    fed.ntp = [member, track](const EncodedFrame& f) -> std::optional<int64_t> {
      const auto report = report_before(member, track, static_cast<double>(f.time_ns) * 1e-9);
      if (!report) return std::nullopt;
      return report->ntp_ns +
             recordings::ticks_to_ns(f.rtp_time - report->rtp_ticks, clock_rate(track));
    };
    feed.add(std::move(fed));
  }
}

std::vector<MarkError> mark_errors(const Recorded& recorded, const SentMember& member,
                                   const SentTrack& track) {
  const recordings::Lane lane = recorded.lane(member.id, track.kind);
  std::vector<double> marks;
  if (sound(track)) {
    marks = chirp_times(lane);
  } else {
    for (const auto& picture : pictures(lane)) {
      if (picture.mark && (picture.mark->flags & kMarkChirp) != 0) marks.push_back(picture.time);
    }
  }
  std::vector<MarkError> out;
  for (const double mark : marks) {
    // Each second of its media time has one.
    const double media = std::round(media_time(track, mark));
    const double second = true_time(track, media);
    out.push_back({second, mark - second});
  }
  return out;
}

double error_between(const std::vector<MarkError>& errors, double from, double to) {
  std::vector<double> within;
  for (const MarkError& e : errors) {
    if (e.second >= from && e.second < to) within.push_back(e.error);
  }
  if (within.size() < 3) return std::numeric_limits<double>::quiet_NaN();
  std::sort(within.begin(), within.end());
  return within[within.size() / 2];
}

}  // namespace callbot::test
