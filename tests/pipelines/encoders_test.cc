#include "pipelines/encoders.h"

#include <gtest/gtest.h>

#include <string>

namespace callbot::pipelines {
namespace {

TEST(Encoders, EveryVideoEncoderOfTheTableTakesItsSettings) {
  int tried = 0;
  for (const Codec& codec : codecs())
    for (const char* element : codec.encoders) {
      if (element == nullptr || codec.kind != MediaKind::kVideo) continue;
      const auto made = make_encoder_named(element, {});
      EXPECT_TRUE(made) << element << ": " << made.error().message;
      ++tried;
    }
  EXPECT_GE(tried, 4);
  EXPECT_TRUE(make_opus_encoder(32000));
}

TEST(Encoders, PayloadersCarryTheirIdentityAndSize) {
  for (const Codec& codec : codecs()) {
    if (installed_encoder(codec) == nullptr) continue;
    const auto made = make_payloader(codec, {usual_payload(codec), 0xfedcba98});
    ASSERT_TRUE(made) << codec.name;
    guint mtu = 0, payload = 0, ssrc = 0;
    g_object_get(made->get(), "mtu", &mtu, "pt", &payload, "ssrc", &ssrc, nullptr);
    EXPECT_EQ(mtu, 1200U);
    EXPECT_EQ(payload, static_cast<guint>(usual_payload(codec)));
    EXPECT_EQ(ssrc, 0xfedcba98U);
  }
}

TEST(Encoders, SayWhatTheyCannotDo) {
  const auto unknown = make_encoder_named("fakesink", {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kUnsupported);
  const auto none = make_video_encoder(*codec_by_name("h265"), {});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("h265"), std::string::npos);
}

TEST(Encoders, H264SaysTheLevelOfItsSize) {
  const auto level = [](int width, int height, int fps) {
    const auto caps = rtp_caps(*codec_by_name("h264"), {102, 1}, {width, height, fps, 1'000'000});
    return std::string(
        gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "profile-level-id"));
  };
  EXPECT_EQ(level(640, 480, 30), "42e01e");
  EXPECT_EQ(level(1280, 720, 30), "42e01f");
  EXPECT_EQ(level(1280, 720, 60), "42e028");
  EXPECT_EQ(level(1920, 1080, 30), "42e028");
  EXPECT_EQ(level(1920, 1080, 60), "42e02a");
}

}  // namespace
}  // namespace callbot::pipelines
