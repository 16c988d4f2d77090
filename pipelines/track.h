// pipelines/track.h: one received track: RTP from a webrtcbin pad -> whole frames for its sinks.
//
//   src pad ─ depayloader ─ appsink ─▶ sinks     no queue: all of it on the jitterbuffer's thread
//
// Frames carry their times (extended RTP time, arrival of first and last packet, the sender's NTP
// time once sender reports are in). Video passes a gate: after a loss, and at the beginning,
// nothing but a key frame gets through, and one is asked for.
//
// Thread:  loop; sinks get frame() on the jitterbuffer's thread.
// Owner:   Peer. A destroyed Track delivers nothing more at once; its elements stay in the bin,
//          discard what comes, and go with it: an unlinked pad would end every track of a bundle.
// Fails:   create(): kUnsupported for a codec that is not in the table or not installed.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <memory>

#include "base/error.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/arrival.h"
#include "pipelines/peer.h"
#include "pipelines/sink.h"

namespace callbot::pipelines {

// What the caps of a webrtcbin src pad say: id (a new one), kind, codec, clock_rate, channels,
// ssrc. The caller adds who it is.
Result<TrackInfo> describe_track(const GstCaps* rtp_caps);

// Takes what comes out of a pad that nobody wants. `bin` holds the pad's element.
Result<> discard_pad(GstBin* bin, GstPad* src);

// Everything on the loop.
class TrackEvents {
 public:
  virtual ~TrackEvents() = default;
  // Picture lost (or not there yet), waiting for a key frame; then waited for `wait`.
  virtual void key_frame_wait(TrackId track) = 0;
  virtual void key_frame_found(TrackId track, std::chrono::nanoseconds wait) = 0;
  // The first size too.
  virtual void size_changed(TrackId track, uint32_t width, uint32_t height) = 0;
  virtual void ssrc_changed(TrackId track, uint32_t ssrc) = 0;
};

class Track {
 public:
  // Puts the elements into `bin` (webrtcbin's pipeline), in its state, and links `src` to them.
  // If `src` is held by a blocking probe, let it go afterwards.
  static Result<std::unique_ptr<Track>> create(Loop& loop, Log log, TrackInfo info, GstBin* bin,
                                               GstPad* src, TrackEvents& events);
  ~Track();

  // Until now every frame was dropped; from now on they reach the sinks.
  void open();

  // A sink of video gets its first frame at the next key frame, which is asked for; one that comes
  // when the track is open already gets nothing that arrived before it. Calls
  // Sink::add_track and, when no frame can come any more, Sink::remove_track. The destructor
  // removes those that are left.
  void add_sink(Sink& sink);
  void remove_sink(Sink& sink);

  // The id of the header extension that says how loud a packet is (RFC 6464); 0: there is none.
  void read_levels(int extension);

  // Sends RTCP PLI upstream, at most once a second however often it is called.
  void request_key_frame();

  const TrackInfo& info() const;
  // All but what the jitterbuffer and RTCP know.
  TrackStats stats() const;

 private:
  class Core;
  explicit Track(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

}  // namespace callbot::pipelines
