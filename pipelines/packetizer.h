// pipelines/packetizer.h: encoded frames -> RTP packets, through GStreamer's payloader, at once and
// on the caller's thread: no pipeline, no clock.
//
// Sequence numbers, and picture ids of VP8 and VP9, count on over everything that is pushed. Each
// packet has the RTP time it is given.
//
// Thread:  one at a time.
// Owner:   a source.
// Fails:   create: kUnsupported, kInternal; push(): false where the payloader refuses a frame.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <span>

#include "base/clip.h"
#include "pipelines/encoders.h"

namespace callbot::pipelines {

class Packetizer {
 public:
  // `take` runs within push(). The packet is the taker's alone.
  using Take = std::function<void(GRef<GstBuffer> packet, bool last)>;
  static Result<std::unique_ptr<Packetizer>> create(const Codec& codec, const RtpIdentity& rtp,
                                                    const ClipStream& stream, Take take);
  ~Packetizer();

  bool push(std::span<const uint8_t> frame, uint32_t rtp_time, bool key);

 private:
  explicit Packetizer(Take take) : take_(std::move(take)) {}
  Result<> build(const Codec& codec, const RtpIdentity& rtp, const ClipStream& stream);
  void packet(GRef<GstBuffer> buffer);

  Take take_;
  bool video_ = true;
  GRef<GstElement> payloader_;
  GRef<GstPad> in_, out_;
  uint64_t pushed_ = 0;
  uint32_t rtp_time_ = 0;
};

}  // namespace callbot::pipelines
