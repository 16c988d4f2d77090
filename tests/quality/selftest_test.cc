#include "quality/selftest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "quality/selftest_call.h"

namespace callbot::quality {
namespace {

using ::testing::Contains;
using ::testing::Not;

TEST(Selftest, WhatIsReportedIsWhatWasMade) {
  const auto rows = selftest();
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_GT(rows->size(), 100u);
  std::set<std::string> tried;
  for (const SelftestRow& row : *rows) {
    EXPECT_NE(find_metric(row.metric), nullptr) << row.metric;
    EXPECT_TRUE(row.holds()) << row.fault << ": " << row.metric << " " << row.stat << " is "
                             << row.reported << " (" << name_of(row.state) << "), true is "
                             << row.truth;
    tried.insert(row.metric);
  }
  // All that is measured of frames; what FFmpeg's filters are the measure of has its own test.
  for (const Metric& metric : metrics()) {
    const std::string name = metric.name;
    const bool of_frames = name.starts_with("video.") || name.starts_with("audio.") ||
                           name.starts_with("av.") || name.starts_with("join.first") ||
                           name.starts_with("rtp.") || name.starts_with("send.");
    if (of_frames && name != "video.ssim" && name != "video.vmaf") {
      EXPECT_THAT(tried, Contains(name));
    }
  }
  EXPECT_THAT(not_tried(*rows), Contains("join.ice"));
  EXPECT_THAT(not_tried(*rows), Not(Contains("av.skew")));
}

TEST(Selftest, AnUntruthIsOff) {
  std::vector<SelftestRow> rows;
  SelftestCall call("nothing", rows);
  SelftestCall::Pictures pictures;
  pictures.media.frames = 60;
  ASSERT_TRUE(call.run(&pictures, nullptr));
  call.total("video.frames", 60);
  call.total("video.frames", 61);
  call.each("video.e2e_delay", kTryDelay + kTryLatency, kDelayTolerance);
  call.each("video.e2e_delay", kTryDelay + kTryLatency + 0.006, kDelayTolerance);
  call.state("video.frames", Measured::kInvalid);
  call.each("video.psnr", 0, 1000);  // unmeasured: there is nothing to hold
  call.each("audio.level", 0, 1000);
  std::vector<bool> holds;
  for (const SelftestRow& row : rows) holds.push_back(row.holds());
  EXPECT_THAT(holds, ::testing::ElementsAre(true, false, true, false, false, false, false));
}

TEST(Selftest, CanBeStopped) {
  const auto rows = selftest([](double) { return false; });
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Code::kInterrupted);
}

}  // namespace
}  // namespace callbot::quality
