#include "quality/picture_meter.h"

#include <gtest/gtest.h>

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
