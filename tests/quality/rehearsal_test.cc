#include "quality/rehearsal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"

namespace callbot::quality {
namespace {

using ::testing::ElementsAre;

Frame arriving(double second, int64_t rtp_time) {
  Frame frame;
  frame.rtp_time = rtp_time;
  frame.first_arrival_ns = frame.last_arrival_ns = rehearsal_ns(second);
  return frame;
}

TEST(Rehearsal, HandsFramesOverWhenTheyComeOnItsOwnClock) {
  const int64_t before = monotonic_ns();
  Watch watch({.actor = "bob"});
  Rehearsal rehearsal;
  const TrackInfo track{
      .id = 1, .kind = MediaKind::kVideo, .codec = "vp9", .clock_rate = 90000, .source = "camera"};
  // The second comes late: the third waits for it.
  rehearsal.add({track, {arriving(0.1, 0), arriving(0.9, 3000), arriving(0.2, 6000)}});
  std::vector<size_t> seen;
  const auto so_far = [&] {
    size_t intervals = 0;
    for (const Series& s : watch.snapshot()) {
      if (s.metric == "video.interval") intervals = s.samples.size();
    }
    seen.push_back(intervals);
  };
  for (const double second : {0.5, 0.85, 0.95}) rehearsal.at(second, so_far);
  rehearsal.at(0.3, [] { EXPECT_EQ(monotonic_ns(), rehearsal_ns(0.3)); });
  ASSERT_TRUE(rehearsal.run(watch, 1));
  EXPECT_THAT(seen, ElementsAre(0, 0, 2));
  EXPECT_GE(monotonic_ns(), before);
  EXPECT_LT(monotonic_ns(), before + 60'000'000'000) << "the true clock again";
}

TEST(Rehearsal, WhatComesAfterItsEndIsNotHandedOver) {
  Watch watch({.actor = "bob"});
  Rehearsal rehearsal;
  bool early = false, late = false;
  rehearsal.at(0.4, [&] { early = true; });
  rehearsal.at(0.6, [&] { late = true; });
  ASSERT_TRUE(rehearsal.run(watch, 0.5));
  EXPECT_TRUE(early);
  EXPECT_FALSE(late);
}

}  // namespace
}  // namespace callbot::quality
