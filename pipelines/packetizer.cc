#include "pipelines/packetizer.h"

#include <fmt/format.h>
#include <gst/rtp/gstrtpbuffer.h>

#include <string>
#include <utility>

namespace callbot::pipelines {
namespace {

GRef<GstCaps> frame_caps(const Codec& codec, const ClipStream& stream) {
  const std::string name = codec.name;
  if (name == "opus")
    return GRef<GstCaps>::adopt(
        gst_caps_new_simple("audio/x-opus", "rate", G_TYPE_INT, 48000, "channels", G_TYPE_INT,
                            stream.channels, "channel-mapping-family", G_TYPE_INT, 0, nullptr));
  if (codec.kind == MediaKind::kAudio)
    return GRef<GstCaps>::adopt(gst_caps_new_simple(codec.frame_caps, "rate", G_TYPE_INT, 8000,
                                                    "channels", G_TYPE_INT, 1, nullptr));
  auto caps = GRef<GstCaps>::adopt(gst_caps_from_string(codec.frame_caps));
  gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, stream.width, "height", G_TYPE_INT,
                      stream.height, nullptr);
  return caps;
}

}  // namespace

Result<std::unique_ptr<Packetizer>> Packetizer::create(const Codec& codec, const RtpIdentity& rtp,
                                                       const ClipStream& stream, Take take) {
  std::unique_ptr<Packetizer> made(new Packetizer(std::move(take)));
  if (auto built = made->build(codec, rtp, stream); !built) return tl::unexpected(built.error());
  return made;
}

Result<> Packetizer::build(const Codec& codec, const RtpIdentity& rtp, const ClipStream& stream) {
  auto made = make_payloader(codec, rtp);
  if (!made) return tl::unexpected(made.error());
  payloader_ = std::move(*made);
  video_ = codec.kind == MediaKind::kVideo;
  in_ = GRef<GstPad>::sink(gst_pad_new("in", GST_PAD_SRC));
  // Any caps, said by a template: else it would allow no others than its first, and rtph264pay
  // tells each new parameter set in its caps.
  static GstStaticPadTemplate any =
      GST_STATIC_PAD_TEMPLATE("out", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
  out_ = GRef<GstPad>::sink(gst_pad_new_from_static_template(&any, "out"));
  gst_pad_set_element_private(out_.get(), this);
  gst_pad_set_chain_function(out_.get(), [](GstPad* pad, GstObject*, GstBuffer* buffer) {
    static_cast<Packetizer*>(gst_pad_get_element_private(pad))
        ->packet(GRef<GstBuffer>::adopt(buffer));
    return GST_FLOW_OK;
  });
  gst_pad_set_event_function(out_.get(), [](GstPad*, GstObject*, GstEvent* event) -> gboolean {
    const auto taken = GRef<GstEvent>::adopt(event);
    return TRUE;
  });
  const auto sink = GRef<GstPad>::adopt(gst_element_get_static_pad(payloader_.get(), "sink"));
  const auto src = GRef<GstPad>::adopt(gst_element_get_static_pad(payloader_.get(), "src"));
  const bool linked = gst_pad_link(in_.get(), sink.get()) == GST_PAD_LINK_OK &&
                      gst_pad_link(src.get(), out_.get()) == GST_PAD_LINK_OK;
  if (!linked) return fail(Code::kInternal, fmt::format("{} cannot be linked", codec.payloader));
  gst_pad_set_active(out_.get(), TRUE);
  gst_pad_set_active(in_.get(), TRUE);
  gst_element_set_state(payloader_.get(), GST_STATE_PLAYING);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  const auto caps = frame_caps(codec, stream);
  const bool ready = gst_pad_push_event(in_.get(), gst_event_new_stream_start("clip")) &&
                     gst_pad_push_event(in_.get(), gst_event_new_caps(caps.get())) &&
                     gst_pad_push_event(in_.get(), gst_event_new_segment(&segment));
  if (!ready)
    return fail(Code::kInternal, fmt::format("{} does not take {}", codec.payloader, codec.name));
  return {};
}

Packetizer::~Packetizer() {
  if (!payloader_) return;
  gst_element_set_state(payloader_.get(), GST_STATE_NULL);
  gst_pad_set_active(in_.get(), FALSE);
  gst_pad_set_active(out_.get(), FALSE);
}

bool Packetizer::push(std::span<const uint8_t> frame, uint32_t rtp_time, bool key) {
  auto buffer = GRef<GstBuffer>::adopt(gst_buffer_new_memdup(frame.data(), frame.size()));
  // Any time that grows; what the packets get is set by us.
  GST_BUFFER_PTS(buffer.get()) = GST_BUFFER_DTS(buffer.get()) = pushed_++ * 10 * GST_MSECOND;
  if (!key) GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  rtp_time_ = rtp_time;
  return gst_pad_push(in_.get(), buffer.release()) == GST_FLOW_OK;
}

void Packetizer::packet(GRef<GstBuffer> buffer) {
  auto writable = GRef<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(writable.get(), GST_MAP_READWRITE, &rtp)) return;
  gst_rtp_buffer_set_timestamp(&rtp, rtp_time_);
  const bool last = !video_ || gst_rtp_buffer_get_marker(&rtp);
  gst_rtp_buffer_unmap(&rtp);
  take_(std::move(writable), last);
}

}  // namespace callbot::pipelines
