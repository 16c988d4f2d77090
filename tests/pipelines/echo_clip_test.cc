#include "pipelines/echo_clip.h"

#include <gmock/gmock.h>

#include <thread>

namespace callbot::pipelines {
namespace {

using testing::ElementsAre;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kArrived = 1'000'000 * kMs;

class EchoClipTest : public testing::Test {
 protected:
  void add(TrackId id, MediaKind kind, const std::string& codec, const std::string& source = "") {
    clip_.add_track({.id = id,
                     .kind = kind,
                     .codec = codec,
                     .clock_rate = kind == MediaKind::kVideo ? 90000 : 48000,
                     .source = source});
  }
  // `rtp_ms`, `arrived_ms`: from the beginning; `ntp_ms`: where reports have come.
  void frame(TrackId id, int64_t rtp_ms, int64_t arrived_ms, bool key = true,
             std::optional<int64_t> ntp_ms = {}) {
    const int clock = id < 10 ? 90 : 48;
    Frame frame{.bytes = bytes_,
                .key = key,
                .rtp_time = rtp_ms * clock,
                .first_arrival_ns = kArrived + arrived_ms * kMs};
    if (ntp_ms) frame.ntp_ns = *ntp_ms * kMs;
    clip_.frame(id, frame);
  }
  // When it was captured, as it were, in ms from the beginning.
  double next(size_t stream = 0) {
    const auto frame = clip_.next();
    EXPECT_TRUE(frame && *frame);
    if (!frame || !*frame) return -1;
    EXPECT_EQ((*frame)->stream, stream);
    return static_cast<double>((*frame)->time_ns - kArrived) / kMs;
  }

  const std::vector<uint8_t> bytes_{1, 2, 3};
  std::vector<TrackId> wanted_;
  EchoClip clip_{
      {{.kind = MediaKind::kVideo, .codec = "vp8"}, {.kind = MediaKind::kAudio, .codec = "opus"}},
      [this](TrackId track) { wanted_.push_back(track); }};
};

TEST_F(EchoClipTest, FramesComeAsTheyCame) {
  add(1, MediaKind::kVideo, "vp8");
  frame(1, 5000, 0);
  frame(1, 5033, 30, false);
  const auto first = clip_.next(), second = clip_.next();
  ASSERT_TRUE(first && *first && second && *second);
  EXPECT_EQ((*first)->bytes, bytes_);
  EXPECT_TRUE((*first)->key);
  EXPECT_FALSE((*second)->key);
  EXPECT_EQ((*second)->time_ns - (*first)->time_ns, 33 * kMs);
  EXPECT_LE((*second)->time_ns, kArrived + 30 * kMs) << "before it came";
}

TEST_F(EchoClipTest, OtherCodecsAreNotSent) {
  add(1, MediaKind::kVideo, "vp9");
  add(10, MediaKind::kAudio, "opus");
  frame(1, 0, 0);
  frame(10, 0, 5);
  next(1);
}

TEST_F(EchoClipTest, TheNewestTrackIsSentAndAskedForKeyFrames) {
  clip_.request_key_frame(0);
  add(1, MediaKind::kVideo, "vp8");
  clip_.request_key_frame(0);
  add(2, MediaKind::kVideo, "vp8");
  clip_.remove_track(1);
  clip_.request_key_frame(0);
  EXPECT_THAT(wanted_, ElementsAre(1, 2));
  frame(1, 0, 0);
  frame(2, 7000, 10);
  const double at = next();
  EXPECT_LE(at, 10);
  EXPECT_GE(at, -500);
}

TEST_F(EchoClipTest, WhenTheNewestTrackGoesTheOneBeforeIsSent) {
  add(1, MediaKind::kVideo, "vp8");
  add(2, MediaKind::kVideo, "vp8");
  frame(1, 0, 0);
  frame(2, 7000, 10);
  const double first = next();
  clip_.remove_track(2);
  frame(1, 40, 40);
  EXPECT_GT(next(), first);
}

TEST_F(EchoClipTest, AScreenThatIsSharedIsNotSent) {
  add(1, MediaKind::kVideo, "vp8", "camera");
  add(2, MediaKind::kVideo, "vp8", "screen");
  frame(2, 0, 0);
  frame(1, 100, 30);
  const double camera = next();
  frame(2, 200, 35);
  frame(1, 133, 63);
  EXPECT_DOUBLE_EQ(next(), camera + 33);
}

// A track asks upstream once a second at most.
TEST_F(EchoClipTest, AKeyFrameIsAskedForUntilItComes) {
  add(1, MediaKind::kVideo, "vp8");
  frame(1, 0, 0);
  clip_.request_key_frame(0);
  for (int at = 33; at <= 990; at += 33) frame(1, at, at, false);
  EXPECT_THAT(wanted_, testing::SizeIs(testing::AllOf(testing::Ge(4), testing::Le(5))));
  const size_t asked = wanted_.size();
  for (int at = 1023; at <= 2046; at += 33) frame(1, at, at, at == 1023);
  EXPECT_EQ(wanted_.size(), asked);
}

// A queue that drains: the path takes 400 ms less within a moment.
TEST_F(EchoClipTest, FasterFramesKeepTheirTimes) {
  add(10, MediaKind::kAudio, "opus");
  frame(10, 0, 400);
  double before = next(1);
  for (int at = 20; at <= 1000; at += 20) {
    frame(10, at, std::max(400, at + 1));
    const double now = next(1);
    EXPECT_NEAR(now - before, 20, 1e-6) << at;
    before = now;
  }
}

// Steps back and forth stay in RTP time; what would lie ahead, or far behind, begins anew.
TEST_F(EchoClipTest, TimesFollowTheSendersNearTheArrival) {
  add(1, MediaKind::kVideo, "vp8");
  frame(1, 0, 0);
  const double first = next();
  frame(1, 100, 140);
  EXPECT_DOUBLE_EQ(next(), first + 100);
  frame(1, 200, 190);
  EXPECT_DOUBLE_EQ(next(), first + 200);
  frame(1, 1000, 220);  // came 780 ms faster than the first
  EXPECT_LE(next(), 220);
  const double before = first + 200;
  frame(1, 1033, 225);
  const double ahead = next();
  EXPECT_LE(ahead, 225);
  EXPECT_GT(ahead, before);
  frame(1, 1100, 4000);  // its time stood still in a pause
  const double after = next();
  EXPECT_LE(after, 4000);
  EXPECT_GE(after, 3500);
  frame(1, 1133, 4030);
  EXPECT_DOUBLE_EQ(next(), after + 33);
}

TEST_F(EchoClipTest, StreamsAreInStepAsReportsSay) {
  add(1, MediaKind::kVideo, "vp8");
  add(10, MediaKind::kAudio, "opus");
  frame(1, 0, 60);  // its picture takes 60 ms longer than the sound of the same moment
  frame(10, 7000, 0);
  EXPECT_NEAR(next(0) - next(1), 60, 1e-6);
  frame(10, 7100, 100, true, 5100);
  frame(1, 100, 160, true, 5100);
  EXPECT_NEAR(next(1) - next(0), 0, 1e-6);
  frame(1, 133, 190, true, 5134);  // a report that differs by less than anybody hears
  frame(10, 7133, 131, true, 5133);
  EXPECT_NEAR(next(0) - next(1), 0, 1e-6);
}

TEST_F(EchoClipTest, WhatNobodyTakesIsLeftOutUntilAKeyFrame) {
  add(1, MediaKind::kVideo, "vp8");
  for (int i = 0; i < 2000; ++i) frame(1, i, i, i == 0);
  const double first = next();
  for (int i = 0; i < 100; ++i) next();
  frame(1, 2000, 2000, false);  // of one that was left out
  frame(1, 2001, 2001, true);
  double at = next();
  while (at < first + 1999) at = next();
  EXPECT_DOUBLE_EQ(at, first + 2001);
}

TEST_F(EchoClipTest, AWaitIsInterrupted) {
  std::thread reader([this] { EXPECT_EQ(clip_.next().error().code, Code::kInterrupted); });
  clip_.interrupt();
  reader.join();
}

}  // namespace
}  // namespace callbot::pipelines
