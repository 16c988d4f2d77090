// pipelines/sender.h: one stream of a source, sent into one m-line of one webrtcbin.
//
//   Source ─ tap ─ (payload type, header extensions, times) ─ appsrc ─▶ webrtcbin's sink pad
//
// Of a stream that comes in several renditions one is sent; another takes over at its next key
// frame, and the receiver sees one RTP stream all along.
//
// Thread:  loop; packets pass on the source's threads and leave on appsrc's.
// Owner:   Peer. Destroying it detaches the tap; the elements stay in the pipeline.
// Fails:   create(): kInternal if webrtcbin does not take the stream.
#pragma once

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "base/alive.h"
#include "base/error.h"
#include "base/gref.h"
#include "base/loop.h"
#include "pipelines/rtp_rewrite.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

// What the streams of one peer share, so that they stay in step: the distance from the source's
// timestamps to the pipeline's running time.
struct SendClock {
  static constexpr int64_t kUnknown = INT64_MIN;
  std::atomic<int64_t> offset_ns{kUnknown};
};

// What a sender has sent, for who has to know it on another thread.
struct SentNumbers {
  std::atomic<uint32_t> ssrc{0};
  std::atomic<uint16_t> first{0}, last{0};  // since it sends this rendition
  std::atomic<uint32_t> packets{0};         // so many of them
};

struct SenderConfig {
  GstBin* pipeline = nullptr;
  GstPad* sink = nullptr;  // a requested pad of webrtcbin
  Source* source = nullptr;
  size_t stream = 0;
  std::shared_ptr<SendClock> clock;
  int transport_cc = 0;  // what SendFormat::transport_cc may come to be; 0: nothing
};

class Sender {
 public:
  // Puts an appsrc into the pipeline, links it to the pad.
  static Result<std::unique_ptr<Sender>> create(Loop& loop, const SenderConfig& config);
  ~Sender();

  MediaKind kind() const { return source_.streams()[stream_].kind; }
  size_t stream() const { return stream_; }
  void set_format(SendFormat format);
  // Off: nothing more leaves, at once. On: from the next packet; asks for a key frame.
  void set_active(bool active);
  bool active() const;
  // Of Source::renditions(). Down: the present one stops at once, because it is too much; up: it
  // goes on until the other takes over.
  void set_rendition(size_t rendition);

  uint64_t packets() const;
  uint64_t bytes() const;
  std::shared_ptr<const SentNumbers> numbers() const;

 private:
  class Core;
  Sender(Loop& loop, const SenderConfig& config, std::shared_ptr<Core> core);
  void attach(size_t rendition);
  void detach_all_but(size_t rendition);

  Source& source_;
  size_t stream_;
  std::shared_ptr<Core> core_;
  size_t rendition_ = 0;          // the one that is wanted
  std::map<size_t, TapId> taps_;  // by rendition
  Alive alive_;
};

}  // namespace callbot::pipelines
