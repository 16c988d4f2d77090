#include "bot/mark_eye.h"

#include <gtest/gtest.h>

#include "tests/support/marked_media.h"

namespace callbot::bot {
namespace {

Frame frame_of(const test::EncodedFrame& encoded, int64_t arrival_ns) {
  Frame frame;
  frame.bytes = encoded.bytes;
  frame.key = encoded.key;
  frame.last_arrival_ns = arrival_ns;
  return frame;
}

class MarkEyeTest : public testing::TestWithParam<const char*> {};

TEST_P(MarkEyeTest, ReadsEveryMarkWithItsArrival) {
  const auto video =
      test::make_video({.codec = GetParam(), .frames = 20, .first_counter = 500, .source = 9});
  const auto seen = std::make_shared<SeenMarks>();
  MarkEye eye(seen);
  ASSERT_TRUE(eye.begin_track(test::video_track(1, "alice", GetParam())));
  for (size_t i = 0; i < video.size(); ++i)
    ASSERT_TRUE(eye.write(1, frame_of(video[i], static_cast<int64_t>(1000 + i))));
  ASSERT_TRUE(eye.end_track(1));
  const auto marks = seen->marks();
  ASSERT_EQ(marks.size(), 20U);
  for (size_t i = 0; i < marks.size(); ++i) {
    EXPECT_EQ(marks[i].mark, (VideoMark{static_cast<uint32_t>(500 + i), 9, marks[i].mark.flags}));
    EXPECT_EQ(marks[i].arrival_ns, static_cast<int64_t>(1000 + i));
    EXPECT_EQ(marks[i].participant, "alice");
    EXPECT_EQ(marks[i].width, 320);
  }
  EXPECT_EQ(seen->unread(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Codecs, MarkEyeTest, testing::Values("vp8", "vp9", "h264"));

TEST(MarkEye, CountsPicturesWithoutAMarkAndWhatIsNone) {
  const auto video = test::make_video({.frames = 5, .marked = false});
  const auto seen = std::make_shared<SeenMarks>();
  MarkEye eye(seen);
  ASSERT_TRUE(eye.begin_track(test::video_track(1, "alice")));
  for (const auto& frame : video) ASSERT_TRUE(eye.write(1, frame_of(frame, 1)));
  EXPECT_EQ(seen->unread(), 5U);
  const test::EncodedFrame rubbish{.bytes = std::vector<uint8_t>(3, 0xff)};
  ASSERT_TRUE(eye.write(1, frame_of(rubbish, 1)));
  EXPECT_EQ(seen->undecodable(), 1U);
  EXPECT_TRUE(seen->marks().empty());
  ASSERT_TRUE(eye.write(7, frame_of(video[0], 1))) << "of a track that it does not know";
}

}  // namespace
}  // namespace callbot::bot
