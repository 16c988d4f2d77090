#include "pipelines/header_log.h"

#include <gtest/gtest.h>

namespace callbot::pipelines {
namespace {

void note(HeaderLog& log, int64_t at_ns, uint8_t sequence) {
  const uint8_t head[12] = {0x80, 0xe0, 1, sequence, 0, 1, 0x5f, 0x90, 1, 2, 3, 4};
  log.note(at_ns, head, 1200);
}

TEST(HeaderLog, KeepsWhatTheHeaderSays) {
  HeaderLog log;
  note(log, 50, 2);
  const auto all = log.between(0, 100);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at_ns, 50);
  EXPECT_EQ(all[0].ssrc, 0x01020304u);
  EXPECT_EQ(all[0].rtp_time, 90000u);
  EXPECT_EQ(all[0].bytes, 1200u);
  EXPECT_EQ(all[0].sequence, 258u);
  EXPECT_EQ(all[0].payload_type, 96);
  EXPECT_TRUE(all[0].marker);
}

TEST(HeaderLog, GivesASpanInOrderOfArrival) {
  HeaderLog log;
  for (const int64_t at : {40, 10, 30, 20}) note(log, at, static_cast<uint8_t>(at));
  const auto some = log.between(20, 40);
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].at_ns, 20);
  EXPECT_EQ(some[1].at_ns, 30);
}

TEST(HeaderLog, KeepsTheNewest) {
  HeaderLog log(3);
  for (uint8_t n = 0; n < 8; ++n) note(log, n, n);
  const auto all = log.between(0, 100);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.front().at_ns, 5);
  EXPECT_EQ(all.back().at_ns, 7);
}

TEST(HeaderLog, APacketThatIsTooShortIsNone) {
  HeaderLog log;
  const uint8_t head[11] = {};
  log.note(1, head, 11);
  EXPECT_TRUE(log.between(0, 100).empty());
}

}  // namespace
}  // namespace callbot::pipelines
