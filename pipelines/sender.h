// pipelines/sender.h: one stream of a source, sent into one m-line of one webrtcbin.
//
//   Source ─ tap ─ (payload type, header extension ids, times) ─ appsrc ─▶ webrtcbin's sink pad
//
// Thread:  loop; packets pass on the source's thread and leave on appsrc's.
// Owner:   Peer. Destroying it detaches the tap; the elements stay in the pipeline.
// Fails:   create(): kInternal if webrtcbin does not take the stream.
#pragma once

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/gref.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

// What the streams of one peer share, so that they stay in step: the distance from the source's
// timestamps to the pipeline's running time.
struct SendClock {
  static constexpr int64_t kUnknown = INT64_MIN;
  std::atomic<int64_t> offset_ns{kUnknown};
};

// How a packet has to look to the other end.
struct SendFormat {
  int payload = -1;               // -1: as it is
  std::map<int, int> extensions;  // the source's header extension id -> the negotiated one
};

class Sender {
 public:
  // Puts an appsrc into `pipeline`, links it to `sink` (a requested pad of webrtcbin).
  static Result<std::unique_ptr<Sender>> create(GstBin* pipeline, GstPad* sink, Source& source,
                                                size_t stream, std::shared_ptr<SendClock> clock);
  ~Sender();

  MediaKind kind() const { return source_.streams()[stream_].kind; }
  size_t stream() const { return stream_; }
  void set_format(SendFormat format);
  // Off: nothing more leaves, at once. On: from the next packet; asks for a key frame.
  void set_active(bool active);

  uint64_t packets() const;
  uint64_t bytes() const;

 private:
  class Core;
  Sender(Source& source, size_t stream, std::shared_ptr<Core> core);

  Source& source_;
  size_t stream_;
  std::shared_ptr<Core> core_;
  TapId tap_ = 0;
};

// Changes the payload type and the ids of RFC 8285 header extensions; those without a negotiated
// id become padding. `packet` holds at least the RTP header with its extensions.
void rewrite_rtp(uint8_t* packet, size_t size, const SendFormat& format);

}  // namespace callbot::pipelines
