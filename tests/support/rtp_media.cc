#include "tests/support/rtp_media.h"

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include "pipelines/codecs.h"

namespace callbot::pipelines {
namespace {

GRef<GstElement> launch(const std::string& text) {
  GError* error = nullptr;
  auto pipeline = GRef<GstElement>::sink(gst_parse_launch(text.c_str(), &error));
  const ErrorPtr owned(error);
  EXPECT_EQ(error, nullptr) << text << ": " << (error != nullptr ? error->message : "");
  return pipeline;
}

GRef<GstElement> child(const GRef<GstElement>& bin, const char* name) {
  return GRef<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin.get()), name));
}

std::string encoder_of(const std::string& codec, const RtpMaking& m) {
  if (codec == "vp8" || codec == "vp9")
    return fmt::format(
        "{}enc deadline=1 cpu-used=8 error-resilient=0 keyframe-max-dist={} "
        "lag-in-frames=0",
        codec, m.key_every);
  if (codec == "h264")
    return fmt::format(
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={} bitrate=400 threads=1 "
        "option-string=slices={}",
        m.key_every, m.slices);
  if (codec == "h265")
    return fmt::format(
        "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={} "
        "log-level=none ! h265parse",
        m.key_every);
  return codec_by_name(codec)->encoders[0];
}

std::string source_of(const Codec& codec, const RtpMaking& m) {
  if (codec.kind == MediaKind::kVideo)
    return fmt::format(
        "videotestsrc num-buffers={} pattern={} ! "
        "video/x-raw,format=I420,width={},height={},framerate=30/1",
        m.frames, m.pattern, m.width, m.height);
  const int rate = std::string(codec.name) == "g722" ? 16000 : codec.clock;
  return fmt::format(
      "audiotestsrc num-buffers={} samplesperbuffer={} ! audioconvert ! "
      "audio/x-raw,rate={},channels={}",
      m.frames, rate / 50, rate, std::string(codec.name) == "opus" ? 2 : 1);
}

std::string payloader_of(const Codec& codec, const RtpMaking& m) {
  std::string text = fmt::format("{} ssrc={} seqnum-offset={} timestamp-offset={}", codec.payloader,
                                 m.ssrc, m.first_sequence, m.first_time);
  // Telephony packets are filled up to the MTU otherwise.
  if (codec.kind == MediaKind::kAudio) return text + " min-ptime=20000000 max-ptime=20000000";
  text += fmt::format(" mtu={}", m.mtu);
  if (std::string(codec.name).starts_with("h26")) text += " config-interval=-1";
  return text;
}

}  // namespace

RtpStream make_rtp(const std::string& codec, const RtpMaking& making) {
  const Codec& row = *codec_by_name(codec);
  auto pipeline =
      launch(fmt::format("{} ! {} ! {} ! appsink name=out sync=false", source_of(row, making),
                         encoder_of(codec, making), payloader_of(row, making)));
  auto out = child(pipeline, "out");
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  RtpStream stream;
  constexpr GstClockTime kDeadline = 20 * GST_SECOND;
  while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), kDeadline)) {
    stream.caps = GRef<GstCaps>::share(gst_sample_get_caps(sample));
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    if (GstBufferList* list = gst_sample_get_buffer_list(sample)) {
      for (guint i = 0; i < gst_buffer_list_length(list); ++i)
        stream.packets.push_back(GRef<GstBuffer>::share(gst_buffer_list_get(list, i)));
    } else if (buffer != nullptr) {
      stream.packets.push_back(GRef<GstBuffer>::share(buffer));
    }
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  EXPECT_FALSE(stream.packets.empty()) << codec;
  return stream;
}

RtpHeader header_of(const GRef<GstBuffer>& packet) {
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  EXPECT_TRUE(gst_rtp_buffer_map(packet.get(), GST_MAP_READ, &rtp));
  const RtpHeader header{gst_rtp_buffer_get_ssrc(&rtp), gst_rtp_buffer_get_seq(&rtp),
                         gst_rtp_buffer_get_timestamp(&rtp), gst_rtp_buffer_get_marker(&rtp) != 0};
  gst_rtp_buffer_unmap(&rtp);
  return header;
}

GRef<GstBuffer> with_header(const GRef<GstBuffer>& packet, const RtpHeader& header) {
  auto copy = GRef<GstBuffer>::adopt(gst_buffer_copy_deep(packet.get()));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  EXPECT_TRUE(gst_rtp_buffer_map(copy.get(), GST_MAP_WRITE, &rtp));
  gst_rtp_buffer_set_ssrc(&rtp, header.ssrc);
  gst_rtp_buffer_set_seq(&rtp, header.sequence);
  gst_rtp_buffer_set_timestamp(&rtp, header.time);
  gst_rtp_buffer_set_marker(&rtp, header.marker);
  gst_rtp_buffer_unmap(&rtp);
  return copy;
}

// --- the sink

void KeepingSink::add_track(const TrackInfo& track) {
  std::lock_guard lock(mutex_);
  added_.push_back(track);
}

void KeepingSink::frame(TrackId, const Frame& frame) {
  {
    std::lock_guard lock(mutex_);
    Kept kept{{frame.bytes.begin(), frame.bytes.end()}, frame};
    kept.frame.owner = nullptr;
    kept.frame.bytes = {};
    frames_.push_back(std::move(kept));
  }
  if (on_frame) on_frame();
}

void KeepingSink::remove_track(TrackId track) {
  std::lock_guard lock(mutex_);
  removed_.push_back(track);
}

std::vector<KeepingSink::Kept> KeepingSink::frames() const {
  std::lock_guard lock(mutex_);
  return frames_;
}

size_t KeepingSink::count() const {
  std::lock_guard lock(mutex_);
  return frames_.size();
}

std::vector<TrackInfo> KeepingSink::added() const {
  std::lock_guard lock(mutex_);
  return added_;
}

std::vector<TrackId> KeepingSink::removed() const {
  std::lock_guard lock(mutex_);
  return removed_;
}

// --- decoding

std::map<int64_t, std::string> decoded_pictures(const std::string& codec,
                                                const std::vector<KeepingSink::Kept>& frames) {
  const std::string decoder = codec == "vp8"    ? "vp8dec"
                              : codec == "vp9"  ? "vp9dec"
                              : codec == "h264" ? "h264parse ! avdec_h264 max-threads=1"
                                                : "h265parse ! avdec_h265 max-threads=1";
  auto pipeline = launch(fmt::format(
      "appsrc name=in format=time caps={} ! {} ! videoconvert ! video/x-raw,format=I420 ! "
      "appsink name=out sync=false",
      codec_by_name(codec)->frame_caps, decoder));
  auto in = child(pipeline, "in");
  auto out = child(pipeline, "out");
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  for (size_t i = 0; i < frames.size(); ++i) {
    GstBuffer* buffer = gst_buffer_new_memdup(frames[i].bytes.data(), frames[i].bytes.size());
    GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = i * GST_SECOND;
    gst_app_src_push_buffer(GST_APP_SRC(in.get()), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  std::map<int64_t, std::string> pictures;
  while (GstSample* sample =
             gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 20 * GST_SECOND)) {
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    const size_t index = GST_BUFFER_PTS(buffer) / GST_SECOND;
    GstMapInfo map;
    if (index < frames.size() && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
      const Text sum(g_compute_checksum_for_data(G_CHECKSUM_SHA256, map.data, map.size));
      pictures[frames[index].frame.rtp_time] = sum.get();
      gst_buffer_unmap(buffer, &map);
    }
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return pictures;
}

}  // namespace callbot::pipelines
