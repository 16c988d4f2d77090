#include "quality/known_media.h"

#include <gtest/gtest.h>

#include "base/audio_mark.h"
#include "quality/decoder.h"
#include "quality/vp8_header.h"

namespace callbot::quality {
namespace {

TEST(KnownMedia, EachPictureIsAKeyFrameWithItsMarkAndQuantiser) {
  const auto frames = known_pictures({.frames = 35, .source = 5});
  ASSERT_TRUE(frames) << frames.error().message;
  ASSERT_EQ(frames->size(), 35u);
  auto decoder = Decoder::open("vp8", 90000, 0);
  ASSERT_TRUE(decoder);
  for (uint32_t n = 0; n < 35; ++n) {
    const KnownFrame& known = (*frames)[n];
    EXPECT_TRUE(known.frame.key);
    EXPECT_EQ(known.frame.rtp_time, n * 3000);
    EXPECT_DOUBLE_EQ(known.captured, n / 30.0);
    const auto header = vp8_header(known.frame.bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->quantiser, kKnownQuantiser);
    std::optional<VideoMark> mark;
    (*decoder)->decode(known.frame.bytes, n, [&](const AVFrame& picture, int64_t) {
      mark = read_video_mark(picture.data[0], static_cast<size_t>(picture.linesize[0]),
                             picture.width, picture.height);
    });
    EXPECT_EQ(mark, (VideoMark{n, 5, n % 30 == 0 ? kMarkChirp : uint8_t{0}}));
  }
}

TEST(KnownMedia, SoundIsTheSameWhereverItBegins) {
  std::vector<float> whole(3 * kMarkSampleRate), piece(1000);
  play_known(whole, 0);
  for (const size_t first : {size_t{0}, size_t{500}, size_t{47500}, size_t{48000}, size_t{51000}}) {
    play_known(piece, static_cast<int64_t>(first));
    for (size_t i = 0; i < piece.size(); ++i)
      ASSERT_NEAR(piece[i], whole[first + i], 1e-6) << first;
  }
}

TEST(KnownMedia, SoundIsTwentyMillisecondsAPacket) {
  for (const bool g711 : {false, true}) {
    const auto frames = known_sound({.seconds = 2, .g711 = g711});
    ASSERT_TRUE(frames) << frames.error().message;
    ASSERT_EQ(frames->size(), 100u);
    EXPECT_EQ((*frames)[50].frame.rtp_time, known_sound_track(g711).clock_rate);
    EXPECT_DOUBLE_EQ((*frames)[50].captured, 1);
  }
}

}  // namespace
}  // namespace callbot::quality
