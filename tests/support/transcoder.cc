#include "tests/support/transcoder.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <cstring>

namespace callbot::test {

PictureBuffer::PictureBuffer(int width, int height) : width_(width), height_(height) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, width, height);
  bytes.resize(info.size);
}

PictureView PictureBuffer::view() {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, width_, height_);
  return {bytes.data(),
          static_cast<size_t>(info.stride[0]),
          bytes.data() + info.offset[1],
          bytes.data() + info.offset[2],
          static_cast<size_t>(info.stride[1]),
          width_,
          height_};
}

GRef<GstCaps> PictureBuffer::caps(int fps) const {
  return GRef<GstCaps>::adopt(gst_caps_new_simple(
      "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, width_, "height",
      G_TYPE_INT, height_, "framerate", GST_TYPE_FRACTION, fps, 1, nullptr));
}

GRef<GstBuffer> PictureBuffer::copy(int64_t pts_ns) const {
  auto buffer = GRef<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(pts_ns);
  return buffer;
}

Transcoder::Transcoder(const std::string& elements, const GstCaps* caps) {
  GError* raw = nullptr;
  const std::string text = "appsrc name=in format=time is-live=true max-bytes=0 ! " + elements +
                           " ! appsink name=out sync=false async=false";
  pipeline_ = GRef<GstElement>::sink(gst_parse_launch(text.c_str(), &raw));
  const ErrorPtr error(raw);
  if (error != nullptr) {
    ADD_FAILURE() << text << ": " << error->message;
    return;
  }
  source_ = GRef<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "in"));
  const auto sink = GRef<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "out"));
  g_object_set(source_.get(), "caps", caps, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = [](GstAppSink* from, gpointer self) {
    GstSample* sample = gst_app_sink_pull_sample(from);
    if (sample == nullptr) return GST_FLOW_EOS;
    static_cast<Transcoder*>(self)->take(sample);
    gst_sample_unref(sample);
    return GST_FLOW_OK;
  };
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

Transcoder::~Transcoder() {
  if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

void Transcoder::push(const GRef<GstBuffer>& buffer) {
  if (source_) gst_app_src_push_buffer(GST_APP_SRC(source_.get()), GRef(buffer).release());
}

void Transcoder::finish() {
  if (!source_) return;
  gst_app_src_end_of_stream(GST_APP_SRC(source_.get()));
  const auto bus = GRef<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  const auto message = GRef<GstMessage>::adopt(
      gst_bus_timed_pop_filtered(bus.get(), 60 * GST_SECOND,
                                 static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  if (!message) {
    ADD_FAILURE() << "the pipeline did not end";
  } else if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);
    const ErrorPtr error(raw);
    ADD_FAILURE() << error->message;
  }
}

void Transcoder::take(GstSample* sample) {
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  GstMapInfo map;
  ASSERT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READ));
  const GstCaps* caps = gst_sample_get_caps(sample);
  const char* name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  const std::lock_guard lock(mutex_);
  const auto pts = static_cast<int64_t>(GST_BUFFER_PTS(buffer));
  if (std::strncmp(name, "video/", 6) == 0)
    take_picture(caps, map, pts);
  else
    take_samples(map, pts);
  gst_buffer_unmap(buffer, &map);
}

void Transcoder::take_picture(const GstCaps* caps, const GstMapInfo& map, int64_t pts) {
  GstVideoInfo info;
  ASSERT_TRUE(gst_video_info_from_caps(&info, caps));
  pictures_.push_back(
      {pts, info.width, info.height,
       read_video_mark(map.data + info.offset[0], info.stride[0], info.width, info.height)});
}

void Transcoder::take_samples(const GstMapInfo& map, int64_t pts) {
  if (begin_ns_ < 0) begin_ns_ = pts;
  // Where this buffer belongs by its time; 48 samples are a millisecond, 480 of doubt are allowed.
  const auto place = static_cast<size_t>((pts - begin_ns_) * 48 / 1'000'000);
  if (place > samples_.size() + 480) samples_.resize(place, 0);
  const auto* values = reinterpret_cast<const int16_t*>(map.data);
  for (size_t i = 0; i < map.size / sizeof(int16_t); ++i)
    samples_.push_back(static_cast<float>(values[i]) / 32768);
}

std::vector<DecodedPicture> Transcoder::pictures() const {
  const std::lock_guard lock(mutex_);
  return pictures_;
}

std::vector<float> Transcoder::samples() const {
  const std::lock_guard lock(mutex_);
  return samples_;
}

int64_t Transcoder::samples_begin_ns() const {
  const std::lock_guard lock(mutex_);
  return begin_ns_;
}

std::string decoder_of(const std::string& codec) {
  if (codec == "vp8") return "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420";
  if (codec == "vp9") return "rtpvp9depay ! vp9dec ! videoconvert ! video/x-raw,format=I420";
  if (codec == "h264")
    return "rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420";
  return "rtpopusdepay ! opusdec ! audioconvert ! "
         "audio/x-raw,format=S16LE,rate=48000,channels=1";
}

std::vector<FoundChirp> chirps_of(const std::vector<float>& samples) {
  ChirpDetector detector;
  auto found = detector.push(samples);
  const auto last = detector.finish();
  found.insert(found.end(), last.begin(), last.end());
  return found;
}

}  // namespace callbot::test
