#include "pipelines/sender.h"

#include <gmock/gmock.h>
#include <gst/rtp/gstrtpbuffer.h>

#include <atomic>
#include <thread>

#include "base/clock.h"
#include "tests/support/loopback.h"
#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

// What one receiver is sent, decoded, while its rendition changes and another one's does not.
class SenderCodecs : public testing::TestWithParam<const char*> {
 protected:
  Loop loop_;
};

TEST_P(SenderCodecs, ChangesRenditionWithoutLosingAFrame) {
  const auto pattern = pattern_in_sizes(loop_, GetParam(), false);
  GRef<GstElement> pipeline = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
  auto sink = GRef<GstElement>::sink(gst_element_factory_make("fakesink", nullptr));
  gst_bin_add(GST_BIN(pipeline.get()), sink.get());
  g_object_set(sink.get(), "sync", FALSE, "async", FALSE, "signal-handoffs", TRUE, nullptr);
  test::Transcoder decoder(test::decoder_of(GetParam()), pattern->streams()[0].caps.get());
  const auto take = [](GstElement*, GstBuffer* packet, GstPad*, gpointer into) {
    static_cast<test::Transcoder*>(into)->push(GRef<GstBuffer>::share(packet));
  };
  g_signal_connect(sink.get(), "handoff", G_CALLBACK(+take), &decoder);
  const auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(sink.get(), "sink"));
  auto sender = Sender::create(loop_, {.pipeline = GST_BIN(pipeline.get()),
                                       .sink = pad.get(),
                                       .source = pattern.get(),
                                       .stream = 0,
                                       .clock = std::make_shared<SendClock>()});
  ASSERT_TRUE(sender);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  (*sender)->set_active(true);
  const TapId other = pattern->attach_rendition(0, 1, [](const GRef<GstBuffer>&) {});

  const auto arrive = [&](size_t more) {
    const size_t before = decoder.pictures().size();
    return loop_.run_until([&] { return decoder.pictures().size() >= before + more; }, 15s);
  };
  ASSERT_TRUE(arrive(10));
  for (const size_t rendition : {1, 0, 2, 1, 0}) {
    (*sender)->set_rendition(rendition);
    const Rendition wanted = pattern->renditions(0)[rendition];
    EXPECT_TRUE(loop_.run_until(
        [&] {
          return !decoder.pictures().empty() && decoder.pictures().back().width == wanted.width;
        },
        15s))
        << rendition;
    EXPECT_TRUE(arrive(10));
  }
  sender->reset();
  pattern->detach(0, other);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  decoder.finish();

  // Going down, what is too much stops before the other has its key frame; going up nothing is
  // missing. Nothing comes twice, and nothing back.
  std::optional<test::DecodedPicture> last;
  int missing_going_up = 0;
  for (const auto& picture : decoder.pictures()) {
    ASSERT_TRUE(picture.mark);
    if (last) {
      EXPECT_GT(picture.mark->counter, last->mark->counter);
      const bool down = picture.width < last->width;
      if (!down)
        missing_going_up += static_cast<int>(picture.mark->counter - last->mark->counter) - 1;
    }
    last = picture;
  }
  EXPECT_LE(missing_going_up, 1);
}

INSTANTIATE_TEST_SUITE_P(Codecs, SenderCodecs, testing::Values("vp8", "vp9", "h264"),
                         [](const auto& info) { return std::string(info.param); });

// As many packets as its thread can make.
class Torrent final : public Source {
 public:
  Torrent() {
    SourceStream stream{.kind = MediaKind::kAudio, .codec = "opus"};
    stream.caps = GRef<GstCaps>::adopt(gst_caps_from_string(
        "application/"
        "x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=96,ssrc=(uint)1"));
    streams_.push_back(std::move(stream));
  }
  ~Torrent() override { stop(); }

  const std::vector<SourceStream>& streams() const override { return streams_; }
  Result<> start() override { return {}; }
  TapId attach(size_t, Tap tap) override {
    flows_ = true;
    thread_ = std::thread([this, tap = std::move(tap)] {
      for (guint16 number = 0; flows_; ++number) {
        auto packet = GRef<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(100, 0, 0));
        GST_BUFFER_PTS(packet.get()) = static_cast<GstClockTime>(monotonic_ns());
        tap(packet);
      }
    });
    return 1;
  }
  void detach(size_t, TapId) override { stop(); }
  void request_key_frame(size_t) override {}
  void on_end(std::function<void(Result<>)>) override {}

 private:
  void stop() {
    flows_ = false;
    if (thread_.joinable()) thread_.join();
  }

  std::vector<SourceStream> streams_;
  std::atomic<bool> flows_{false};
  std::thread thread_;
};

// A live GstBaseSrc whose create() has just given a list when the pipeline stops lets go of a
// buffer that is not there, and GLib complains.
TEST(Sender, EndsAmidPacketsWithoutComplaint) {
  gst_init(nullptr, nullptr);
  static std::atomic<int> complaints = 0;
  complaints = 0;
  const auto complain = [](const gchar*, GLogLevelFlags, const gchar* message, gpointer) {
    if (complaints++ == 0) ADD_FAILURE() << message;
  };
  const guint handler = g_log_set_handler("GStreamer", G_LOG_LEVEL_CRITICAL, +complain, nullptr);
  Loop loop;
  for (int i = 0; i < 300; ++i) {
    Torrent torrent;
    GRef<GstElement> pipeline = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
    auto sink = GRef<GstElement>::sink(gst_element_factory_make("fakesink", nullptr));
    gst_bin_add(GST_BIN(pipeline.get()), sink.get());
    std::atomic<int> came = 0;
    g_object_set(sink.get(), "sync", FALSE, "async", FALSE, "signal-handoffs", TRUE, nullptr);
    const auto count = [](GstElement*, GstBuffer*, GstPad*, gpointer into) {
      ++*static_cast<std::atomic<int>*>(into);
    };
    g_signal_connect(sink.get(), "handoff", G_CALLBACK(+count), &came);
    const auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(sink.get(), "sink"));
    auto sender = Sender::create(loop, {.pipeline = GST_BIN(pipeline.get()),
                                        .sink = pad.get(),
                                        .source = &torrent,
                                        .stream = 0,
                                        .clock = std::make_shared<SendClock>()});
    ASSERT_TRUE(sender);
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    (*sender)->set_active(true);
    ASSERT_TRUE(loop.run_until([&] { return came > 10; }, 15s));
    sender->reset();
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
  g_log_remove_handler("GStreamer", handler);
}

}  // namespace
}  // namespace callbot::pipelines
