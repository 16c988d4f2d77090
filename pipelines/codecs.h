// pipelines/codecs.h: THE CODEC TABLE: one row per codec, everything that differs between them.
//
// To add a codec, add a row in codecs.cc and its frame inspection in bitstream.cc; a test walks the
// table and makes sure that every element named in it is installed.
//
// Thread:  any; the table is constant. The functions that look for elements need gst_init().
// Owner:   the table lives as long as the process; rows are lent.
// Fails:   an unknown codec is nullptr, or kUnsupported with the name that was asked for.
#pragma once

#include <gst/gst.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/frame.h"

namespace callbot::pipelines {

struct Codec {
  const char* name;  // ours, as in TrackInfo::codec
  MediaKind kind;
  const char* rtp_name;  // RTP encoding name as GStreamer spells it in caps
  int clock;             // RTP clock, Hz; G.722 says 8000 by RFC 3551 though it samples at 16000
  int channels;          // as in a=rtpmap; 0 for video
  int static_payload;    // RFC 3551 table 4 and 5; -1: dynamic
  const char* depayloader;
  const char* payloader;
  std::array<const char*, 2> encoders;  // best first; null: none (such a codec is only received)
  // What leaves the depayloader: whole frames; for H.264 and H.265 a byte stream whose parameter
  // sets stay in it.
  const char* frame_caps;
};

std::span<const Codec> codecs();
const Codec* codec_by_name(std::string_view name);
// By RTP encoding name in any case ("VP8", "opus"); a clock rate of 0 fits any.
const Codec* codec_by_rtp_name(std::string_view rtp_name, int clock = 0);
const Codec* codec_by_static_payload(int payload);
// The row that application/x-rtp caps speak of: by encoding-name, else by static payload type.
Result<const Codec*> codec_of(const GstCaps* rtp_caps);

bool can_receive(const Codec& codec);
// The first encoder of the row that is installed, with its payloader; nullptr: cannot be sent.
const char* installed_encoder(const Codec& codec);

}  // namespace callbot::pipelines
