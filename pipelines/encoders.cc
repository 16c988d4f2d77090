#include "pipelines/encoders.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/gst_glue.h"

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
  std::array<Setting, 16> settings;
};

// Fastest modes: a bot shares its machine with everything that is under test. One thread each: more
// spin while they wait for each other, and on a busy machine that takes longer than it saves.
constexpr EncoderRow kRows[] = {
    {"vp8enc",
     "target-bitrate",
     1,
     {{{"threads", "1"},
       {"deadline", "1"},
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
       {"error-resilient", "default"}}}},
    {"vp9enc",
     "target-bitrate",
     1,
     {{{"threads", "1"},
       {"deadline", "1"},
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
       {"max-quantizer", "56"}}}},
    {"x264enc",
     "bitrate",
     1000,
     {{{"threads", "1"},
       {"tune", "zerolatency"},
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
     {{{"multi-thread", "1"},
       {"complexity", "low"},
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

Result<GRef<GstElement>> make(std::string_view factory, std::span<const Setting> settings) {
  const std::string name(factory);
  auto made = GRef<GstElement>::sink(gst_element_factory_make(name.c_str(), nullptr));
  if (!made) return fail(Code::kUnsupported, fmt::format("GStreamer has no {} here", name));
  GObject* object = G_OBJECT(made.get());
  for (const Setting& setting : settings) {
    if (setting.property.empty()) continue;
    const std::string property(setting.property);
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(object), property.c_str()) == nullptr)
      return fail(Code::kUnsupported, fmt::format("{} has no setting {} here", name, property));
    gst_util_set_object_arg(object, property.c_str(), std::string(setting.value).c_str());
  }
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
  if (name == nullptr)
    return fail(Code::kUnsupported, fmt::format("no encoder for {} is installed", codec.name));
  return make_encoder_named(name, encoding);
}

Result<GRef<GstElement>> make_encoder_named(std::string_view element,
                                            const VideoEncoding& encoding) {
  const EncoderRow* row = row_of(element);
  if (row == nullptr)
    return fail(Code::kUnsupported, fmt::format("{} is no video encoder of ours", element));
  std::vector<Setting> settings(row->settings.begin(), row->settings.end());
  const std::string bitrate = std::to_string(encoding.bitrate / row->bitrate_unit);
  settings.push_back({row->bitrate_property, bitrate});
  return make(element, settings);
}

void set_bitrate(GstElement* encoder, int bitrate) {
  if (const EncoderRow* row = row_of(factory_name(encoder)))
    gst_util_set_object_arg(G_OBJECT(encoder), std::string(row->bitrate_property).c_str(),
                            std::to_string(bitrate / row->bitrate_unit).c_str());
}

void allow_any_rate(GstElement* encoder) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(encoder), "timebase") != nullptr)
    gst_util_set_object_arg(G_OBJECT(encoder), "timebase", "1/90000");
}

Result<GRef<GstElement>> make_opus_encoder(int bitrate) {
  const std::string rate = std::to_string(bitrate);
  const Setting settings[] = {{"bitrate", rate},      {"bitrate-type", "vbr"},
                              {"frame-size", "20"},   {"complexity", "5"},
                              {"inband-fec", "true"}, {"packet-loss-percentage", "5"},
                              {"dtx", "false"}};
  return make("opusenc", settings);
}

Result<GRef<GstElement>> make_payloader(const Codec& codec, const RtpIdentity& rtp) {
  const std::string mtu = std::to_string(kMtu), payload = std::to_string(rtp.payload),
                    ssrc = std::to_string(rtp.ssrc);
  std::vector<Setting> settings = {{"mtu", mtu}, {"pt", payload}, {"ssrc", ssrc}};
  const std::string_view name = codec.name;
  if (name == "vp8" || name == "vp9") settings.push_back({"picture-id-mode", "15-bit"});
  if (name == "h264") {
    settings.push_back({"aggregate-mode", "zero-latency"});
    settings.push_back({"config-interval", "-1"});
  }
  return make(codec.payloader, settings);
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
