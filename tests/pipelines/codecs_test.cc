#include "pipelines/codecs.h"

#include <gtest/gtest.h>

#include "base/gref.h"

namespace callbot::pipelines {
namespace {

bool is_installed(const char* element) {
  return static_cast<bool>(GRef<GstElementFactory>::adopt(gst_element_factory_find(element)));
}

GRef<GstCaps> caps(const char* text) { return GRef<GstCaps>::adopt(gst_caps_from_string(text)); }

TEST(Codecs, EveryElementNamedInTheTableIsInstalled) {
  for (const Codec& codec : codecs()) {
    EXPECT_TRUE(is_installed(codec.depayloader)) << codec.name << ": " << codec.depayloader;
    EXPECT_TRUE(is_installed(codec.payloader)) << codec.name << ": " << codec.payloader;
    EXPECT_TRUE(can_receive(codec)) << codec.name;
    const bool sends = codec.encoders[0] != nullptr;
    EXPECT_EQ(installed_encoder(codec) != nullptr, sends) << codec.name;
    EXPECT_EQ(sends, std::string(codec.name) != "h265") << codec.name;
  }
}

TEST(Codecs, EveryDepayloaderGivesTheFramesThatTheTableSays) {
  for (const Codec& codec : codecs()) {
    auto factory = GRef<GstElementFactory>::adopt(gst_element_factory_find(codec.depayloader));
    ASSERT_TRUE(factory) << codec.name;
    const auto frames = caps(codec.frame_caps);
    EXPECT_TRUE(gst_element_factory_can_src_any_caps(factory.get(), frames.get())) << codec.name;
    const auto rtp = GRef<GstCaps>::adopt(gst_caps_new_simple(
        "application/x-rtp", "media", G_TYPE_STRING, name_of(codec.kind), "encoding-name",
        G_TYPE_STRING, codec.rtp_name, "clock-rate", G_TYPE_INT, codec.clock, nullptr));
    EXPECT_TRUE(gst_element_factory_can_sink_any_caps(factory.get(), rtp.get())) << codec.name;
  }
}

TEST(Codecs, AreFoundByEachOfTheirNames) {
  for (const Codec& codec : codecs()) {
    EXPECT_EQ(codec_by_name(codec.name), &codec);
    EXPECT_EQ(codec_by_rtp_name(codec.rtp_name), &codec);
    EXPECT_EQ(codec_by_rtp_name(codec.name, codec.clock), &codec) << "in any case";
    EXPECT_EQ(codec_by_rtp_name(codec.rtp_name, codec.clock + 1), nullptr);
    if (codec.static_payload < 0) continue;
    EXPECT_EQ(codec_by_static_payload(codec.static_payload), &codec);
  }
  EXPECT_EQ(codec_by_name("av1"), nullptr);
  EXPECT_EQ(codec_by_rtp_name("opu"), nullptr);
  EXPECT_EQ(codec_by_static_payload(-1), nullptr);
}

TEST(Codecs, AreFoundByCaps) {
  const auto vp8 = codec_of(caps("application/x-rtp,media=video,encoding-name=VP8,"
                                 "clock-rate=90000,payload=96")
                                .get());
  ASSERT_TRUE(vp8);
  EXPECT_STREQ((*vp8)->name, "vp8");
  const auto pcma = codec_of(caps("application/x-rtp,media=audio,payload=8").get());
  ASSERT_TRUE(pcma);
  EXPECT_STREQ((*pcma)->name, "pcma");
  const auto red = codec_of(
      caps("application/x-rtp,media=audio,encoding-name=RED,clock-rate=48000,payload=63").get());
  ASSERT_FALSE(red);
  EXPECT_EQ(red.error().code, Code::kUnsupported);
  EXPECT_EQ(red.error().message, "a track of codec RED/48000");
  EXPECT_FALSE(codec_of(nullptr));
}

}  // namespace
}  // namespace callbot::pipelines
