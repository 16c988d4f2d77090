#include "pipelines/bitstream.h"

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/gref.h"

namespace callbot::pipelines {
namespace {

using Bytes = std::vector<uint8_t>;

// Frames of a real encoder.
std::vector<Bytes> encode(const std::string& encoder, int width, int height,
                          const std::string& format = "I420") {
  const std::string text = fmt::format(
      "videotestsrc num-buffers=5 pattern=ball ! "
      "video/x-raw,format={},width={},height={},framerate=30/1 ! {} ! appsink name=out sync=false",
      format, width, height, encoder);
  GError* error = nullptr;
  auto pipeline = GRef<GstElement>::sink(gst_parse_launch(text.c_str(), &error));
  EXPECT_EQ(error, nullptr) << text;
  auto out = GRef<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  std::vector<Bytes> frames;
  while (GstSample* sample =
             gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 20 * GST_SECOND)) {
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    frames.emplace_back(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, frames.back().data(), frames.back().size());
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  EXPECT_EQ(frames.size(), 5u) << text;
  return frames;
}

struct Encoding {
  const char* codec;
  const char* encoder;
  const char* format = "I420";
};

const Encoding kEncodings[] = {
    {"vp8", "vp8enc deadline=1 cpu-used=8"},
    {"vp9", "vp9enc deadline=1 cpu-used=8 lag-in-frames=0"},
    {"vp9", "vp9enc deadline=1 cpu-used=8 lag-in-frames=0", "Y444"},
    {"h264", "x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream,profile=baseline"},
    {"h264", "x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream,profile=high"},
    {"h264", "x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream", "Y444"},
    {"h264", "x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream", "Y42B"},
    {"h264", "x264enc tune=zerolatency interlaced=true ! video/x-h264,stream-format=byte-stream"},
    {"h264", "openh264enc ! video/x-h264,stream-format=byte-stream"},
    {"h265",
     "x265enc tune=zerolatency log-level=none ! "
     "h265parse ! video/x-h265,stream-format=byte-stream,alignment=au"},
    {"h265",
     "x265enc tune=zerolatency log-level=none ! "
     "h265parse ! video/x-h265,stream-format=byte-stream,alignment=au",
     "Y444"},
};

class Inspected : public testing::TestWithParam<Encoding> {};

TEST_P(Inspected, FirstFrameIsAKeyFrameAndSaysItsSize) {
  const Encoding& e = GetParam();
  for (const auto& [width, height] : {std::pair{160, 120}, {322, 242}, {1280, 720}}) {
    FrameInspector inspector(e.codec);
    const auto frames = encode(e.encoder, width, height, e.format);
    const FrameFacts first = inspector.inspect(frames[0]);
    EXPECT_TRUE(first.key);
    EXPECT_TRUE(first.whole);
    EXPECT_EQ(first.width, static_cast<uint32_t>(width)) << e.encoder;
    EXPECT_EQ(first.height, static_cast<uint32_t>(height)) << e.encoder;
    for (size_t i = 1; i < frames.size(); ++i) {
      const FrameFacts facts = inspector.inspect(frames[i]);
      EXPECT_FALSE(facts.key) << i;
      EXPECT_TRUE(facts.whole) << i;
    }
  }
}

TEST_P(Inspected, FramesCutAnywhereAndGarbledAreNoTrouble) {
  const Encoding& e = GetParam();
  std::mt19937 random(7);
  const auto frames = encode(e.encoder, 160, 120, e.format);
  FrameInspector inspector(e.codec);
  for (size_t size = 0; size < std::min<size_t>(frames[0].size(), 200); ++size)
    inspector.inspect(std::span(frames[0]).first(size));
  for (int round = 0; round < 2000; ++round) {
    Bytes garbled = frames[round % frames.size()];
    garbled.resize(std::min<size_t>(garbled.size(), 100));
    for (int i = 0; i < 4; ++i) garbled[random() % garbled.size()] = static_cast<uint8_t>(random());
    const FrameFacts facts = inspector.inspect(garbled);
    EXPECT_LE(facts.width, 16384u);
  }
}

INSTANTIATE_TEST_SUITE_P(AllCodecs, Inspected, testing::ValuesIn(kEncodings));

TEST(FrameInspector, TakesEveryAudioFrameForAKeyFrame) {
  FrameInspector inspector("opus");
  EXPECT_TRUE(inspector.inspect(Bytes{0xf8}).key);
  EXPECT_EQ(inspector.inspect(Bytes{0xf8}).width, 0u);
}

TEST(FrameInspector, SeesThatTheFirstSliceOfAnH264FrameIsMissing) {
  // x264 with slices: cut the first one away, keep the parameter sets.
  const auto frames = encode(
      "x264enc tune=zerolatency option-string=slices=4 ! "
      "video/x-h264,stream-format=byte-stream",
      320, 240);
  const Bytes& whole = frames[0];
  FrameInspector inspector("h264");
  EXPECT_TRUE(inspector.inspect(whole).whole);
  std::vector<size_t> slices;
  for (size_t i = 0; i + 4 < whole.size(); ++i)
    if (whole[i] == 0 && whole[i + 1] == 0 && whole[i + 2] == 1 && (whole[i + 3] & 0x1f) == 5)
      slices.push_back(i);
  ASSERT_GE(slices.size(), 2u);
  Bytes cut(whole.begin(), whole.begin() + static_cast<long>(slices[0]));
  cut.insert(cut.end(), whole.begin() + static_cast<long>(slices[1]), whole.end());
  EXPECT_FALSE(inspector.inspect(cut).whole);
  EXPECT_FALSE(inspector.inspect(cut).key);
}

TEST(FrameInspector, TakesAnIdrWithoutParameterSetsForNoKeyFrameUntilItHasSeenSome) {
  const auto frames =
      encode("x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream", 160, 120);
  size_t idr = 0;
  while ((frames[0][idr] != 1) || (frames[0][idr + 1] & 0x1f) != 5) ++idr;
  const Bytes bare(frames[0].begin() + static_cast<long>(idr - 2), frames[0].end());
  FrameInspector inspector("h264");
  EXPECT_FALSE(inspector.inspect(bare).key);
  EXPECT_FALSE(inspector.inspect(frames[0]).lacks_parameter_sets);
  const FrameFacts facts = inspector.inspect(bare);
  EXPECT_TRUE(facts.key);
  EXPECT_TRUE(facts.lacks_parameter_sets);
  Bytes restored(inspector.parameter_sets().begin(), inspector.parameter_sets().end());
  restored.insert(restored.end(), bare.begin(), bare.end());
  FrameInspector fresh("h264");
  EXPECT_TRUE(fresh.inspect(restored).key);
}

// --- VP9 changes its size without a key frame; such headers are made here bit by bit.

class BitWriter {
 public:
  BitWriter& put(uint32_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) {
      if (used_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() |= static_cast<uint8_t>((value >> i & 1u) << (7 - used_ % 8));
      ++used_;
    }
    return *this;
  }
  Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
  int used_ = 0;
};

BitWriter vp9_key(uint32_t width, uint32_t height) {
  BitWriter w;
  w.put(2, 2).put(0, 2).put(0, 1);          // frame marker, profile 0, shows no old frame
  w.put(0, 1).put(1, 1).put(0, 1);          // key, shown, not resilient
  w.put(0x498342, 24).put(2, 3).put(0, 1);  // sync, BT.709, studio range
  return w.put(width - 1, 16).put(height - 1, 16).put(0, 8);
}

BitWriter vp9_inter(uint32_t refreshed) {
  BitWriter w;
  w.put(2, 2).put(0, 2).put(0, 1).put(1, 1).put(1, 1).put(0, 1).put(0, 2);
  w.put(refreshed, 8);
  return w.put(0, 3).put(0, 1).put(1, 3).put(0, 1).put(2, 3).put(0, 1);  // references 0, 1, 2
}

TEST(FrameInspector, FollowsVp9SizesThroughItsReferences) {
  FrameInspector inspector("vp9");
  FrameFacts facts = inspector.inspect(vp9_inter(1).put(1, 1).put(0, 16).bytes());
  EXPECT_EQ(facts.width, 0u) << "no key frame yet";
  facts = inspector.inspect(vp9_key(640, 480).bytes());
  EXPECT_TRUE(facts.key);
  EXPECT_EQ(facts.width, 640u);
  facts = inspector.inspect(vp9_inter(1).put(0, 3).put(319, 16).put(239, 16).put(0, 8).bytes());
  EXPECT_FALSE(facts.key);
  EXPECT_EQ(facts.width, 320u) << "says a size of its own, kept in slot 0";
  facts = inspector.inspect(vp9_inter(0).put(1, 1).put(0, 8).bytes());
  EXPECT_EQ(facts.width, 320u) << "the size of slot 0";
  facts = inspector.inspect(vp9_inter(0).put(1, 2).put(0, 8).bytes());
  EXPECT_EQ(facts.width, 640u) << "the size of slot 1";
  EXPECT_EQ(facts.height, 480u);
}

TEST(FrameInspector, LooksIntoVp9Superframes) {
  FrameInspector inspector("vp9");
  const Bytes small = vp9_key(320, 240).bytes();
  const Bytes large = vp9_inter(2).put(0, 3).put(639, 16).put(479, 16).put(0, 8).bytes();
  Bytes both = small;
  both.insert(both.end(), large.begin(), large.end());
  const uint8_t marker = 0xc0 | 1;
  for (const size_t byte : {size_t{marker}, small.size(), large.size(), size_t{marker}})
    both.push_back(static_cast<uint8_t>(byte));
  const FrameFacts facts = inspector.inspect(both);
  EXPECT_TRUE(facts.key);
  EXPECT_EQ(facts.width, 640u);
}

}  // namespace
}  // namespace callbot::pipelines
