#include "pipelines/pattern_picture.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

using test::PictureBuffer;

std::unique_ptr<PatternPicture> make(const PictureConfig& config) {
  auto made = PatternPicture::create(config);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

PictureConfig sized(int width, int height, int fps = 30) {
  PictureConfig config;
  config.width = width, config.height = height, config.fps = fps;
  return config;
}

std::vector<uint8_t> drawn(const PictureConfig& config, uint64_t frame) {
  PictureBuffer picture(config.width, config.height);
  make(config)->draw(frame, frame % config.fps == 0, picture.view());
  return picture.bytes;
}

TEST(PatternPicture, IsTheSameByteForByteForTheSameSeed) {
  const PictureConfig config = sized(640, 360);
  const auto one = make(config), two = make(config);
  PictureBuffer a(640, 360), b(640, 360);
  for (const uint64_t frame : {500, 0, 1, 29, 30, 31, 12345678}) {  // in any order
    one->draw(frame, false, a.view());
    std::fill(b.bytes.begin(), b.bytes.end(), static_cast<uint8_t>(frame));  // all is painted
    two->draw(frame, false, b.view());
    EXPECT_EQ(a.bytes, b.bytes) << frame;
  }
}

TEST(PatternPicture, EverythingThatItIsMadeFromShows) {
  const PictureConfig base = sized(640, 360);
  std::set<std::vector<uint8_t>> pictures{drawn(base, 10), drawn(base, 11)};
  PictureConfig other = base;
  other.seed = 2;
  pictures.insert(drawn(other, 10));
  other = base, other.source = 2;
  pictures.insert(drawn(other, 10));
  other = base, other.name = "somebody";
  pictures.insert(drawn(other, 10));
  other = base, other.fps = 25;
  pictures.insert(drawn(other, 10));
  EXPECT_EQ(pictures.size(), 6U);
}

TEST(PatternPicture, DrawsEverySizeWithItsMarkInside) {
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{{160, 90},
                                                                      {161, 91},
                                                                      {176, 144},
                                                                      {320, 180},
                                                                      {321, 241},
                                                                      {640, 480},
                                                                      {853, 479},
                                                                      {1280, 720},
                                                                      {720, 1280},
                                                                      {1920, 1080},
                                                                      {160, 1920},
                                                                      {1920, 90}}) {
    PictureConfig config = sized(width, height);
    config.source = 4711;
    PictureBuffer picture(width, height);
    make(config)->draw(90, true, picture.view());
    const PictureView view = picture.view();
    EXPECT_EQ(read_video_mark(view.luma, view.luma_stride, width, height),
              (VideoMark{90, 4711, kMarkChirp}))
        << width << "x" << height;
  }
}

TEST(PatternPicture, MovesWithEveryFrameAndUsesColour) {
  const auto pattern = make(sized(640, 360));
  PictureBuffer a(640, 360), b(640, 360);
  pattern->draw(100, false, a.view());
  pattern->draw(101, false, b.view());
  const size_t luma = size_t{640} * 360, below_mark = size_t{640} * 28;
  size_t changed = 0;
  for (size_t i = below_mark; i < luma; ++i) changed += a.bytes[i] != b.bytes[i] ? 1 : 0;
  EXPECT_GT(changed, luma / 20);
  size_t coloured = 0;
  for (size_t i = luma; i < a.bytes.size(); ++i) coloured += std::abs(a.bytes[i] - 128) > 8 ? 1 : 0;
  EXPECT_GT(coloured, (a.bytes.size() - luma) / 2);
}

TEST(PatternPicture, AnyNameDoesNoHarm) {
  PictureConfig config = sized(320, 180);
  for (const std::string& name :
       {std::string(), std::string(10000, 'W'), std::string("\xff\xfe\xc3"),
        std::string("\xe2\x80\xaeright to left"), std::string(300, '\0'),
        std::string("\u041f\u0440\u0438\u0432\u0435\u0442 \U0001f600")}) {
    config.name = name;
    PictureBuffer picture(320, 180);
    make(config)->draw(1, false, picture.view());
    const PictureView view = picture.view();
    EXPECT_TRUE(read_video_mark(view.luma, view.luma_stride, 320, 180));
  }
}

TEST(PatternPicture, RefusesWhatItCannotDraw) {
  for (const PictureConfig& config :
       {sized(159, 90), sized(160, 89), sized(1922, 1080), sized(1280, 1921), sized(-1, 0),
        sized(640, 360, 0), sized(640, 360, 61)}) {
    const auto made = PatternPicture::create(config);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kUsage);
  }
}

// What an encoder at 200 kbit/s leaves of the marks of a 720p pattern scaled to half its size.
struct Squeeze {
  const char* elements;
  int frames;
};
class PatternPictureSqueezed : public testing::TestWithParam<Squeeze> {};

TEST_P(PatternPictureSqueezed, EveryMarkIsRead) {
  const PictureConfig config = sized(1280, 720);
  const auto pattern = make(config);
  PictureBuffer picture(1280, 720);
  test::Transcoder codec(
      std::string(GetParam().elements) + " ! videoconvert ! video/x-raw,format=I420",
      picture.caps(30).get());
  for (int frame = 0; frame < GetParam().frames; ++frame) {
    pattern->draw(frame, frame % 30 == 0, picture.view());
    codec.push(picture.copy(frame * int64_t{1'000'000'000} / 30));
  }
  codec.finish();
  const auto pictures = codec.pictures();
  ASSERT_EQ(pictures.size(), static_cast<size_t>(GetParam().frames));
  for (size_t i = 0; i < pictures.size(); ++i) {
    const uint8_t flags = i % 30 == 0 ? kMarkChirp : 0;
    ASSERT_EQ(pictures[i].mark, (VideoMark{static_cast<uint32_t>(i), 1, flags})) << i;
  }
}

constexpr const char* kHalf =
    "videoscale ! video/x-raw,width=640,height=360 ! vp8enc target-bitrate=200000 deadline=1 "
    "cpu-used=16 end-usage=cbr keyframe-max-dist=10000 ! vp8dec";
constexpr const char* kHalfOfHalf =
    "videoscale ! video/x-raw,width=640,height=360 ! vp8enc target-bitrate=200000 deadline=1 "
    "cpu-used=16 end-usage=cbr keyframe-max-dist=10000 ! vp8dec ! videoscale ! "
    "video/x-raw,width=320,height=180";
constexpr const char* kPoor =
    "videoscale ! video/x-raw,width=320,height=180 ! vp8enc target-bitrate=50000 deadline=1 "
    "cpu-used=16 end-usage=cbr keyframe-max-dist=10000 ! vp8dec";
constexpr const char* kWhole =
    "vp8enc target-bitrate=200000 deadline=1 cpu-used=16 end-usage=cbr keyframe-max-dist=10000 ! "
    "vp8dec ! videoscale ! video/x-raw,width=426,height=240";
constexpr const char* kVp9 =
    "videoscale ! video/x-raw,width=640,height=360 ! vp9enc target-bitrate=150000 deadline=1 "
    "cpu-used=9 end-usage=cbr ! vp9dec";
constexpr const char* kH264 =
    "videoscale ! video/x-raw,width=640,height=360 ! x264enc bitrate=200 tune=zerolatency "
    "speed-preset=ultrafast ! avdec_h264";
INSTANTIATE_TEST_SUITE_P(, PatternPictureSqueezed,
                         testing::Values(Squeeze{kHalf, 300}, Squeeze{kHalfOfHalf, 100},
                                         Squeeze{kPoor, 100}, Squeeze{kWhole, 60},
                                         Squeeze{kVp9, 60}, Squeeze{kH264, 100}));

}  // namespace
}  // namespace callbot::pipelines
