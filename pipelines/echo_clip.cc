#include "pipelines/echo_clip.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace callbot::pipelines {
namespace {

// Between a frame's arrival and what its RTP time says: more is another time, no jitter.
constexpr int64_t kMostApart_ns = 2'000'000'000;
// What sender reports make of a time that is the same.
constexpr int64_t kInStep_ns = 2'000'000;
// Others come that much faster than the first: who was behind a line of 400 ms and is not any more.
constexpr int64_t kBefore_ns = 450'000'000;
// No two frames have the same RTP time, at any clock.
constexpr int64_t kLeastStep_ns = 1'000'000;
// A track asks upstream once a second at most, and forgets who asked in between.
constexpr int64_t kAskEvery_ns = 250'000'000;
// Whoever sends it takes each at once; more than that is asked for by nobody any more.
constexpr size_t kMostWaiting = 500;

}  // namespace

EchoClip::EchoClip(std::vector<ClipStream> streams, std::function<void(TrackId)> wants_key_frame)
    : streams_(std::move(streams)),
      wants_key_frame_(std::move(wants_key_frame)),
      origins_(streams_.size()) {}

void EchoClip::add_track(const TrackInfo& track) {
  if (track.source == "screen") return;
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].kind != track.kind || streams_[i].codec != track.codec) continue;
    origins_[i].tracks.push_back({track.id, track.clock_rate});
    origins_[i].begin_track();
  }
}

void EchoClip::remove_track(TrackId track) {
  const std::lock_guard lock(mutex_);
  for (Origin& origin : origins_) {
    const bool was_sent = !origin.tracks.empty() && origin.tracks.back().id == track;
    std::erase_if(origin.tracks, [&](const Origin::Track& one) { return one.id == track; });
    if (was_sent) origin.begin_track();
  }
}

// RTP time goes on as it came, to the tick, as long as that is near the arrival, and before it:
// what lies ahead would be waited for.
int64_t EchoClip::time_of(Origin& origin, const Frame& frame) {
  const int64_t arrived_ns = frame.first_arrival_ns;
  const auto is_off = [&](int64_t at_ns) {
    return at_ns > arrived_ns || arrived_ns - at_ns > kMostApart_ns;
  };
  const int64_t passed_ns =
      std::llround(static_cast<double>(frame.rtp_time) * 1e9 / origin.tracks.back().clock);
  if (frame.ntp_ns) {
    if (!ntp_zero_ns_ || is_off(*ntp_zero_ns_ + *frame.ntp_ns))
      ntp_zero_ns_ = arrived_ns - kBefore_ns - *frame.ntp_ns;
    const int64_t begin_ns = *ntp_zero_ns_ + *frame.ntp_ns - passed_ns;
    if (!origin.begin_ns || std::abs(begin_ns - *origin.begin_ns) > kInStep_ns)
      origin.begin_ns = begin_ns;
  } else if (!origin.begin_ns || is_off(*origin.begin_ns + passed_ns)) {
    origin.begin_ns = arrived_ns - kBefore_ns - passed_ns;
  }
  return *origin.begin_ns + passed_ns;
}

void EchoClip::frame(TrackId track, const Frame& frame) {
  bool asks = false;
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < origins_.size(); ++i) {
      Origin& origin = origins_[i];
      if (origin.tracks.empty() || origin.tracks.back().id != track) continue;
      origin.key_wanted = origin.key_wanted && !frame.key;
      asks = origin.key_wanted && frame.first_arrival_ns - origin.asked_ns >= kAskEvery_ns;
      if (asks) origin.asked_ns = frame.first_arrival_ns;
      origin.lost = waiting_.size() >= kMostWaiting || (origin.lost && !frame.key);
      if (origin.lost) continue;
      origin.last_ns = std::max(time_of(origin, frame), origin.last_ns + kLeastStep_ns);
      waiting_.push_back({i, {frame.bytes.begin(), frame.bytes.end()}, origin.last_ns, frame.key});
      changed_.notify_one();
    }
  }
  if (asks) wants_key_frame_(track);
}

Result<std::optional<ClipFrame>> EchoClip::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return interrupted_ || !waiting_.empty(); });
  if (interrupted_) return fail(Code::kInterrupted, "nothing is sent back any more");
  std::optional<ClipFrame> frame(std::move(waiting_.front()));
  waiting_.pop_front();
  return frame;
}

void EchoClip::request_key_frame(size_t stream) {
  std::optional<TrackId> track;
  {
    const std::lock_guard lock(mutex_);
    Origin& origin = origins_.at(stream);
    origin.key_wanted = true;
    if (!origin.tracks.empty()) track = origin.tracks.back().id;
  }
  if (track) wants_key_frame_(*track);
}

void EchoClip::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

}  // namespace callbot::pipelines
