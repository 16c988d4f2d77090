#include "pipelines/live_stream.h"

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

// Grey pictures of one brightness each, with the mark of their number, through every encoder.
class LiveStreamEncoder : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(LiveStreamEncoder, KeyFramesOnRequestOneMarkerAFrameAndALateJoinerSeesIt) {
  const auto [codec, element] = GetParam();
  auto encoder = make_encoder_named(element, {320, 180, 30, 400'000});
  ASSERT_TRUE(encoder) << encoder.error().message;
  const auto pipeline = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
  LiveStreamConfig config;
  config.codec = codec_by_name(codec);
  config.rtp = {100, 1234};
  config.encoder = *encoder;
  config.raw_caps = test::PictureBuffer(320, 180).caps(30);
  config.make = [](uint64_t frame) {
    test::PictureBuffer picture(320, 180);
    std::fill(picture.bytes.begin(), picture.bytes.end(), static_cast<uint8_t>(40 + frame % 150));
    write_video_mark(picture.view(), {static_cast<uint32_t>(frame), 7, 0});
    return picture.copy(0);
  };
  config.ended = [] {};
  auto stream = LiveStream::create(GST_BIN(pipeline.get()), std::move(config));
  ASSERT_TRUE(stream) << stream.error().message;

  std::mutex mutex;
  std::map<uint32_t, int> markers;  // by RTP time
  (*stream)->attach([&](const GRef<GstBuffer>& packet) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    ASSERT_TRUE(gst_rtp_buffer_map(packet.get(), GST_MAP_READ, &rtp));
    const std::lock_guard lock(mutex);
    markers[gst_rtp_buffer_get_timestamp(&rtp)] += gst_rtp_buffer_get_marker(&rtp) ? 1 : 0;
    EXPECT_EQ(gst_rtp_buffer_get_ssrc(&rtp), 1234U);
    gst_rtp_buffer_unmap(&rtp);
  });
  const int64_t now = monotonic_ns();
  (*stream)->begin(now, now);
  ASSERT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  Loop loop;
  EXPECT_TRUE(loop.run_until([&] { return (*stream)->sent().size() >= 20; }, 15s));
  EXPECT_EQ((*stream)->stats().key_frames, 1U);

  const auto caps = rtp_caps(*codec_by_name(codec), {100, 1234}, {320, 180, 30, 400'000});
  test::Transcoder late(test::decoder_of(codec), caps.get());
  const TapId tap = (*stream)->attach([&](const GRef<GstBuffer>& packet) { late.push(packet); });
  EXPECT_TRUE(loop.run_until([&] { return late.pictures().size() >= 5; }, 15s));
  (*stream)->detach(tap);
  (*stream)->stop();
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  late.finish();
  for (const auto& picture : late.pictures()) EXPECT_TRUE(picture.mark);
  EXPECT_EQ((*stream)->stats().key_frames, 2U);
  const std::lock_guard lock(mutex);
  for (const auto& [time, count] : markers) EXPECT_LE(count, 1) << time;
  EXPECT_GE(markers.size(), 25U);
}

INSTANTIATE_TEST_SUITE_P(, LiveStreamEncoder,
                         testing::Values(std::pair("vp8", "vp8enc"), std::pair("vp9", "vp9enc"),
                                         std::pair("h264", "x264enc"),
                                         std::pair("h264", "openh264enc")),
                         [](const auto& test) { return std::string(test.param.second); });

// VP8 of 320x180, 30 a second, that somebody listens to.
class Vp8Stream {
 public:
  explicit Vp8Stream(std::function<RawFrame(uint64_t frame)> make) {
    auto encoder = make_encoder_named("vp8enc", {320, 180, 30, 400'000});
    EXPECT_TRUE(encoder);
    LiveStreamConfig config;
    config.codec = codec_by_name("vp8");
    config.rtp = {100, 1234};
    config.encoder = *encoder;
    config.raw_caps = test::PictureBuffer(320, 180).caps(30);
    config.make = std::move(make);
    config.ended = [] {};
    auto made = LiveStream::create(GST_BIN(pipeline_.get()), std::move(config));
    EXPECT_TRUE(made);
    stream_ = std::move(*made);
    stream_->attach([](const GRef<GstBuffer>&) {});
    const int64_t now = monotonic_ns();
    stream_->begin(now, now);
    EXPECT_NE(gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  }
  ~Vp8Stream() {
    stream_->stop();
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }
  LiveStream* operator->() const { return stream_.get(); }
  bool run_until(const std::function<bool()>& so) { return loop_.run_until(so, 15s); }

 private:
  Loop loop_;
  const GRef<GstElement> pipeline_ = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
  std::unique_ptr<LiveStream> stream_;
};

// Grey pictures, and noise in one of them or in none.
uint64_t huge_frames(std::optional<uint64_t> noise) {
  Vp8Stream stream([noise](uint64_t frame) {
    test::PictureBuffer picture(320, 180);
    std::fill(picture.bytes.begin(), picture.bytes.end(), uint8_t{100});
    uint32_t random = 1;
    if (frame == noise)
      for (uint8_t& byte : picture.bytes)
        byte = static_cast<uint8_t>((random = random * 1664525 + 1013904223) >> 24);
    return picture.copy(0);
  });
  EXPECT_TRUE(stream.run_until([&] {
    const auto sent = stream->sent();
    return sent.size() >= 20 && sent.back().number > 16;
  }));
  return stream->stats().huge;
}

TEST(LiveStream, AFrameIsHugeBesideThoseBeforeIt) {
  EXPECT_EQ(huge_frames({}), 0u) << "the first is a key frame, and has none before it";
  EXPECT_GE(huge_frames(15), 1u);
}

// Its thread had other things to do and did not see that it was off.
TEST(LiveStream, WhatWasDueWhileItWasOffIsNeverSent) {
  constexpr uint64_t kHeld = 5;
  std::atomic<bool> held{false};
  std::promise<void> go;
  Vp8Stream stream([&](uint64_t frame) {
    if (frame == kHeld) {
      held = true;
      go.get_future().wait_for(15s);
    }
    return test::PictureBuffer(320, 180).copy(0);
  });
  EXPECT_TRUE(stream.run_until([&] { return held.load(); }));
  stream->set_on(false);
  const int64_t off_ns = monotonic_ns();
  EXPECT_TRUE(stream.run_until([&] { return stream->next_frame() > kHeld + 10; }));
  const int64_t on_ns = monotonic_ns();
  stream->set_on(true);
  go.set_value();
  EXPECT_TRUE(stream.run_until([&] { return stream->sent().size() >= kHeld + 10; }));
  for (const SentFrame& frame : stream->sent())
    EXPECT_TRUE(frame.captured_ns <= off_ns || frame.captured_ns >= on_ns) << frame.number;
}

}  // namespace
}  // namespace callbot::pipelines
