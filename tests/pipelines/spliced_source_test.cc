#include "pipelines/spliced_source.h"

#include <gmock/gmock.h>

#include "tests/support/loopback.h"
#include "tests/support/rtp_packet.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using test::Packet;

class SplicedSourceTest : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kPatience{60000};
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  // Until so many packets of each stream have come since now.
  bool hears(size_t packets) {
    size_t before[2] = {};
    {
      const std::lock_guard lock(mutex_);
      for (size_t i = 0; i < 2; ++i) before[i] = heard_[i].size();
    }
    return loop_.run_until(
        [&] {
          const std::lock_guard lock(mutex_);
          return heard_[0].size() >= before[0] + packets && heard_[1].size() >= before[1] + packets;
        },
        kPatience);
  }
  void listen(Source& source) {
    for (size_t stream = 0; stream < 2; ++stream)
      source.attach(stream, [this, stream](const GRef<GstBuffer>& buffer) {
        const std::lock_guard lock(mutex_);
        heard_[stream].push_back(test::packet_of(buffer, stream == 0));
      });
  }

  Loop loop_;
  std::mutex mutex_;
  std::vector<Packet> heard_[2];  // video, audio
};

TEST_F(SplicedSourceTest, NumbersAndTimesGoOnFromSourceToSource) {
  const auto a = small_pattern(loop_), b = small_pattern(loop_);
  SplicedSource spliced(*a);
  listen(spliced);
  ASSERT_TRUE(spliced.start());
  ASSERT_TRUE(b->start());
  ASSERT_TRUE(hears(20));
  ASSERT_TRUE(spliced.splice(*b));
  ASSERT_TRUE(hears(20));
  ASSERT_TRUE(spliced.splice(*a));
  ASSERT_TRUE(hears(20));
  EXPECT_GT(b->stats().video.packets, 0u);
  const std::lock_guard lock(mutex_);
  for (size_t stream = 0; stream < 2; ++stream) {
    const auto& packets = heard_[stream];
    const double clock = stream == 0 ? 90'000 : 48'000;
    guint ssrc = 0;
    gst_structure_get_uint(gst_caps_get_structure(a->streams()[stream].caps.get(), 0), "ssrc",
                           &ssrc);
    for (size_t i = 0; i < packets.size(); ++i) {
      ASSERT_EQ(packets[i].ssrc, ssrc);
      if (i == 0) continue;
      const Packet &one = packets[i - 1], &next = packets[i];
      ASSERT_EQ(next.sequence, static_cast<uint16_t>(one.sequence + 1)) << i;
      const double passed = static_cast<double>(next.pts_ns - one.pts_ns) / 1e9;
      EXPECT_NEAR(static_cast<double>(next.time - one.time), passed * clock, 2) << i;
      if (stream == 0) {
        ASSERT_EQ(next.picture_id, (one.picture_id + (one.marker ? 1 : 0)) & 0x7fff) << i;
      }
    }
  }
}

TEST_F(SplicedSourceTest, ALesserRenditionStaysOneFromSourceToSource) {
  const auto a = small_pattern(loop_, true, true, "vp8"), b = small_pattern(loop_);
  SplicedSource spliced(*a);
  ASSERT_EQ(spliced.renditions(0).size(), a->renditions(0).size());
  ASSERT_GT(spliced.renditions(0).size(), 1u);
  EXPECT_TRUE(spliced.renditions(1).empty()) << "of sound there is one";
  ASSERT_TRUE(spliced.start());
  ASSERT_TRUE(b->start());
  const TapId tap = spliced.attach_rendition(0, 1, [this](const GRef<GstBuffer>& buffer) {
    const std::lock_guard lock(mutex_);
    heard_[0].push_back(test::packet_of(buffer, true));
  });
  const auto hears_video = [this] {
    const auto count = [this] {
      const std::lock_guard lock(mutex_);
      return heard_[0].size();
    };
    return loop_.run_until([&, before = count()] { return count() >= before + 20; }, kPatience);
  };
  ASSERT_TRUE(hears_video());
  ASSERT_TRUE(spliced.splice(*b));
  ASSERT_TRUE(hears_video());
  EXPECT_EQ(b->stats().video.packets, 0u) << "the best is not encoded";
  EXPECT_GT(b->stats().renditions.at(0).packets, 0u);
  spliced.detach(0, tap);
  const std::lock_guard lock(mutex_);
  for (size_t i = 1; i < heard_[0].size(); ++i)
    ASSERT_EQ(heard_[0][i].sequence, static_cast<uint16_t>(heard_[0][i - 1].sequence + 1)) << i;
}

TEST_F(SplicedSourceTest, WhatIsNotThereIsSilent) {
  const auto a = small_pattern(loop_), picture = small_pattern(loop_, false, true);
  SplicedSource spliced(*a);
  listen(spliced);
  ASSERT_TRUE(spliced.start());
  ASSERT_TRUE(picture->start());
  ASSERT_TRUE(hears(5));
  ASSERT_TRUE(spliced.splice(*picture));
  size_t sound = 0, video = 0;
  {
    const std::lock_guard lock(mutex_);
    video = heard_[0].size();
    sound = heard_[1].size();
  }
  EXPECT_TRUE(loop_.run_until(
      [&] {
        const std::lock_guard lock(mutex_);
        return heard_[0].size() > video + 20;
      },
      kPatience));
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(heard_[1].size(), sound);
}

TEST_F(SplicedSourceTest, AnotherCodecIsRefusedAndChangesNothing) {
  const auto a = small_pattern(loop_), b = small_pattern(loop_, true, true, "h264");
  SplicedSource spliced(*a);
  listen(spliced);
  ASSERT_TRUE(spliced.start());
  const auto refused = spliced.splice(*b);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUsage);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("video in h264"));
  EXPECT_TRUE(hears(5));
}

TEST_F(SplicedSourceTest, AnotherCodecHasAStreamOfItsOwn) {
  const auto a = small_pattern(loop_), b = small_pattern(loop_, true, true, "h264");
  SplicedSource spliced(*a, b->streams());
  ASSERT_EQ(spliced.streams().size(), 3u) << "the sound is there already";
  EXPECT_EQ(spliced.streams()[2].codec, "h264");
  EXPECT_EQ(spliced.streams()[2].msid, spliced.streams()[0].msid);
  EXPECT_TRUE(spliced.renditions(2).empty()) << "it is silent";
  listen(spliced);
  std::vector<Packet> other;
  spliced.attach(2, [&](const GRef<GstBuffer>& buffer) {
    const std::lock_guard lock(mutex_);
    other.push_back(test::packet_of(buffer, false));
  });
  ASSERT_TRUE(spliced.start());
  ASSERT_TRUE(b->start());
  ASSERT_TRUE(hears(20));
  const auto count = [&](const std::vector<Packet>& packets) {
    const std::lock_guard lock(mutex_);
    return packets.size();
  };
  EXPECT_EQ(count(other), 0u);
  ASSERT_TRUE(spliced.splice_pictures(*b));
  const size_t video = count(heard_[0]), sound = count(heard_[1]);
  ASSERT_TRUE(loop_.run_until([&] { return count(other) > 20; }, kPatience));
  EXPECT_EQ(count(heard_[0]), video);
  EXPECT_EQ(b->stats().audio.packets, 0u) << "the sound went on as it was";
  ASSERT_TRUE(loop_.run_until([&] { return count(heard_[1]) > sound; }, kPatience));
  ASSERT_TRUE(spliced.splice_pictures(*a));
  const size_t so_far = count(other);
  ASSERT_TRUE(hears(20));
  EXPECT_EQ(count(other), so_far);
  const std::lock_guard lock(mutex_);
  for (const std::vector<Packet>& packets : {heard_[0], heard_[1], other})
    for (size_t i = 1; i < packets.size(); ++i)
      ASSERT_EQ(packets[i].sequence, static_cast<uint16_t>(packets[i - 1].sequence + 1)) << i;
}

}  // namespace
}  // namespace callbot::pipelines
