#include "pipelines/rtcp_split.h"

#include <gtest/gtest.h>

namespace callbot::pipelines {
namespace {

using Bytes = RtcpSplit::Bytes;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A report block about the SSRC 0x000000NN, told apart by `mark`.
Bytes block(uint8_t ssrc, uint8_t mark) {
  Bytes bytes{0, 0, 0, ssrc};
  bytes.resize(24, mark);
  return bytes;
}

const Bytes kOurs{9, 9, 9, 9};
constexpr int64_t kNow = 1000, kSecond = 1'000'000'000;

Bytes receiver_report(const Bytes& blocks) {
  const auto count = static_cast<uint8_t>(blocks.size() / 24);
  return Bytes{static_cast<uint8_t>(0x80 | count), 201, 0, static_cast<uint8_t>(1 + 6 * count)} +
         kOurs + blocks;
}

Bytes sender_report(const Bytes& blocks) {
  const auto count = static_cast<uint8_t>(blocks.size() / 24);
  return Bytes{static_cast<uint8_t>(0x80 | count), 200, 0, static_cast<uint8_t>(6 + 6 * count)} +
         kOurs + Bytes(20, 1) + blocks;
}

Bytes pli(uint8_t ssrc) { return Bytes{0x81, 206, 0, 2} + kOurs + Bytes{0, 0, 0, ssrc}; }

const Bytes kTransportFeedback = Bytes{0x8f, 205, 0, 2} + kOurs + Bytes{0, 0, 0, 1};

TEST(RtcpSplit, SendsEachRequestBehindAReportAboutItsOwnTrack) {
  RtcpSplit split;
  const Bytes report = receiver_report(block(1, 0xa) + block(2, 0xb));
  const auto parts = split.split(report + pli(2) + kTransportFeedback + pli(3), kNow);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->rest, report + kTransportFeedback);
  ASSERT_EQ(parts->requests.size(), 2u);
  EXPECT_EQ(parts->requests[0], receiver_report(block(2, 0xb)) + pli(2));
  EXPECT_EQ(parts->requests[1], receiver_report(block(3, 0)) + pli(3)) << "no report of it yet";
}

TEST(RtcpSplit, RemembersTheNewestReport) {
  RtcpSplit split;
  EXPECT_FALSE(split.split(receiver_report(block(2, 0xa)), kNow));
  EXPECT_FALSE(split.split(sender_report(block(2, 0xb)), kNow));
  const auto parts = split.split(pli(2), kNow);
  ASSERT_TRUE(parts);
  EXPECT_TRUE(parts->rest.empty());
  EXPECT_EQ(parts->requests[0], receiver_report(block(2, 0xb)) + pli(2));
}

TEST(RtcpSplit, AReportThatIsSentAgainTellsHowOldItIs) {
  RtcpSplit split;
  Bytes reported = block(2, 0), never = block(3, 0);
  reported[19] = 7;   // LSR
  reported[22] = 80;  // DLSR 0x5000: 5/16 s
  split.split(receiver_report(reported + never), kNow);
  const auto parts = split.split(pli(2) + pli(3), kNow + 3 * kSecond / 2);
  ASSERT_TRUE(parts);
  reported[21] = 1;  // 0x1d000: 1.5 s more
  reported[22] = 0xd0;
  EXPECT_EQ(parts->requests[0], receiver_report(reported) + pli(2));
  EXPECT_EQ(parts->requests[1], receiver_report(never) + pli(3)) << "no sender report has come";
}

TEST(RtcpSplit, LeavesAloneWhatHasNoRequest) {
  RtcpSplit split;
  EXPECT_FALSE(split.split(receiver_report({}) + kTransportFeedback, kNow));
  EXPECT_FALSE(split.split(Bytes{0x8f, 206, 0, 2} + kOurs + kOurs, kNow));  // REMB
  EXPECT_FALSE(split.split({}, kNow));
}

TEST(RtcpSplit, LeavesAloneWhatIsNoCompoundPacket) {
  RtcpSplit split;
  const Bytes report = receiver_report(block(1, 0xa));
  const Bytes whole = report + pli(1);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(split.split(std::span(whole).first(size), kNow)) << size;
  Bytes version = whole;
  version[0] = 0x41;
  EXPECT_FALSE(split.split(version, kNow));
  Bytes blocks = whole;
  blocks[0] = 0x9f;  // says 31 report blocks, has one
  EXPECT_TRUE(split.split(blocks, kNow));
}

}  // namespace
}  // namespace callbot::pipelines
