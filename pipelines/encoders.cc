#include "pipelines/encoders.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace callbot::pipelines {
namespace {

// Key frames on request alone still need a number for "never" that every encoder takes.
constexpr std::string_view kNever = "1000000";
constexpr int kMtu = 1200;  // bytes of RTP; leaves room for header extensions, SRTP, TURN and IPv6

struct Setting {
  std::string_view property, value;
};

struct EncoderRow {
  std::string_view element;
  std::string_view bitrate_property;
  int bitrate_unit;  // bit/s
  std::string_view threads_property;
  std::array<Setting, 16> settings;
};

// Fastest modes: a bot shares its machine with everything that is under test.
constexpr EncoderRow kRows[] = {
    {"vp8enc",
     "target-bitrate",
     1,
     "threads",
     {{{"deadline", "1"},
       {"cpu-used", "-16"},
       {"end-usage", "cbr"},
       {"keyframe-mode", "disabled"},
       {"keyframe-max-dist", kNever},
       {"lag-in-frames", "0"},
       {"buffer-initial-size", "100"},
       {"buffer-optimal-size", "120"},
       {"buffer-size", "150"},
       {"max-intra-bitrate", "250"},
       {"min-quantizer", "4"},
       {"max-quantizer", "56"},
       {"error-resilient", "default"},
       {"token-partitions", "1"}}}},
    {"vp9enc",
     "target-bitrate",
     1,
     "threads",
     {{{"deadline", "1"},
       {"cpu-used", "9"},
       {"end-usage", "cbr"},
       {"keyframe-mode", "disabled"},
       {"keyframe-max-dist", kNever},
       {"lag-in-frames", "0"},
       {"buffer-initial-size", "100"},
       {"buffer-optimal-size", "120"},
       {"buffer-size", "150"},
       {"max-intra-bitrate", "250"},
       {"min-quantizer", "4"},
       {"max-quantizer", "56"},
       {"row-mt", "true"},
       {"tile-columns", "2"}}}},
    {"x264enc",
     "bitrate",
     1000,
     "threads",
     {{{"tune", "zerolatency"},
       {"speed-preset", "ultrafast"},
       {"b-adapt", "false"},
       {"bframes", "0"},
       {"cabac", "false"},
       {"vbv-buf-capacity", "250"},
       {"key-int-max", kNever},
       {"aud", "false"},
       {"option-string", "scenecut=0"}}}},
    {"openh264enc",
     "bitrate",
     1,
     "multi-thread",
     {{{"complexity", "low"},
       {"rate-control", "bitrate"},
       {"usage-type", "camera"},
       {"enable-frame-skip", "false"},
       {"scene-change-detection", "false"},
       {"background-detection", "false"},
       {"gop-size", "0"}}}},
};

const EncoderRow* row_of(std::string_view element) {
  for (const EncoderRow& row : kRows)
    if (row.element == element) return &row;
  return nullptr;
}

// More threads than these cost more than they win.
int threads_for(const VideoEncoding& encoding) {
  return encoding.width * encoding.height > 1280 * 720 ? 2 : 1;
}

void set(GstElement* element, std::string_view property, std::string_view value) {
  gst_util_set_object_arg(G_OBJECT(element), std::string(property).c_str(),
                          std::string(value).c_str());
}

Result<GRef<GstElement>> make(const char* element) {
  auto made = GRef<GstElement>::sink(gst_element_factory_make(element, nullptr));
  if (!made) return fail(Code::kUnsupported, fmt::format("GStreamer has no {} here", element));
  return made;
}

// H.264 constrained baseline; the level by macroblocks a second (H.264, table A-1).
std::string h264_profile_level(const VideoEncoding& encoding) {
  const int blocks = (encoding.width + 15) / 16 * ((encoding.height + 15) / 16);
  const int64_t rate = static_cast<int64_t>(blocks) * encoding.fps;
  int level = 52;
  if (blocks <= 1620 && rate <= 40500)
    level = 30;
  else if (blocks <= 3600 && rate <= 108000)
    level = 31;
  else if (blocks <= 8192 && rate <= 245760)
    level = 40;
  else if (blocks <= 8704 && rate <= 522240)
    level = 42;
  return fmt::format("42e0{:02x}", level);
}

}  // namespace

Result<GRef<GstElement>> make_video_encoder(const Codec& codec, const VideoEncoding& encoding) {
  const char* name = installed_encoder(codec);
  const EncoderRow* row = name != nullptr ? row_of(name) : nullptr;
  if (row == nullptr || codec.kind != MediaKind::kVideo)
    return fail(Code::kUnsupported, fmt::format("no encoder for {} is installed", codec.name));
  auto made = make(name);
  if (!made) return made;
  GstElement* encoder = made->get();
  for (const Setting& setting : row->settings)
    if (!setting.property.empty()) set(encoder, setting.property, setting.value);
  set(encoder, row->bitrate_property, std::to_string(encoding.bitrate / row->bitrate_unit));
  set(encoder, row->threads_property, std::to_string(threads_for(encoding)));
  return made;
}

Result<GRef<GstElement>> make_opus_encoder(int bitrate) {
  auto made = make("opusenc");
  if (!made) return made;
  GstElement* encoder = made->get();
  set(encoder, "bitrate", std::to_string(bitrate));
  set(encoder, "bitrate-type", "vbr");
  set(encoder, "frame-size", "20");
  set(encoder, "complexity", "5");
  set(encoder, "inband-fec", "true");
  set(encoder, "packet-loss-percentage", "5");
  set(encoder, "dtx", "false");
  return made;
}

Result<GRef<GstElement>> make_payloader(const Codec& codec, const RtpIdentity& rtp) {
  auto made = make(codec.payloader);
  if (!made) return made;
  GstElement* payloader = made->get();
  set(payloader, "mtu", std::to_string(kMtu));
  set(payloader, "pt", std::to_string(rtp.payload));
  set(payloader, "ssrc", std::to_string(rtp.ssrc));
  // RTP times follow the buffers' times alone, also over a mute, so that audio and video agree.
  set(payloader, "perfect-rtptime", "false");
  const std::string_view name = codec.name;
  if (name == "vp8" || name == "vp9") set(payloader, "picture-id-mode", "15-bit");
  if (name == "h264") {
    set(payloader, "aggregate-mode", "zero-latency");
    set(payloader, "config-interval", "-1");
  }
  return made;
}

GRef<GstCaps> encoded_caps(const Codec& codec) {
  if (std::string_view(codec.name) != "h264") return nullptr;
  return GRef<GstCaps>::adopt(gst_caps_from_string(
      "video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au"));
}

GRef<GstCaps> rtp_caps(const Codec& codec, const RtpIdentity& rtp, const VideoEncoding& encoding) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_new_simple(
      "application/x-rtp", "media", G_TYPE_STRING, name_of(codec.kind), "encoding-name",
      G_TYPE_STRING, codec.rtp_name, "clock-rate", G_TYPE_INT, codec.clock, "payload", G_TYPE_INT,
      rtp.payload, "ssrc", G_TYPE_UINT, rtp.ssrc, nullptr));
  const std::string_view name = codec.name;
  if (name == "opus")
    gst_caps_set_simple(caps.get(), "encoding-params", G_TYPE_STRING, "2", "minptime",
                        G_TYPE_STRING, "10", "useinbandfec", G_TYPE_STRING, "1", nullptr);
  if (name == "h264")
    gst_caps_set_simple(caps.get(), "packetization-mode", G_TYPE_STRING, "1", "profile-level-id",
                        G_TYPE_STRING, h264_profile_level(encoding).c_str(),
                        "level-asymmetry-allowed", G_TYPE_STRING, "1", nullptr);
  return caps;
}

int usual_payload(const Codec& codec) {
  if (codec.static_payload >= 0) return codec.static_payload;
  constexpr std::pair<std::string_view, int> kUsual[] = {
      {"vp8", 96}, {"vp9", 98}, {"h264", 102}, {"opus", 111}};
  for (const auto& [name, payload] : kUsual)
    if (name == codec.name) return payload;
  return 127;
}

}  // namespace callbot::pipelines
