#include "quality/mark_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMs = 1'000'000;

class MarkMeterTest : public ::testing::Test {
 protected:
  void show(MarkMeter& meter, std::optional<uint32_t> counter) {
    at_ += 33 * kMs;
    meter.picture(counter ? std::optional(VideoMark{*counter, 1, 0}) : std::nullopt, {at_, at_},
                  mute_);
  }
  Measured state(const std::string& metric) {
    for (const Series& s : set_.snapshot()) {
      if (s.metric == metric) return s.state;
    }
    return Measured::kUnmeasured;
  }
  std::vector<double> values(const std::string& metric) {
    std::vector<double> out;
    for (const Series& s : set_.snapshot()) {
      if (s.metric != metric) continue;
      for (const Sample& sample : s.samples)
        if (sample.value != 0) out.push_back(sample.value);
    }
    return out;
  }
  SeriesSet set_{"bob", "alice", "camera"};
  Mute mute_{0};
  int64_t at_ = 0;
};

TEST_F(MarkMeterTest, BetweenTwoLooksNothingIsMissing) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (uint32_t n = 0; n < 10; ++n) show(meter, n);
  meter.interrupt();
  at_ += 5000 * kMs;
  for (uint32_t n = 150; n < 160; ++n) show(meter, n);
  EXPECT_EQ(set_.total("video.missing"), 0);
  EXPECT_EQ(set_.total("video.expected"), 20);
  EXPECT_EQ(state("video.freeze_true"), Measured::kOk);
}

TEST_F(MarkMeterTest, WhatStandsStillToTheEndIsAFreezeAndOnce) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (uint32_t n = 0; n < 10; ++n) show(meter, n);
  for (int n = 0; n < 60; ++n) show(meter, 9);
  EXPECT_THAT(values("video.freeze_true"), IsEmpty());
  meter.finish(at_);
  meter.finish(at_);
  EXPECT_THAT(values("video.freeze_true"), ElementsAre(DoubleNear(60 * 0.033, 1e-6)));
}

TEST_F(MarkMeterTest, APictureThatNeverMovedIsAFreezeToo) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (int n = 0; n < 60; ++n) show(meter, 9);
  meter.finish(at_);
  EXPECT_THAT(values("video.freeze_true"), ElementsAre(DoubleNear(59 * 0.033, 1e-6)));
}

TEST_F(MarkMeterTest, WhatStoodStillAndMovesAgainIsTheFreezeThatItWas) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (uint32_t n = 0; n < 10; ++n) show(meter, n);
  for (int n = 0; n < 60; ++n) show(meter, 9);
  for (uint32_t n = 10; n < 20; ++n) show(meter, n);
  meter.finish(at_);
  EXPECT_THAT(values("video.freeze_true"), ElementsAre(DoubleNear(61 * 0.033, 1e-6)));
}

TEST_F(MarkMeterTest, WhatStoodStillBeforeItsSenderBeganAnewIsAFreeze) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (uint32_t n = 100'000; n < 100'010; ++n) show(meter, n);
  for (int n = 0; n < 60; ++n) show(meter, 100'009);
  for (uint32_t n = 0; n < 10; ++n) show(meter, n);
  meter.finish(at_);
  EXPECT_THAT(values("video.freeze_true"), ElementsAre(DoubleNear(60 * 0.033, 1e-6)));
}

// A page's file: number n of 30 again and again.
TEST_F(MarkMeterTest, WhatEndsInTheMiddleOfARoundMissesNothing) {
  CaptureLog log;
  const Sender sender{.source = 1, .fps = 0, .round = 60};
  MarkMeter meter(set_, sender, &log, nullptr);
  for (uint32_t n = 0; n < 65; ++n) {
    log.add(1, n % 60, at_);
    show(meter, n % 60);
  }
  meter.finish(at_);
  EXPECT_EQ(set_.total("video.missing"), 0);
  EXPECT_THAT(values("video.freeze_true"), IsEmpty());
}

TEST_F(MarkMeterTest, WhatCapturedFramesLackAtTheEndIsMissingAndAFreeze) {
  CaptureLog log;
  MarkMeter meter(set_, {.source = 1}, &log, nullptr);
  for (uint32_t n = 0; n < 300; ++n) log.add(1, n, n * 33 * kMs);
  for (uint32_t n = 0; n < 100; ++n) show(meter, n);
  at_ = 300 * 33 * kMs;
  meter.finish(at_);
  EXPECT_EQ(set_.total("video.expected"), 269) << "but those of the last second and the delay";
  EXPECT_EQ(set_.total("video.missing"), 169);
  EXPECT_THAT(values("video.freeze_true"), ElementsAre(DoubleNear(200 * 0.033, 1e-6)));
}

TEST_F(MarkMeterTest, PicturesThatCarryNoMarkAnyMoreCameAllTheSame) {
  CaptureLog log;
  MarkMeter meter(set_, {.source = 1}, &log, nullptr);
  for (uint32_t n = 0; n < 300; ++n) log.add(1, n, n * 33 * kMs);
  for (uint32_t n = 0; n < 100; ++n) show(meter, n);
  for (int n = 0; n < 200; ++n) show(meter, std::nullopt);
  meter.finish(at_);
  EXPECT_EQ(set_.total("video.missing"), 0);
  EXPECT_THAT(values("video.freeze_true"), IsEmpty());
}

TEST_F(MarkMeterTest, ALateFrameIsNotMissingAfterAll) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (const uint32_t n : {0, 1, 3, 2, 4}) show(meter, n);
  EXPECT_EQ(set_.total("video.missing"), 0);
  EXPECT_EQ(set_.total("video.reorder"), 1);
  EXPECT_EQ(set_.total("video.expected"), 5);
}

TEST_F(MarkMeterTest, TheFirstFramesMayComeOutOfOrder) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (const uint32_t n : {1, 0, 2, 3}) show(meter, n);
  EXPECT_EQ(set_.total("video.missing"), 0);
  EXPECT_EQ(set_.total("video.reorder"), 1);
  EXPECT_EQ(set_.total("video.expected"), 4);
}

TEST_F(MarkMeterTest, AFrameThatCannotBeReadIsUnreadAndNotMissing) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  for (uint32_t n = 0; n < 100; ++n) show(meter, n == 50 ? std::nullopt : std::optional(n));
  EXPECT_EQ(set_.total("video.unread"), 1);
  EXPECT_EQ(set_.total("video.missing"), 0);
  EXPECT_EQ(set_.total("video.expected"), 100);
}

TEST_F(MarkMeterTest, MinutesWithoutASenderAreMissingFramesANewBeginningIsNot) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  show(meter, 10);
  show(meter, 9011);
  EXPECT_EQ(set_.total("video.missing"), 9000);
  show(meter, 0);
  EXPECT_EQ(set_.total("video.missing"), 9000);
}

TEST_F(MarkMeterTest, InvalidUntilEnoughCanBeRead) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  show(meter, 0);
  show(meter, std::nullopt);
  EXPECT_EQ(state("video.missing"), Measured::kInvalid);
  for (uint32_t n = 2; n < 60; ++n) show(meter, n);
  EXPECT_EQ(state("video.missing"), Measured::kOk) << "one of sixty";
}

TEST_F(MarkMeterTest, WithoutALogThereIsNoDelay) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  show(meter, 0);
  EXPECT_EQ(state("video.e2e_delay"), Measured::kUnmeasured);
  EXPECT_EQ(state("video.marked"), Measured::kOk);
}

TEST_F(MarkMeterTest, AMutedSendersBlackPicturesAreNotUnread) {
  MarkMeter meter(set_, {}, nullptr, nullptr);
  show(meter, 0);
  mute_.set(true, at_);
  for (int n = 0; n < 50; ++n) show(meter, std::nullopt);
  EXPECT_EQ(set_.total("video.unread"), 0);
}

}  // namespace
}  // namespace callbot::quality
