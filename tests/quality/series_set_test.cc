#include "quality/series_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Series one(const SeriesSet& set, const std::string& metric) {
  for (const Series& s : set.snapshot()) {
    if (s.metric == metric) return s;
  }
  ADD_FAILURE() << metric;
  return {};
}

TEST(SeriesSet, WhatNobodyMeasuredIsNotZero) {
  SeriesSet set("bob", "alice", "camera");
  set.expect({"video.missing", "video.qp"}, "no frame came");
  set.tick(1000);
  const Series missing = one(set, "video.missing");
  EXPECT_EQ(missing.state, Measured::kUnmeasured);
  EXPECT_EQ(missing.why, "no frame came");
  EXPECT_THAT(missing.samples, IsEmpty());
  EXPECT_EQ(missing.actor, "bob");
  EXPECT_EQ(missing.from, "alice");
  EXPECT_EQ(missing.stream, "camera");
}

TEST(SeriesSet, CountsAreDeltasAndZeroWhereNothingHappened) {
  SeriesSet set("bob", "alice", "camera");
  set.count("video.frames", 1);
  set.count("video.frames", 1);
  set.measure({"video.missing"});
  set.tick(1000);
  set.event("video.missing", 1500, 3);
  set.tick(2000);
  EXPECT_THAT(one(set, "video.frames").samples, ElementsAre(Sample{1000, 2}, Sample{2000, 0}));
  EXPECT_THAT(one(set, "video.missing").samples, ElementsAre(Sample{1000, 0}, Sample{1500, 3}));
  EXPECT_EQ(set.total("video.missing"), 3);
}

TEST(SeriesSet, ACountNobodyLooksAtHasNoZeros) {
  SeriesSet set("bob", "alice", "camera");
  set.count("video.decoded", 2);
  set.rest({"video.decoded"}, true);
  set.tick(1000);
  set.tick(2000);
  EXPECT_THAT(one(set, "video.decoded").samples, ElementsAre(Sample{1000, 2}));
}

TEST(SeriesSet, SamplesAreInOrderOfTime) {
  SeriesSet set("bob", "alice", "camera");
  for (const int64_t at : {30, 10, 20}) set.sample("video.e2e_delay", at, 1);
  EXPECT_THAT(one(set, "video.e2e_delay").samples,
              ElementsAre(Sample{10, 1}, Sample{20, 1}, Sample{30, 1}));
  set.replace("av.drift", 10, 1);
  set.replace("av.drift", 20, 2);
  EXPECT_THAT(one(set, "av.drift").samples, ElementsAre(Sample{20, 2}));
}

TEST(SeriesSet, InvalidIsWhatWasMeasuredAndIsNotBelieved) {
  SeriesSet set("bob", "alice", "camera");
  set.sample("video.e2e_delay", 10, 1);
  set.expect({"video.skip"}, "no marks");
  for (const char* metric : {"video.e2e_delay", "video.skip"}) set.invalidate(metric, "unread");
  EXPECT_EQ(one(set, "video.e2e_delay").state, Measured::kInvalid);
  EXPECT_EQ(one(set, "video.e2e_delay").why, "unread");
  EXPECT_EQ(one(set, "video.skip").state, Measured::kUnmeasured);
  set.invalidate("video.e2e_delay", "");
  EXPECT_EQ(one(set, "video.e2e_delay").state, Measured::kOk);
}

TEST(SeriesSet, WhatWasTakenIsForgottenButItsStateAndTotalAreNot) {
  SeriesSet set("bob", "alice", "camera");
  set.event("video.missing", 10, 3);
  std::vector<Series> taken = set.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_THAT(taken[0].samples, ElementsAre(Sample{10, 3}));
  EXPECT_THAT(set.take()[0].samples, IsEmpty());
  set.event("video.missing", 20, 1);
  taken = set.take();
  EXPECT_THAT(taken[0].samples, ElementsAre(Sample{20, 1}));
  EXPECT_EQ(taken[0].state, Measured::kOk);
  EXPECT_EQ(set.total("video.missing"), 4);
}

TEST(SeriesSetDeathTest, AMetricThatIsNotInTheTableIsADefect) {
  SeriesSet set("bob", "", "");
  EXPECT_DEATH(set.sample("video.made_up", 1, 1), "");
}

}  // namespace
}  // namespace callbot::quality
