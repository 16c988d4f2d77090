#include "quality/vp8_header.h"

#include <gtest/gtest.h>

#include <random>

#include "quality/av.h"
#include "tests/support/marked_media.h"

namespace callbot::quality {
namespace {

// The encoder is told which quantiser to use: libvpx's 0..63 stand for y_ac_qi by a table of its
// own, of which these are entries (vp8/encoder: quantizer_trans).
struct Quantiser {
  int told, y_ac_qi;
};

std::vector<std::vector<uint8_t>> encode(int quantiser) {
  const AVCodec* codec = avcodec_find_encoder_by_name("libvpx");
  AvCodecContext context(avcodec_alloc_context3(codec));
  context->width = 176;
  context->height = 144;
  context->pix_fmt = AV_PIX_FMT_YUV420P;
  context->time_base = {1, 30};
  context->qmin = context->qmax = quantiser;
  context->bit_rate = 300'000;
  context->gop_size = 100;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "deadline", "realtime", 0);
  av_dict_set(&options, "lag-in-frames", "0", 0);
  av_dict_set(&options, "error-resilient", "1", 0);
  EXPECT_GE(avcodec_open2(context.get(), codec, &options), 0);
  av_dict_free(&options);
  std::vector<std::vector<uint8_t>> frames;
  const AvPacket packet(av_packet_alloc());
  for (int n = 0; n < 5; ++n) {
    const AvFrame frame(av_frame_alloc());
    frame->width = 176;
    frame->height = 144;
    frame->format = AV_PIX_FMT_YUV420P;
    frame->pts = n;
    av_frame_get_buffer(frame.get(), 0);
    std::mt19937 random(static_cast<uint32_t>(n));
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < (plane == 0 ? 144 : 72); ++y)
        for (int x = 0; x < (plane == 0 ? 176 : 88); ++x)
          frame->data[plane][y * frame->linesize[plane] + x] = static_cast<uint8_t>(random() % 200);
    avcodec_send_frame(context.get(), frame.get());
    while (avcodec_receive_packet(context.get(), packet.get()) >= 0) {
      frames.emplace_back(packet->data, packet->data + packet->size);
      av_packet_unref(packet.get());
    }
  }
  return frames;
}

TEST(Vp8Header, ReadsTheQuantiserThatTheEncoderUsed) {
  for (const Quantiser q : {Quantiser{0, 0}, {4, 4}, {20, 25}, {40, 59}, {63, 127}}) {
    const auto frames = encode(q.told);
    ASSERT_EQ(frames.size(), 5u);
    for (size_t n = 0; n < frames.size(); ++n) {
      const auto header = vp8_header(frames[n]);
      ASSERT_TRUE(header);
      EXPECT_EQ(header->key, n == 0);
      EXPECT_TRUE(header->shown);
      EXPECT_EQ(header->quantiser, q.y_ac_qi) << "told " << q.told << ", frame " << n;
      EXPECT_EQ(header->width, n == 0 ? 176 : 0);
      EXPECT_EQ(header->height, n == 0 ? 144 : 0);
    }
  }
}

TEST(Vp8Header, WhatIsNoFrameHasNoHeader) {
  EXPECT_FALSE(vp8_header({}));
  EXPECT_FALSE(vp8_header(std::vector<uint8_t>{0, 1, 2}));
  EXPECT_FALSE(vp8_header(std::vector<uint8_t>(20, 0))) << "a key frame without its start code";
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes(random() % 40);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
    const auto header = vp8_header(bytes);
    if (header) {
      EXPECT_LE(header->quantiser, 127);
    }
  }
}

}  // namespace
}  // namespace callbot::quality
