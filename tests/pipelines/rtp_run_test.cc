#include "pipelines/rtp_run.h"

#include <gtest/gtest.h>

#include <vector>

namespace callbot::pipelines {
namespace {

using Step = RtpRun::Step;

RtpPacket packet(uint16_t sequence, uint32_t time, int64_t arrival_ns = 0) {
  RtpPacket p;
  p.ssrc = 1;
  p.sequence = sequence;
  p.time = time;
  p.pts = time;
  p.arrival_ns = arrival_ns;
  return p;
}

TEST(RtpHeader, IsReadWithContributingSourcesAndExtension) {
  std::vector<uint8_t> bytes = {0x92, 0xe0, 0x12, 0x34, 0, 1, 2, 3, 0,    0,    0, 7,
                                1,    1,    1,    1,    2, 2, 2, 2, 0xbe, 0xde, 0, 2};
  const auto read = read_rtp_header(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sequence, 0x1234);
  EXPECT_EQ(read->time, 0x00010203u);
  EXPECT_EQ(read->ssrc, 7u);
  EXPECT_TRUE(read->marker);
  EXPECT_EQ(read->header_bytes, 12u + 8 + 4 + 8);
  bytes[0] = 0x12;
  EXPECT_FALSE(read_rtp_header(bytes)) << "version 0";
  EXPECT_FALSE(read_rtp_header(std::span(bytes).first(11)));
}

TEST(RtpRun, SeesLossAndWhatComesLate) {
  RtpRun run(90000);
  EXPECT_EQ(run.take(packet(10, 0)), Step::kNext);
  EXPECT_EQ(run.take(packet(11, 0)), Step::kNext);
  EXPECT_EQ(run.take(packet(13, 3000)), Step::kAfterLoss);
  EXPECT_EQ(run.take(packet(12, 0)), Step::kOld);
  EXPECT_EQ(run.take(packet(13, 3000)), Step::kOld);
  EXPECT_EQ(run.take(packet(14, 3000)), Step::kNext);
  EXPECT_EQ(run.take(packet(9000, 6000)), Step::kAfterLoss);
  EXPECT_EQ(run.take(packet(100, 9000)), Step::kAfterLoss) << "the sender started anew";
}

TEST(RtpRun, GoesOverTheWrapOfSequenceAndTime) {
  RtpRun run(90000);
  uint32_t time = 0xfffff000;
  run.take(packet(65534, time));
  const int64_t first = run.see(time).rtp_time;
  for (int i = 1; i < 5; ++i) {
    time += 3000;
    EXPECT_EQ(run.take(packet(static_cast<uint16_t>(65534 + i), time)), Step::kNext);
    EXPECT_EQ(run.see(time).rtp_time - first, 3000 * i);
  }
}

TEST(RtpRun, LetsTimeGoBackAsTheSenderSays) {
  RtpRun run(90000);
  run.take(packet(1, 9000));
  run.take(packet(2, 6000));
  EXPECT_EQ(run.see(6000).rtp_time, 6000);
}

TEST(RtpRun, JoinsThePacketsOfAFrame) {
  RtpRun run(90000);
  run.take(packet(1, 0, 105));
  run.take(packet(2, 0, 101));
  run.take(packet(3, 0, 110));
  EXPECT_EQ(run.see(0).first_arrival_ns, 101);
  EXPECT_EQ(run.see(0).last_arrival_ns, 110);
  EXPECT_FALSE(run.see(0).hole);
  EXPECT_EQ(run.see(0).packets, 3u);
  run.take(packet(2, 0, 110));
  EXPECT_EQ(run.see(0).packets, 3u) << "one of them twice";
  run.take(packet(5, 0, 111));
  EXPECT_TRUE(run.see(0).hole);
  run.take(packet(6, 3000, 112));
  EXPECT_EQ(run.see(3000).packets, 1u);
}

TEST(RtpRun, KnowsTheFrameThatTheNextOneEnded) {
  RtpRun run(90000);
  run.take(packet(1, 0, 100));
  run.take(packet(2, 3000, 200));
  EXPECT_EQ(run.see(0).first_arrival_ns, 100);
  EXPECT_EQ(run.see(3000).first_arrival_ns, 200);
  EXPECT_EQ(run.see(UINT64_MAX).first_arrival_ns, 200) << "without a PTS the newest";
}

TEST(RtpRun, TakesAFrameForBrokenIfItsEndMayBeMissing) {
  RtpRun run(90000);
  RtpPacket ended = packet(1, 0);
  ended.marker = true;
  run.take(ended);
  run.take(packet(3, 3000));
  EXPECT_FALSE(run.see(0).hole);
  run.take(packet(5, 6000));
  EXPECT_TRUE(run.see(3000).hole);
  EXPECT_FALSE(run.see(6000).hole);
}

TEST(RtpRun, SeesThatTheDepayloaderKeptAWholeFrameToItself) {
  RtpRun run(90000);
  auto ended = [](uint16_t sequence, uint32_t time) {
    RtpPacket p = packet(sequence, time);
    p.marker = true;
    return p;
  };
  run.take(ended(1, 3000));
  run.see(3000);
  run.take(ended(2, 6000));
  run.take(ended(3, 9000));
  EXPECT_FALSE(run.kept_one()) << "the first came out, the second still may";
  run.see(9000);
  run.take(ended(4, 12000));
  EXPECT_TRUE(run.kept_one());
  run.take(ended(5, 15000));
  EXPECT_FALSE(run.kept_one());
}

TEST(RtpRun, GoesOnInTimeWhenTheSsrcChanges) {
  RtpRun run(90000);
  run.take(packet(1, 1000, 0));
  RtpPacket other = packet(7, 4'000'000'000, 1'000'000'000);
  other.ssrc = 2;
  EXPECT_EQ(run.take(other), Step::kOtherSender);
  EXPECT_EQ(run.see(other.pts).rtp_time, 1000 + 90000);
  other.sequence = 8;
  other.time += 3000;
  other.pts = other.time;
  EXPECT_EQ(run.take(other), Step::kNext);
  EXPECT_EQ(run.see(other.pts).rtp_time, 1000 + 93000);
}

}  // namespace
}  // namespace callbot::pipelines
