// pipelines/echo_clip.h: what somebody sends, to be sent back: whole frames as they came, not
// decoded, as soon as each is there.
//
// Of each kind the newest track in the stream's codec is sent, but no shared screen. Times are the
// sender's, in step as its sender reports say (RFC 3550, 6.4.1), put a little before the first
// frame's arrival, so that others may come faster; where they jump they go on from the arrival. A
// frame that is lost on the way here is not sent: the gate of the track lets nothing but a key
// frame follow, as it is here where nobody takes them. Who wants a key frame is heard until one
// comes.
//
// Thread:  as Sink and ClipReader; wants_key_frame on any.
// Owner:   the FileSource that sends it, which outlives the call whose frames it takes.
// Fails:   next(): kInterrupted.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clip.h"
#include "pipelines/sink.h"

namespace callbot::pipelines {

class EchoClip final : public Sink, public ClipReader {
 public:
  // `streams`: one of a kind at most, of codecs that are received.
  EchoClip(std::vector<ClipStream> streams, std::function<void(TrackId)> wants_key_frame);

  void add_track(const TrackInfo& track) override;
  void frame(TrackId track, const Frame& frame) override;
  void remove_track(TrackId track) override;
  void drain(Done done) override { done({}); }

  const std::vector<ClipStream>& streams() const override { return streams_; }
  Result<std::optional<ClipFrame>> next() override;
  void request_key_frame(size_t stream) override;
  void interrupt() override;
  Pace pace() const override { return Pace::kAtOnce; }

 private:
  // What is sent in a stream now.
  struct Origin {
    struct Track {
      TrackId id;
      int clock;
    };
    std::vector<Track> tracks;        // the last one is sent
    std::optional<int64_t> begin_ns;  // time of what has RTP time 0; none: nothing came yet
    int64_t last_ns = 0;              // of the last frame; grows over all tracks
    bool lost = false;                // until the next key frame
    bool key_wanted = false;
    int64_t asked_ns = 0;  // arrival of the last frame at which it was asked for
    void begin_track() {
      begin_ns.reset();
      lost = false;
    }
  };
  int64_t time_of(Origin& origin, const Frame& frame);

  const std::vector<ClipStream> streams_;
  const std::function<void(TrackId)> wants_key_frame_;
  std::mutex mutex_;  // for what follows; held for moments
  std::condition_variable changed_;
  std::vector<Origin> origins_;         // as streams_
  std::optional<int64_t> ntp_zero_ns_;  // time of what has NTP time 0
  std::deque<ClipFrame> waiting_;
  bool interrupted_ = false;
};

}  // namespace callbot::pipelines
