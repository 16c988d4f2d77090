#include "pipelines/filler_source.h"

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "base/clock.h"
#include "base/loop.h"
#include "pipelines/bitstream.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

TEST(FillerSource, SendsFramesThatSayWhenTheyWereSent) {
  gst_init(nullptr, nullptr);
  Loop loop;
  FillerSource source;
  std::mutex mutex;
  std::vector<uint8_t> frame;
  std::vector<std::vector<uint8_t>> frames;
  source.attach(0, [&](const GRef<GstBuffer>& packet) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    ASSERT_TRUE(gst_rtp_buffer_map(packet.get(), GST_MAP_READ, &rtp));
    const auto* payload = static_cast<const uint8_t*>(gst_rtp_buffer_get_payload(&rtp));
    const guint size = gst_rtp_buffer_get_payload_len(&rtp);
    EXPECT_EQ(payload[0], frame.empty() ? 0x10 : 0);
    EXPECT_LE(size, 1200U);
    frame.insert(frame.end(), payload + 1, payload + size);
    if (gst_rtp_buffer_get_marker(&rtp)) {
      const std::lock_guard lock(mutex);
      frames.push_back(std::exchange(frame, {}));
    }
    gst_rtp_buffer_unmap(&rtp);
  });
  source.set_rate(1'000'000);
  ASSERT_TRUE(source.start());
  ASSERT_TRUE(loop.run_until([&] { return source.next_number() >= 10; }, 20s));
  const std::lock_guard lock(mutex);
  ASSERT_GE(frames.size(), 9U);
  for (uint32_t i = 0; i < 9; ++i) {
    EXPECT_EQ(frames[i].size(), 1'000'000U / 8 / FillerSource::kFramesPerSecond);
    const auto says = read_filler(frames[i]);
    ASSERT_TRUE(says);
    EXPECT_EQ(says->number, i);
    EXPECT_GT(says->sent_ns, 0);
    EXPECT_LE(says->sent_ns, monotonic_ns());
    EXPECT_EQ(frames[i][0] & 1, 0) << "a key frame (RFC 6386, 9.1)";
  }
}

TEST(FillerSource, KnowsItsOwnFramesOnly) {
  EXPECT_FALSE(read_filler({}));
  EXPECT_FALSE(read_filler(std::vector<uint8_t>(100, 7)));
}

}  // namespace
}  // namespace callbot::pipelines
