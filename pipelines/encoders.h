// pipelines/encoders.h: encoders and payloaders set up for a live call, one row per encoder.
//
// Key frames come on request alone; no frame waits for a later one; packets fit into 1200 bytes.
//
// Thread:  loop.
// Owner:   the caller puts the elements into a pipeline.
// Fails:   kUnsupported: the codec has no encoder, or it is not installed, or lacks a setting.
#pragma once

#include <gst/gst.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/gref.h"
#include "pipelines/codecs.h"

namespace callbot::pipelines {

struct VideoEncoding {
  int width = 1280, height = 720, fps = 30;
  int bitrate = 1'500'000;  // bit/s
};

// What tells our RTP stream from others; each peer may rewrite the payload type for itself.
struct RtpIdentity {
  int payload = 0;
  uint32_t ssrc = 0;
};

Result<GRef<GstElement>> make_video_encoder(const Codec& codec, const VideoEncoding& encoding);
// By the name of its element, one of Codec::encoders.
Result<GRef<GstElement>> make_encoder_named(std::string_view element,
                                            const VideoEncoding& encoding);
// While it runs; of one of ours.
void set_bitrate(GstElement* encoder, int bitrate);
// Before it gets other caps: frames may then come at another rate than before. VP8's and VP9's
// count time in frames of the first rate otherwise.
void allow_any_rate(GstElement* encoder);
Result<GRef<GstElement>> make_opus_encoder(int bitrate);
Result<GRef<GstElement>> make_payloader(const Codec& codec, const RtpIdentity& rtp);

// What the encoder is asked to put out, null for any: H.264 has profiles.
GRef<GstCaps> encoded_caps(const Codec& codec);
// application/x-rtp as a stream of this codec and size is offered.
GRef<GstCaps> rtp_caps(const Codec& codec, const RtpIdentity& rtp, const VideoEncoding& encoding);
// The payload type browsers use most for the codec.
int usual_payload(const Codec& codec);

}  // namespace callbot::pipelines
