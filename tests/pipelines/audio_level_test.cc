#include "pipelines/audio_level.h"

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace callbot::pipelines {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes packet(Bytes extension, int csrcs = 0) {
  Bytes bytes{static_cast<uint8_t>(0x90 | csrcs), 111, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7};
  bytes.resize(bytes.size() + 4u * static_cast<size_t>(csrcs));
  bytes.insert(bytes.end(), extension.begin(), extension.end());
  bytes.insert(bytes.end(), {1, 2, 3});
  return bytes;
}

TEST(AudioLevel, IsFoundInBothFormsOfTheHeader) {
  // RFC 8285, 4.2: id 3 of two bytes, padding, id 4 of one byte.
  const auto one = packet({0xBE, 0xDE, 0, 2, 0x31, 9, 9, 0, 0x40, 0x80 | 33, 0, 0}, 2);
  const auto level = audio_level_of(one, 4);
  ASSERT_TRUE(level);
  EXPECT_EQ(level->below_dbov, 33);
  EXPECT_TRUE(level->voice);
  EXPECT_FALSE(audio_level_of(one, 5));
  EXPECT_FALSE(audio_level_of(one, 0));
  // 4.3
  const auto two = audio_level_of(packet({0x10, 0, 0, 2, 3, 2, 9, 9, 0, 4, 1, 100}), 4);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->below_dbov, 100);
  EXPECT_FALSE(two->voice);
}

TEST(AudioLevel, WhatIsBrokenSaysNothing) {
  const auto whole = packet({0xBE, 0xDE, 0, 1, 0x30, 9, 0x40, 20});
  ASSERT_TRUE(audio_level_of(whole, 4));
  for (size_t size = 0; size < 20; ++size)
    EXPECT_FALSE(audio_level_of({whole.data(), size}, 4)) << size;
  EXPECT_FALSE(audio_level_of(packet({0xBE, 0xDE, 0, 1, 0xF0, 0x40, 20, 0}), 4)) << "15 ends it";
  EXPECT_FALSE(audio_level_of(packet({0xBE, 0xDE, 0, 1, 0x3F, 0x40, 20, 0}), 4)) << "runs over";
  EXPECT_FALSE(audio_level_of(packet({0x12, 0x34, 0, 1, 0x40, 20, 0, 0}), 4)) << "another profile";
  EXPECT_FALSE(audio_level_of(packet({0xBE, 0xDE, 0xFF, 0xFF, 0, 0, 0, 0}), 4));
}

TEST(AudioLevel, OfSamplesIsTheirRootMeanSquare) {
  std::vector<int16_t> samples(960);
  EXPECT_EQ(measure_level(samples).below_dbov, 127);
  EXPECT_FALSE(measure_level(samples).voice);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<int16_t>(
        3276.7 * std::sin(2 * std::numbers::pi * 10 * static_cast<double>(i) / 960));
  EXPECT_EQ(measure_level(samples).below_dbov, 23) << "-20 dB, and 3 for the sine";
  EXPECT_TRUE(measure_level(samples).voice);
  for (int16_t& sample : samples) sample = 32767;
  EXPECT_EQ(measure_level(samples).below_dbov, 0);
}

TEST(AudioLevel, IsPutIntoAPacketThatStaysTheSame) {
  auto plain = GRef<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(50, 0, 0));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  ASSERT_TRUE(gst_rtp_buffer_map(plain.get(), GST_MAP_WRITE, &rtp));
  gst_rtp_buffer_set_seq(&rtp, 77);
  gst_rtp_buffer_set_ssrc(&rtp, 0xdeadbeef);
  gst_rtp_buffer_set_marker(&rtp, TRUE);
  memset(gst_rtp_buffer_get_payload(&rtp), 0x5a, 50);
  gst_rtp_buffer_unmap(&rtp);
  GST_BUFFER_PTS(plain.get()) = 1234;

  auto made = with_audio_level(plain, 4, {42, true});
  EXPECT_EQ(GST_BUFFER_PTS(made.get()), 1234u);
  rtp = GST_RTP_BUFFER_INIT;
  ASSERT_TRUE(gst_rtp_buffer_map(made.get(), GST_MAP_READ, &rtp));
  EXPECT_EQ(gst_rtp_buffer_get_seq(&rtp), 77);
  EXPECT_EQ(gst_rtp_buffer_get_ssrc(&rtp), 0xdeadbeef);
  EXPECT_TRUE(gst_rtp_buffer_get_marker(&rtp));
  ASSERT_EQ(gst_rtp_buffer_get_payload_len(&rtp), 50u);
  EXPECT_EQ(static_cast<uint8_t*>(gst_rtp_buffer_get_payload(&rtp))[49], 0x5a);
  gpointer data = nullptr;
  guint size = 0;
  ASSERT_TRUE(gst_rtp_buffer_get_extension_onebyte_header(&rtp, 4, 0, &data, &size));
  EXPECT_EQ(size, 1u);
  EXPECT_EQ(*static_cast<uint8_t*>(data), 0x80 | 42);
  gst_rtp_buffer_unmap(&rtp);
}

}  // namespace
}  // namespace callbot::pipelines
