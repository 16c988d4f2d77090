#include "pipelines/echo_clip.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace callbot::pipelines {
namespace {

// Between a frame's arrival and what its RTP time says: more is another time, no jitter.
constexpr int64_t kMostApart_ns = 500'000'000;
// What sender reports make of a time that is the same.
constexpr int64_t kInStep_ns = 2'000'000;
// Others come that much faster than the first.
constexpr int64_t kBefore_ns = 50'000'000;
// Whoever sends it takes each at once; more than that is asked for by nobody any more.
constexpr size_t kMostWaiting = 500;

}  // namespace

EchoClip::EchoClip(std::vector<ClipStream> streams, std::function<void(TrackId)> wants_key_frame)
    : streams_(std::move(streams)),
      wants_key_frame_(std::move(wants_key_frame)),
      origins_(streams_.size()) {}

void EchoClip::add_track(const TrackInfo& track) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].kind != track.kind || streams_[i].codec != track.codec) continue;
    origins_[i].track = track.id;
    origins_[i].clock = track.clock_rate;
    origins_[i].begin_ns.reset();
    origins_[i].lost = false;
  }
}

void EchoClip::remove_track(TrackId track) {
  const std::lock_guard lock(mutex_);
  for (Origin& origin : origins_)
    if (origin.track == track) origin.track.reset();
}

// RTP time goes on as it came, to the tick, as long as that is near the arrival, and before it:
// what lies ahead would be waited for.
int64_t EchoClip::time_of(Origin& origin, const Frame& frame) {
  const int64_t arrived_ns = frame.first_arrival_ns;
  const auto is_off = [&](int64_t at_ns) {
    return at_ns > arrived_ns || arrived_ns - at_ns > kMostApart_ns;
  };
  const int64_t passed_ns = std::llround(static_cast<double>(frame.rtp_time) * 1e9 / origin.clock);
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
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < origins_.size(); ++i) {
    Origin& origin = origins_[i];
    if (origin.track != track) continue;
    origin.lost = waiting_.size() >= kMostWaiting || (origin.lost && !frame.key);
    if (origin.lost) return;
    const int64_t at_ns = std::max(time_of(origin, frame), origin.last_ns + 1);
    origin.last_ns = at_ns;
    waiting_.push_back({i, {frame.bytes.begin(), frame.bytes.end()}, at_ns, frame.key});
    changed_.notify_one();
  }
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
    track = origins_.at(stream).track;
  }
  if (track) wants_key_frame_(*track);
}

void EchoClip::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

}  // namespace callbot::pipelines
