// pipelines/source.h: THE SEAM for what we send.
//
// A source encodes and payloads each of its streams once; every peer that sends it attaches a tap
// and gets the same RTP packets (fan-out).
//
// Thread:  loop; packets are handed to taps on the source's streaming thread.
// Owner:   bot::Call, shared by all its peers. A source outlives its taps.
// Fails:   start() returns the reason; later trouble comes through on_end with an error.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/frame.h"
#include "base/gref.h"

namespace callbot::pipelines {

// One stream that a source offers: one m-line of every peer that sends it.
struct SourceStream {
  MediaKind kind = MediaKind::kAudio;
  std::string codec;   // a name from codecs.h
  GRef<GstCaps> caps;  // application/x-rtp with media, encoding-name, clock-rate, ssrc, payload
  std::string msid;    // RFC 8830: which streams are played together
  std::string content = {};  // RFC 4796: "slides" is a shared screen; empty: not said
};

// One way in which a stream is there: the same pictures, larger or smaller.
struct Rendition {
  int width = 0, height = 0;
  int bitrate = 0;  // bit/s of the media
};

// Takes RTP packets of one stream. Streaming thread; must not block.
// The PTS is the capture time of the packet's frame in ns of CLOCK_MONOTONIC (monotonic_ns(), and
// GStreamer's system clock); minus a pipeline's base time it is the running time there. Streams of
// one source agree in it, so that sender reports made from it keep them in step.
// The first packet of a key frame has GST_BUFFER_FLAG_HEADER, if the stream has several renditions.
// The buffer is shared: a tap that changes anything works on a copy.
using Tap = std::function<void(const GRef<GstBuffer>&)>;
using TapId = uint64_t;

class Source {
 public:
  virtual ~Source() = default;
  // Known from creation on; the index is the stream's name in the calls below.
  virtual const std::vector<SourceStream>& streams() const = 0;
  virtual Result<> start() = 0;
  virtual TapId attach(size_t stream, Tap tap) = 0;
  // When it returns the tap is not called any more.
  virtual void detach(size_t stream, TapId tap) = 0;
  // A receiver lost the picture (RTCP PLI or FIR). Throttled inside. Any thread.
  virtual void request_key_frame(size_t stream) = 0;
  // What a stream can be had in, best first; empty: in one way only. Each is encoded while somebody
  // listens to it. All have the stream's SSRC and payload type.
  virtual std::vector<Rendition> renditions(size_t /*stream*/) const { return {}; }
  // As attach() and request_key_frame(), which speak of the first; detach() is for all.
  virtual TapId attach_rendition(size_t stream, size_t /*rendition*/, Tap tap) {
    return attach(stream, std::move(tap));
  }
  virtual void request_rendition_key_frame(size_t stream, size_t /*rendition*/) {
    request_key_frame(stream);
  }
  // Off: not one packet more of it, at once; time goes on, so that what comes after fits again. All
  // are on in the beginning.
  virtual void set_stream_on(size_t stream, bool on) { (void)stream, (void)on; }
  // Called once, on the loop, when nothing more comes: played to its end, or failed.
  virtual void on_end(std::function<void(Result<>)> ended) = 0;
};

}  // namespace callbot::pipelines
