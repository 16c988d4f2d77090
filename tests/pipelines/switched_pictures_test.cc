#include "pipelines/switched_pictures.h"

#include <gtest/gtest.h>

namespace callbot::pipelines {
namespace {

class SwitchedPicturesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  static PatternStretch stretch(uint64_t at, int width, int height, int bitrate, int fps = 30) {
    PatternStretch made{at, {}, bitrate};
    made.look.width = width;
    made.look.height = height;
    made.look.fps = fps;
    return made;
  }
  static size_t size_of(const RawFrame& frame) {
    return frame.buffer ? gst_buffer_get_size(frame.buffer.get()) : 0;
  }
  static int width_of(const GRef<GstCaps>& caps) {
    int width = 0;
    gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "width", &width);
    return width;
  }
};

TEST_F(SwitchedPicturesTest, ChangeAtTheirFrameAndSaySoOnce) {
  const auto pictures = SwitchedPictures::create(stretch(0, 320, 180, 500'000), true);
  ASSERT_TRUE(pictures);
  EXPECT_EQ(width_of((*pictures)->caps()), 320);
  ASSERT_TRUE((*pictures)->add(stretch(3, 160, 90, 100'000)));
  ASSERT_TRUE((*pictures)->add(stretch(5, 160, 90, 200'000)));
  for (uint64_t frame = 0; frame < 7; ++frame) {
    const RawFrame made = (*pictures)->make(frame, true);
    EXPECT_EQ(size_of(made), frame < 3 ? 320u * 180 * 3 / 2 : 160u * 90 * 3 / 2) << frame;
    EXPECT_EQ(made.caps ? width_of(made.caps) : 0, frame == 3 ? 160 : 0) << frame;
    EXPECT_EQ(made.bitrate, frame == 3 ? 100'000 : frame == 5 ? 200'000 : 0) << frame;
  }
}

TEST_F(SwitchedPicturesTest, WhoComesLateGetsTheLastOfThoseThatAreDue) {
  const auto pictures = SwitchedPictures::create(stretch(0, 320, 180, 500'000), false);
  ASSERT_TRUE(pictures);
  ASSERT_TRUE((*pictures)->add(stretch(3, 160, 90, 100'000)));
  ASSERT_TRUE((*pictures)->add(stretch(5, 480, 270, 500'000)));
  const RawFrame made = (*pictures)->make(10, false);
  ASSERT_TRUE(made.caps);
  EXPECT_EQ(width_of(made.caps), 480);
  EXPECT_EQ(made.bitrate, 500'000);
}

TEST_F(SwitchedPicturesTest, WhatIsWithdrawnNeverWas) {
  const auto pictures = SwitchedPictures::create(stretch(0, 320, 180, 500'000), false);
  ASSERT_TRUE(pictures);
  ASSERT_TRUE((*pictures)->add(stretch(2, 160, 90, 100'000)));
  (*pictures)->withdraw(3);  // another one
  (*pictures)->withdraw(2);
  EXPECT_FALSE((*pictures)->make(2, false).caps);
  EXPECT_FALSE((*pictures)->add(stretch(4, 20, 20, 100'000))) << "cannot be drawn";
  EXPECT_FALSE((*pictures)->make(4, false).caps);
}

}  // namespace
}  // namespace callbot::pipelines
