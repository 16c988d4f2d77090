// Real Peers, a path between them that gets narrow, wide, and loses packets.
#include "pipelines/uplink.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "pipelines/gst_glue.h"
#include "tests/support/loopback.h"
#include "tests/support/undisturbed.h"

namespace callbot::pipelines {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

LoopbackConfig sending(TestPattern& pattern) {
  LoopbackConfig config;
  config.offerer.source = &pattern;
  return config;
}

const CountingSink::Seen* video_of(const std::map<TrackId, CountingSink::Seen>& seen) {
  for (const auto& [id, one] : seen)
    if (one.info.kind == MediaKind::kVideo) return &one;
  return nullptr;
}

// From a to b no more than this; 0: as much as there is.
network::Conditions narrow(double rate) {
  network::Conditions conditions;
  conditions.up.rate = rate;
  return conditions;
}

void one_receiver_falls_and_climbs_and_the_others_stay(const char* codec) {
  Loop loop;
  const auto pattern = pattern_in_sizes(loop, codec, true);
  network::Link line;
  Loopback other(loop, sending(*pattern));
  Loopback call(loop, sending(*pattern));
  call.route(line);
  ASSERT_TRUE(other.connect()) << other.log();
  line.set(narrow(2e6));
  ASSERT_TRUE(call.connect()) << call.log();
  const auto rendition = [&] { return call.a.peer->stats().rendition; };
  ASSERT_TRUE(call.run_until([&] { return call.a.peer->stats().available_outgoing_bitrate > 0; }))
      << call.log();
  ASSERT_TRUE(call.flows(call.b, MediaKind::kVideo, 60)) << call.log();

  const int64_t narrowed = monotonic_ns();
  line.set(narrow(200e3));
  ASSERT_TRUE(call.run_until([&] { return rendition() == 2; }, seconds(30))) << call.log();
  const int64_t fell = monotonic_ns();
  ASSERT_TRUE(call.run_until(
      [&] { return !call.b.sizes.empty() && call.b.sizes.back() == std::pair(160u, 90u); },
      seconds(30)))
      << call.log();
  const int64_t seen_small = monotonic_ns();
  ASSERT_TRUE(call.flows(call.b, MediaKind::kVideo, 150)) << call.log();
  EXPECT_EQ(rendition(), 2u);
  EXPECT_LT(call.a.peer->stats().available_outgoing_bitrate, 400e3);

  const int64_t widened = monotonic_ns();
  line.set(narrow(2e6));
  EXPECT_TRUE(call.run_until([&] { return rendition() == 0; }, seconds(30))) << call.log();
  const int64_t back = monotonic_ns();
  EXPECT_TRUE(
      call.run_until([&] { return call.b.sizes.back() == std::pair(640u, 360u); }, seconds(30)))
      << call.log();
  const PeerStats stats = call.a.peer->stats();
  EXPECT_GT(stats.quality_limited_s, static_cast<double>(widened - fell) * 1e-9);
  EXPECT_GE(stats.quality_switches, 2u) << "down and back up";
  EXPECT_GT(stats.probes_sent, 0u);
  testing::Test::RecordProperty("fell_ms", static_cast<int>((fell - narrowed) / 1'000'000));
  testing::Test::RecordProperty("seen_small_ms",
                                static_cast<int>((seen_small - narrowed) / 1'000'000));
  testing::Test::RecordProperty("back_ms", static_cast<int>((back - widened) / 1'000'000));
  printf("%s: fell after %ld ms, seen after %ld ms, back after %ld ms\n", codec,
         (fell - narrowed) / 1'000'000, (seen_small - narrowed) / 1'000'000,
         (back - widened) / 1'000'000);

  EXPECT_EQ(call.b.tracks.size(), 2u) << "one stream of packets all along";
  EXPECT_TRUE(call.b.removed.empty());
  EXPECT_TRUE(other.a.renditions.empty()) << other.log();
  EXPECT_EQ(other.b.sizes.size(), 1u);
  EXPECT_EQ(other.a.peer->stats().quality_limited_s, 0);
  EXPECT_EQ(other.a.peer->stats().quality_switches, 0u);
}

class UplinkCodecs : public ::testing::TestWithParam<const char*> {};

TEST_P(UplinkCodecs, OneReceiverFallsAndClimbsAndTheOthersStay) {
  undisturbed([] { one_receiver_falls_and_climbs_and_the_others_stay(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(Codecs, UplinkCodecs, ::testing::Values("vp8", "vp9", "h264"),
                         [](const auto& info) { return std::string(info.param); });

void random_loss_is_repaired_and_changes_nothing() {
  Loop loop;
  const auto pattern = pattern_in_sizes(loop, "vp8", true);
  network::Link line;
  Loopback call(loop, sending(*pattern));
  call.route(line);
  ASSERT_TRUE(call.connect()) << call.log();
  ASSERT_TRUE(call.flows(call.b, MediaKind::kVideo, 30));
  network::Conditions lossy;
  lossy.up.loss = 0.05;
  lossy.up.loss_of = {network::PacketKind::kRtp};
  line.set(lossy);
  ASSERT_TRUE(
      call.run_until([&] { return line.stats().up.truth.dropped_all() > 60; }, seconds(30)));
  EXPECT_TRUE(call.flows(call.b, MediaKind::kVideo, 30));
  const auto seen = call.b.sink.seen();
  ASSERT_NE(video_of(seen), nullptr);
  EXPECT_LT(video_of(seen)->longest_pause_ns, 1'000'000'000);
  EXPECT_GT(call.a.peer->stats().packets_resent, 0u) << call.log();
  EXPECT_GT(call.a.peer->stats().available_outgoing_bitrate, 0);
  EXPECT_TRUE(call.a.renditions.empty()) << call.log();
}

TEST(Uplink, RandomLossIsRepairedAndChangesNothing) {
  undisturbed(random_loss_is_repaired_and_changes_nothing);
}

// What rtpsession is told by caps, whether rtpfunnel said it or not.
TEST(Uplink, CapsSayInWhichExtensionPacketsAreNumbered) {
  Loop loop;
  gst_init(nullptr, nullptr);
  const auto numbered = [&](int extension, const char* text) {
    Uplink uplink(loop, [](size_t, double) {});
    uplink.number_packets(extension);
    auto rtx = *make_element("rtprtxsend");
    uplink.tap()(rtx.get());
    std::string passed;
    const auto src = GRef<GstPad>::adopt(gst_element_get_static_pad(rtx.get(), "src"));
    const auto after = GRef<GstPad>::sink(gst_pad_new("after", GST_PAD_SINK));
    gst_pad_set_event_function_full(
        after.get(),
        [](GstPad* pad, GstObject*, GstEvent* event) -> gboolean {
          GstCaps* caps = nullptr;
          if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
            gst_event_parse_caps(event, &caps);
            char* said = gst_caps_to_string(caps);
            *static_cast<std::string*>(pad->eventdata) = said;
            g_free(said);
          }
          gst_event_unref(event);
          return TRUE;
        },
        &passed, nullptr);
    gst_pad_set_active(after.get(), TRUE);
    EXPECT_EQ(gst_pad_link(src.get(), after.get()), GST_PAD_LINK_OK);
    gst_element_set_state(rtx.get(), GST_STATE_PAUSED);
    gst_pad_push_event(src.get(), gst_event_new_stream_start("s"));
    const auto caps = GRef<GstCaps>::adopt(gst_caps_from_string(text));
    gst_pad_push_event(src.get(), gst_event_new_caps(caps.get()));
    gst_element_set_state(rtx.get(), GST_STATE_NULL);
    gst_pad_unlink(src.get(), after.get());
    gst_pad_set_active(after.get(), FALSE);
    return passed;
  };
  using testing::HasSubstr;
  using testing::Not;
  const std::string bare = "application/x-rtp, ssrc=(uint)7";
  EXPECT_THAT(numbered(3, bare.c_str()), HasSubstr("extmap-3=(string)http://www.ietf.org/id/"));
  EXPECT_THAT(numbered(3, bare.c_str()), HasSubstr("ssrc=(uint)7"));
  EXPECT_THAT(numbered(0, bare.c_str()), Not(HasSubstr("extmap")));
  EXPECT_THAT(numbered(3, (bare + ", extmap-3=(string)theirs").c_str()),
              HasSubstr("extmap-3=(string)theirs"));
}

TEST(Uplink, WithoutFeedbackEverythingIsSentAsItIs) {
  Loop loop;
  const auto pattern = pattern_in_sizes(loop, "vp8", true);
  Loopback call(loop, sending(*pattern));
  call.b.munge = [](const std::string& sdp) {
    std::string without = without_lines(sdp, "a=extmap");
    return replaced(without, "transport-cc", "nack");
  };
  ASSERT_TRUE(call.connect()) << call.log();
  ASSERT_TRUE(call.flows(call.b, MediaKind::kVideo, 60));
  EXPECT_EQ(call.a.peer->stats().available_outgoing_bitrate, -1);
  EXPECT_EQ(call.a.peer->stats().rendition, 0u);
}

}  // namespace
}  // namespace callbot::pipelines
