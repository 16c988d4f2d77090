#include "pipelines/sender.h"

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace callbot::pipelines
