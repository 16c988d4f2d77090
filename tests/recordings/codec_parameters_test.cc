#include "recordings/codec_parameters.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/marked_media.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;

class VideoCodec : public ::testing::TestWithParam<const char*> {};

TEST_P(VideoCodec, KeyFrameSaysItsSize) {
  const std::string codec = GetParam();
  for (const auto& [width, height] :
       {std::pair(320, 180), std::pair(98, 62), std::pair(1280, 720)}) {
    const auto frames = make_video({.codec = codec, .width = width, .height = height, .frames = 2});
    const auto p = video_parameters(video_track(1, "a", codec), frames[0].bytes);
    ASSERT_TRUE(p) << width;
    EXPECT_EQ(p->size, (PictureSize{static_cast<uint32_t>(width), static_cast<uint32_t>(height)}));
    EXPECT_FALSE(frames[1].key);
    if (codec == "vp8" || codec == "vp9") {
      EXPECT_FALSE(picture_size(codec, frames[1].bytes));
    } else {
      EXPECT_FALSE(video_parameters(video_track(1, "a", codec), frames[1].bytes));
    }
    EXPECT_TRUE(is_shown(codec, frames[0].bytes));
    EXPECT_TRUE(is_shown(codec, frames[1].bytes));
  }
}

// Whatever comes from the network: no size, or some size, but no harm.
TEST_P(VideoCodec, SurvivesDamagedKeyFrames) {
  const std::string codec = GetParam();
  const auto good = make_video({.codec = codec, .width = 96, .height = 64, .frames = 1})[0].bytes;
  for (size_t size = 0; size < std::min<size_t>(good.size(), 300); ++size)
    (void)video_parameters(video_track(1, "a", codec), std::span(good).first(size));
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    auto bad = good;
    for (int i = 0; i < 8; ++i)
      bad[random() % std::min<size_t>(bad.size(), 60)] = static_cast<uint8_t>(random());
    (void)video_parameters(video_track(1, "a", codec), bad);
    (void)is_shown(codec, bad);
  }
}

INSTANTIATE_TEST_SUITE_P(CodecParameters, VideoCodec,
                         ::testing::Values("vp8", "vp9", "h264", "h265"));

TEST(CodecParameters, AudioIsKnownFromItsTrack) {
  const auto opus = audio_parameters(audio_track(1, "a", "opus"));
  ASSERT_TRUE(opus);
  EXPECT_EQ(opus->sample_rate, 48000);
  EXPECT_EQ(opus->channels, 2);
  EXPECT_EQ(opus->extradata.size(), 19u);
  const auto g722 = audio_parameters(audio_track(1, "a", "g722"));
  ASSERT_TRUE(g722);
  EXPECT_EQ(g722->sample_rate, 16000);  // its RTP clock says 8000
  EXPECT_FALSE(audio_parameters(video_track(1, "a", "vp8")));
}

TEST(CodecParameters, ParameterSetsAreAllOrNothing) {
  const std::vector<uint8_t> sps_only = {0, 0, 0, 1, 0x67, 1, 2, 3};
  EXPECT_TRUE(parameter_sets("h264", sps_only).empty());
  const std::vector<uint8_t> both = {0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 9, 0, 0, 1, 0x65, 5};
  EXPECT_EQ(parameter_sets("h264", both),
            (std::vector<uint8_t>{0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 9}));
}

TEST(CodecParameters, Vp8FramesMayBeHidden) {
  EXPECT_TRUE(is_shown("vp8", std::vector<uint8_t>{0x10}));
  EXPECT_FALSE(is_shown("vp8", std::vector<uint8_t>{0x00}));
}

}  // namespace
}  // namespace callbot::recordings
