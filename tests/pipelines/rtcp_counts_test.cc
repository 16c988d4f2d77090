#include "pipelines/rtcp_counts.h"

#include <gtest/gtest.h>

#include <vector>

namespace callbot::pipelines {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes words(std::initializer_list<uint32_t> all) {
  Bytes bytes;
  for (const uint32_t w : all)
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(w >> shift));
  return bytes;
}

constexpr uint32_t kTheirs = 0x7e1e, kOurs = 0x0a0a;

// RFC 3550, 6.4.1: of the NTP time the middle 32 bits are `middle`.
Bytes sender_report(uint32_t middle) {
  return words({0x80c80006, kOurs, 0xabcd0000 | middle >> 16, middle << 16, 0, 0, 0});
}
Bytes block(uint32_t last_report, uint32_t held) {
  return words({kOurs, 0, 0, 0, last_report, held});
}
Bytes receiver_report(const Bytes& blocks) {
  const auto count = static_cast<uint32_t>(blocks.size() / 24);
  return words({0x80c90001 | count << 24 | (6 * count + 1), kTheirs}) + blocks;
}
Bytes nack(uint32_t ssrc, int entries = 1) {
  Bytes bytes = words({0x81cd0000 | static_cast<uint32_t>(2 + entries), kTheirs, ssrc});
  for (int i = 0; i < entries; ++i) bytes = bytes + words({0x12340000});
  return bytes;
}
Bytes pli(uint32_t ssrc) { return words({0x81ce0002, kTheirs, ssrc}); }
Bytes fir(uint32_t ssrc) { return words({0x84ce0004, kTheirs, 0, ssrc, 0x01000000}); }

TEST(RtcpCounts, RequestsAreCountedByTheirStreamAndDirection) {
  RtcpCounts counts;
  counts.received(receiver_report({}) + nack(1, 5) + nack(2) + pli(1), 1);
  counts.received(nack(1) + fir(2), 2);
  counts.sent(receiver_report({}) + pli(9) + pli(9) + nack(9), 3);
  EXPECT_EQ(counts.received_about(1), (FeedbackCounts{2, 1, 0})) << "packets, not what they ask";
  EXPECT_EQ(counts.received_about(2), (FeedbackCounts{1, 0, 1}));
  EXPECT_EQ(counts.received_about(9), FeedbackCounts());
  EXPECT_EQ(counts.sent_about(9), (FeedbackCounts{1, 2, 0}));
  EXPECT_EQ(counts.sent_about(1), FeedbackCounts());
}

TEST(RtcpCounts, OtherFeedbackIsNone) {
  RtcpCounts counts;
  counts.received(words({0x8fcd0002, kTheirs, 1}), 1);              // transport-wide (RTPFB 15)
  counts.received(words({0x8fce0003, kTheirs, 1, 0x52454d42}), 2);  // REMB (PSFB 15)
  EXPECT_EQ(counts.received_about(1), FeedbackCounts());
}

TEST(RtcpCounts, TheRoundTripIsWhatTheOtherEndDidNotHold) {
  RtcpCounts counts;
  constexpr int64_t kMs = 1'000'000;
  counts.sent(sender_report(0x11112222), 1000 * kMs);
  counts.sent(sender_report(0x33334444), 2000 * kMs);
  EXPECT_EQ(counts.round_trips().count, 0u);
  // Held for half a second.
  counts.received(receiver_report(block(0x11112222, 0x8000)), 1580 * kMs);
  EXPECT_EQ(counts.round_trips().count, 1u);
  EXPECT_NEAR(counts.round_trips().sum_s, 0.08, 1e-9);
  // The blocks of a sender report as well; one for each of our streams.
  const Bytes both = block(0x33334444, 0x4000) + block(0x11112222, 0x10000);
  counts.received(words({0x82c80012, kTheirs, 0, 0, 0, 0, 0}) + both, 2290 * kMs);
  EXPECT_EQ(counts.round_trips().count, 3u);
  EXPECT_NEAR(counts.round_trips().sum_s, 0.08 + 0.04 + 0.29, 1e-9);
}

Bytes lossy_block(uint32_t ssrc, uint32_t fraction, uint32_t lost, uint32_t highest) {
  return words({ssrc, fraction << 24 | (lost & 0xffffff), highest, 0, 0, 0});
}

TEST(RtcpCounts, WhatTheOtherEndLacksIsOfEachStreamAndOfTheTimeSinceTheReportBefore) {
  RtcpCounts counts;
  const auto told = [&](uint32_t ssrc) {
    const ReportedLoss loss = counts.lost_of(ssrc);
    return std::pair(loss.expected, loss.lost);
  };
  using Pair = std::pair<uint64_t, uint64_t>;
  EXPECT_EQ(told(kOurs), Pair(0, 0)) << "nobody knows yet";
  counts.received(receiver_report(lossy_block(kOurs, 64, 5, 100) + lossy_block(7, 0, 0, 40)), 1);
  EXPECT_EQ(told(kOurs), Pair(20, 5)) << "a quarter of them";
  EXPECT_EQ(told(7), Pair(1, 0)) << "nothing lost is something known";
  // Nothing was sent since then: it says 0 of no packets.
  counts.received(receiver_report(lossy_block(kOurs, 0, 5, 100)), 2);
  EXPECT_EQ(told(kOurs), Pair(20, 5));
  // The fraction of a report that is sent because something was lost says too much.
  counts.received(receiver_report(lossy_block(kOurs, 255, 15, 200)), 3);
  EXPECT_EQ(told(kOurs), Pair(120, 15));
  // What came late after all is no loss of the next ones.
  counts.received(receiver_report(lossy_block(kOurs, 0, 13, 300)), 3);
  EXPECT_EQ(told(kOurs), Pair(220, 15));
  counts.received(receiver_report(lossy_block(kOurs, 0, 16, 400)), 3);
  EXPECT_EQ(told(kOurs), Pair(320, 16)) << "two of the three were counted before";
  // A block that was overtaken on its way.
  counts.received(receiver_report(lossy_block(kOurs, 0, 13, 300)), 3);
  counts.received(receiver_report(lossy_block(kOurs, 0, 18, 500)), 3);
  EXPECT_EQ(told(kOurs), Pair(420, 18));
  counts.received(receiver_report(lossy_block(7, 0, 0xfffffe, 60)), 3);  // -2: two came twice
  counts.received(receiver_report(lossy_block(7, 0, 1, 80)), 3);
  EXPECT_EQ(told(7), Pair(41, 1));
  // A stream that began anew says nothing of the old one.
  counts.received(receiver_report(lossy_block(kOurs, 0, 18, 5000)), 3);
  counts.received(receiver_report(lossy_block(kOurs, 0, 0, 10)), 3);
  EXPECT_EQ(told(kOurs), Pair(4920, 18));
  counts.received(receiver_report(lossy_block(kOurs, 0, 4, 30)), 3);
  EXPECT_EQ(told(kOurs), Pair(4940, 22));
  counts.sent(receiver_report(lossy_block(kTheirs, 64, 5, 100)), 4);
  EXPECT_EQ(told(kTheirs), Pair(0, 0)) << "that is what we lack";
}

TEST(RtcpCounts, UntilTheFirstBlockAllWasExpectedThatOurReportSaysWasSent) {
  RtcpCounts counts;
  Bytes report = sender_report(1);
  report[23] = 50;  // packets
  counts.sent(report, 1);
  counts.received(receiver_report(lossy_block(kOurs, 128, 5, 1050)), 2);
  EXPECT_EQ(counts.lost_of(kOurs).expected, 50u) << "its fraction is of less";
  EXPECT_EQ(counts.lost_of(kOurs).lost, 5u);
}

TEST(RtcpCounts, WithoutOurReportThereIsNoRoundTrip) {
  RtcpCounts counts;
  counts.received(receiver_report(block(0, 0)), 1);
  counts.received(receiver_report(block(0x11112222, 0x8000)), 2);
  counts.sent(sender_report(0x11112222), 3);
  counts.received(receiver_report(block(0x11112222, 0)), 4);
  counts.received(receiver_report(block(0x55556666, 0x8000)), 5);
  EXPECT_EQ(counts.round_trips().count, 0u);
}

TEST(RtcpCounts, WhatIsCutShortIsReadAsFarAsItGoes) {
  RtcpCounts counts;
  const Bytes whole = receiver_report(block(1, 1)) + nack(1) + fir(1) + pli(1);
  for (size_t size = 0; size < whole.size(); ++size) {
    RtcpCounts some;
    some.received(std::span(whole).first(size), 1);
    EXPECT_EQ(some.received_about(1).pli, 0u) << size;
  }
  counts.received(whole, 1);
  EXPECT_EQ(counts.received_about(1), (FeedbackCounts{1, 1, 1}));
  Bytes liar = nack(1);
  liar[3] = 200;  // longer than it is
  counts.received(liar, 2);
  EXPECT_EQ(counts.received_about(1).nack, 1u);
}

}  // namespace
}  // namespace callbot::pipelines
