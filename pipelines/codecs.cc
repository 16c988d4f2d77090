#include "pipelines/codecs.h"

#include <fmt/format.h>
#include <strings.h>

#include "base/gref.h"

namespace callbot::pipelines {
namespace {

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

constexpr Codec kCodecs[] = {
    {"opus",
     kAudio,
     "OPUS",
     48000,
     2,
     -1,
     "rtpopusdepay",
     "rtpopuspay",
     {"opusenc"},
     "audio/x-opus"},
    {"pcmu",
     kAudio,
     "PCMU",
     8000,
     1,
     0,
     "rtppcmudepay",
     "rtppcmupay",
     {"mulawenc"},
     "audio/x-mulaw"},
    {"pcma", kAudio, "PCMA", 8000, 1, 8, "rtppcmadepay", "rtppcmapay", {"alawenc"}, "audio/x-alaw"},
    {"g722",
     kAudio,
     "G722",
     8000,
     1,
     9,
     "rtpg722depay",
     "rtpg722pay",
     {"avenc_g722"},
     "audio/G722"},
    {"vp8", kVideo, "VP8", 90000, 0, -1, "rtpvp8depay", "rtpvp8pay", {"vp8enc"}, "video/x-vp8"},
    {"vp9", kVideo, "VP9", 90000, 0, -1, "rtpvp9depay", "rtpvp9pay", {"vp9enc"}, "video/x-vp9"},
    {"h264",
     kVideo,
     "H264",
     90000,
     0,
     -1,
     "rtph264depay",
     "rtph264pay",
     {"x264enc", "openh264enc"},
     "video/x-h264,stream-format=byte-stream,alignment=au"},
    {"h265",
     kVideo,
     "H265",
     90000,
     0,
     -1,
     "rtph265depay",
     "rtph265pay",
     {},
     "video/x-h265,stream-format=byte-stream,alignment=au"},
};

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool installed(const char* element) {
  return static_cast<bool>(GRef<GstElementFactory>::adopt(gst_element_factory_find(element)));
}

}  // namespace

std::span<const Codec> codecs() { return kCodecs; }

const Codec* codec_by_name(std::string_view name) {
  for (const Codec& codec : kCodecs)
    if (name == codec.name) return &codec;
  return nullptr;
}

const Codec* codec_by_rtp_name(std::string_view rtp_name, int clock) {
  for (const Codec& codec : kCodecs)
    if (same(rtp_name, codec.rtp_name) && (clock == 0 || clock == codec.clock)) return &codec;
  return nullptr;
}

const Codec* codec_by_static_payload(int payload) {
  for (const Codec& codec : kCodecs)
    if (payload >= 0 && payload == codec.static_payload) return &codec;
  return nullptr;
}

Result<const Codec*> codec_of(const GstCaps* rtp_caps) {
  if (rtp_caps == nullptr || gst_caps_is_empty(rtp_caps) || gst_caps_is_any(rtp_caps))
    return fail(Code::kUnsupported, "a track of unknown codec");
  const GstStructure* caps = gst_caps_get_structure(rtp_caps, 0);
  const char* rtp_name = gst_structure_get_string(caps, "encoding-name");
  int clock = 0;
  int payload = -1;
  gst_structure_get_int(caps, "clock-rate", &clock);
  gst_structure_get_int(caps, "payload", &payload);
  const Codec* codec =
      rtp_name != nullptr ? codec_by_rtp_name(rtp_name, clock) : codec_by_static_payload(payload);
  if (codec != nullptr) return codec;
  return fail(Code::kUnsupported,
              fmt::format("a track of codec {}", rtp_name != nullptr
                                                     ? fmt::format("{}/{}", rtp_name, clock)
                                                     : fmt::format("payload type {}", payload)));
}

bool can_receive(const Codec& codec) { return installed(codec.depayloader); }

const char* installed_encoder(const Codec& codec) {
  if (!installed(codec.payloader)) return nullptr;
  for (const char* encoder : codec.encoders)
    if (encoder != nullptr && installed(encoder)) return encoder;
  return nullptr;
}

}  // namespace callbot::pipelines
