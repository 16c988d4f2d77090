#include "quality/picture_meter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/clock.h"
#include "tests/support/measured.h"

namespace callbot::test {
namespace {

// Every codec that is received: its frames are decoded and their marks read.
class PictureMeterCodecs : public ::testing::TestWithParam<const char*> {};

TEST_P(PictureMeterCodecs, DecodesAndReadsEveryFrame) {
  Measuring call({.actor = "bob", .verify = quality::Verify::kAll, .log = log_of(1, 90)});
  call.watch().expect("alice", {.sender = {.source = 1, .fps = 30}});
  call.add({video_track(1, "alice", GetParam()), make_video({.codec = GetParam(), .frames = 90})});
  call.run(3.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.frames"), 90);
  EXPECT_GE(s.total("video.decoded"), 88) << "a decoder may hold a frame or two";
  EXPECT_EQ(s.total("video.unread"), 0);
  EXPECT_EQ(s.total("video.missing"), 0);
  EXPECT_EQ(s.total("video.undecodable"), 0);
  EXPECT_EQ(s.of("video.qp").state,
            std::string(GetParam()) == "vp8" ? Measured::kOk : Measured::kUnmeasured);
}

INSTANTIATE_TEST_SUITE_P(All, PictureMeterCodecs, ::testing::Values("vp8", "vp9", "h264", "h265"));

TEST(PictureMeter, WhatIsShownWithoutAMarkIsNobodys) {
  Measuring call({.actor = "bob", .verify = quality::Verify::kAll});
  call.add({video_track(1, "alice"),
            make_video({.frames = 60, .mark = [](int) { return std::optional<VideoMark>(); }})});
  call.run(2.5);
  EXPECT_TRUE(call.watch().presence().empty());
  const auto unread = call.watch().senses().unread();
  ASSERT_EQ(unread.size(), 1u);
  EXPECT_EQ(unread[0].from, "alice");
}

const Series* find(const std::vector<Series>& all, const std::string& metric) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Series& s) { return s.metric == metric; });
  return found == all.end() ? nullptr : &*found;
}

// A frame is handed over long after the jitterbuffer let it go: that is the writer's beat.
TEST(PictureMeter, HowLongAFrameIsUnderWayIsTheNetworksAndTheDecodersAffair) {
  constexpr int64_t kMs = 1'000'000;
  FakeClock clock(at_second(0), 0);
  quality::SeriesSet set("bob", "alice", "camera");
  quality::PictureMeter meter(video_track(1, "alice"), set, {});
  const auto frames = make_video({.width = 192, .height = 108, .frames = 4, .key_every = 1});
  const auto hand = [&](size_t n, int64_t out_ns, uint32_t packets) {
    clock.advance(std::chrono::milliseconds(200));
    Frame frame = arrived(frames[n], monotonic_ns() - 150 * kMs);
    frame.first_arrival_ns -= 7 * kMs;
    frame.packets = packets;
    if (out_ns > 0) frame.out_ns = frame.last_arrival_ns + out_ns;
    meter.frame(frame, true);
  };
  hand(0, 0, 0);  // as of a source that does not say
  for (const char* metric : {"video.assembly", "video.processing"}) {
    const auto all = set.snapshot();
    ASSERT_NE(find(all, metric), nullptr);
    EXPECT_EQ(find(all, metric)->state, Measured::kUnmeasured) << metric;
    EXPECT_NE(find(all, metric)->why, "");
  }
  hand(1, 5 * kMs, 1);
  hand(2, 30 * kMs, 4);
  const auto all = set.snapshot();
  ASSERT_EQ(find(all, "video.assembly")->samples.size(), 1u) << "of those in several packets";
  EXPECT_DOUBLE_EQ(find(all, "video.assembly")->samples[0].value, 0.007);
  const auto& processing = find(all, "video.processing")->samples;
  ASSERT_EQ(processing.size(), 2u);
  EXPECT_DOUBLE_EQ(processing[0].value, 0.012);
  EXPECT_DOUBLE_EQ(processing[1].value, 0.037);
}

TEST(PictureMeter, ACodecWithoutADecoderIsUnmeasured) {
  quality::SeriesSet set("bob", "alice", "camera");
  TrackInfo track = video_track(1, "alice", "vp8");
  track.codec = "unheard-of";
  quality::PictureMeter meter(track, set, {});
  const std::vector<uint8_t> bytes(100);
  Frame frame;
  frame.bytes = bytes;
  frame.key = true;
  meter.frame(frame, true);
  for (const Series& s : set.snapshot()) {
    if (s.metric != "video.decoded") continue;
    EXPECT_EQ(s.state, Measured::kUnmeasured);
    EXPECT_NE(s.why.find("unheard-of"), std::string::npos) << s.why;
  }
  EXPECT_EQ(set.total("video.frames"), 1);
}

}  // namespace
}  // namespace callbot::test
