#include "recordings/track_clock.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <memory>

namespace callbot::recordings {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kStart = 1'000'000 * kMs;

Frame frame(int64_t rtp_ms, int64_t arrival_ms) {
  Frame f;
  f.rtp_time = 1'000'000 + rtp_ms * 90;
  f.first_arrival_ns = f.last_arrival_ns = kStart + arrival_ms * kMs;
  return f;
}

class Clock : public ::testing::Test {
 protected:
  // Milliseconds since the start of what comes out.
  std::vector<int64_t> push(int64_t rtp_ms, int64_t arrival_ms) {
    return times(clock_.push(frame(rtp_ms, arrival_ms), kStart + arrival_ms * kMs));
  }
  std::vector<int64_t> times(const std::vector<TimedFrame>& frames) {
    std::vector<int64_t> out;
    for (const TimedFrame& f : frames) {
      out.push_back((f.time_ns - kStart) / kMs);
      if (f.anchor != AnchorReason::kNone) anchors_.push_back(f.anchor);
    }
    return out;
  }
  TrackClock clock_{TrackClockConfig{}};
  std::vector<AnchorReason> anchors_;
};

using ::testing::ElementsAre;

TEST_F(Clock, FollowsRtpTimeNotArrival) {
  EXPECT_THAT(push(0, 0), ElementsAre(0));
  EXPECT_THAT(push(33, 120), ElementsAre(33));
  EXPECT_THAT(push(66, 480), ElementsAre(66));
  EXPECT_THAT(push(100, 100), ElementsAre(100));
  EXPECT_THAT(anchors_, ElementsAre(AnchorReason::kFirst));
}

TEST_F(Clock, HoldsALateFrameUntilTheOnesBehindItAreAsLate) {
  push(0, 0);
  EXPECT_THAT(push(20, 3020), IsEmpty());
  EXPECT_THAT(push(40, 3040), IsEmpty());
  EXPECT_THAT(times(clock_.settle(kStart + 3200 * kMs)), IsEmpty());
  EXPECT_THAT(times(clock_.settle(kStart + 3280 * kMs)), ElementsAre(3020, 3040));
  EXPECT_THAT(push(60, 3060), ElementsAre(3060));
  EXPECT_THAT(anchors_, ElementsAre(AnchorReason::kFirst, AnchorReason::kDisagreement));
}

// A jitterbuffer hands frames over long after they arrived; that is no time to decide in.
TEST_F(Clock, CountsTheHoldingFromTheHandOver) {
  push(0, 0);
  EXPECT_THAT(times(clock_.push(frame(20, 3020), kStart + 3620 * kMs)), IsEmpty());
  EXPECT_THAT(times(clock_.settle(kStart + 3650 * kMs)), IsEmpty());
  EXPECT_THAT(times(clock_.push(frame(40, 3030), kStart + 3660 * kMs)), IsEmpty());
  EXPECT_THAT(times(clock_.settle(kStart + 3880 * kMs)), ElementsAre(3010, 3030));
}

TEST_F(Clock, LetsABacklogMeltAway) {
  push(0, 0);
  std::vector<int64_t> out;
  for (int64_t n = 1; n <= 100; ++n) {  // two seconds' worth within 200 ms
    for (const int64_t t : push(n * 20, 2000 + n * 2)) out.push_back(t);
  }
  ASSERT_THAT(out, SizeIs(100));
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], static_cast<int64_t>(i + 1) * 20);
  EXPECT_THAT(anchors_, ElementsAre(AnchorReason::kFirst));
}

TEST_F(Clock, LetsALongBacklogMeltAwayToo) {
  push(0, 0);
  std::vector<int64_t> out;
  for (int64_t n = 1; n <= 600; ++n) {  // twelve seconds' worth within three
    for (const int64_t t : push(n * 20, 9000 + n * 5)) out.push_back(t);
  }
  for (const int64_t t : times(clock_.finish())) out.push_back(t);
  ASSERT_THAT(out, SizeIs(600));
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], static_cast<int64_t>(i + 1) * 20);
  EXPECT_THAT(anchors_, ElementsAre(AnchorReason::kFirst, AnchorReason::kBeat));
}

TEST_F(Clock, TakesATooEarlyFrameAtItsArrival) {
  push(0, 0);
  EXPECT_THAT(push(20'000, 40), ElementsAre(40));
  EXPECT_THAT(push(20'020, 60), ElementsAre(60));
}

TEST_F(Clock, NeverGoesBack) {
  push(0, 0);
  EXPECT_THAT(push(400, 380), ElementsAre(400));
  EXPECT_THAT(push(300, 390), ElementsAre(400));
  EXPECT_THAT(push(2000, 410), ElementsAre(410));  // early: anchored afresh
  EXPECT_THAT(push(1980, 411), ElementsAre(410));
}

TEST_F(Clock, GivesWhatItHoldsAtTheEnd) {
  push(0, 0);
  EXPECT_THAT(push(20, 5020), IsEmpty());
  EXPECT_THAT(times(clock_.finish()), ElementsAre(5020));
}

TEST_F(Clock, NamesAnchorsForTheSendersClockAndNowAndThen) {
  push(0, 0);
  Frame with_ntp = frame(100, 100);
  with_ntp.ntp_ns = 1;
  times(clock_.push(with_ntp, with_ntp.first_arrival_ns));
  for (int64_t ms = 200; ms <= 21'000; ms += 100) push(ms, ms);
  EXPECT_THAT(anchors_, ElementsAre(AnchorReason::kFirst, AnchorReason::kNtp, AnchorReason::kBeat,
                                    AnchorReason::kBeat));
}

TEST_F(Clock, ToldOfAStallOnlyWhereNothingCame) {
  const auto stalls = [](const std::vector<TimedFrame>& frames) {
    std::vector<std::pair<int64_t, int64_t>> out;
    for (const TimedFrame& f : frames) {
      if (f.stalled_from_ns != 0)
        out.push_back({(f.stalled_from_ns - kStart) / kMs, (f.time_ns - kStart) / kMs});
    }
    return out;
  };
  push(0, 0);
  push(20, 3020);
  EXPECT_THAT(stalls(clock_.settle(kStart + 3300 * kMs)),
              ElementsAre(std::pair<int64_t, int64_t>(20, 3020)));
  for (int64_t ms = 40; ms < 1000; ms += 20) push(ms, ms + 3000);
  // The RTP clock goes back by two seconds while frames go on coming.
  for (int64_t ms = 1000; ms < 1240; ms += 20) push(ms - 2000, ms + 3000);
  EXPECT_THAT(stalls(clock_.settle(kStart + 5000 * kMs)), IsEmpty());
}

// With a sender's clock beside it.
class MovedClock : public ::testing::Test {
 protected:
  explicit MovedClock(MediaKind kind = MediaKind::kAudio) {
    info_.id = 7;
    info_.kind = kind;
    info_.clock_rate = 90000;
    sender_.begin(info_);
    clock_ = std::make_unique<TrackClock>(TrackClockConfig{}, sender_, info_);
  }
  // Microseconds that it is put after its RTP time.
  int64_t push(int64_t rtp_ms, int64_t arrival_ms) {
    for (const TimedFrame& f : clock_->push(frame(rtp_ms, arrival_ms), kStart + arrival_ms * kMs)) {
      EXPECT_GE(f.time_ns, last_ns_) << "backwards";
      steps_.push_back(f.time_ns - last_ns_);
      last_ns_ = f.time_ns;
      if (f.anchor == AnchorReason::kMoved) ++moved_;
    }
    return (last_ns_ - kStart - rtp_ms * kMs) / 1000;
  }
  TrackInfo info_;
  SenderClock sender_;
  std::unique_ptr<TrackClock> clock_;
  int64_t last_ns_ = 0;
  std::vector<int64_t> steps_;
  int moved_ = 0;
};

TEST_F(MovedClock, MovesSoundByAMillisecondAFrame) {
  EXPECT_EQ(push(0, 80), 80'000);
  EXPECT_EQ(push(20, 20), 79'000);
  int64_t off = 0;
  for (int64_t ms = 40; ms < 6000; ms += 20) off = push(ms, ms);
  EXPECT_NEAR(static_cast<double>(off), 0, 1000);
  for (size_t i = 1; i < steps_.size(); ++i) {
    EXPECT_GE(steps_[i], 19 * kMs - 1);
    EXPECT_LE(steps_[i], 21 * kMs + 1);
  }
  EXPECT_GT(moved_, 10) << "said in the journal as it goes";
  EXPECT_LT(moved_, 30);
}

TEST_F(MovedClock, MovesSoundMoreWhereNobodyHearsIt) {
  push(0, 80);
  for (int64_t ms = 20; ms < 100; ms += 20) push(ms, ms);
  EXPECT_LT(std::abs(push(2000, 2000)), 1);
}

class MovedPictures : public MovedClock {
 protected:
  MovedPictures() : MovedClock(MediaKind::kVideo) {}
};

TEST_F(MovedPictures, MoveByAFifthOfTheTime) {
  EXPECT_EQ(push(0, 200), 200'000);
  int64_t off = 0;
  for (int64_t ms = 66; ms < 2500; ms += 33) off = push(ms, ms);
  EXPECT_NEAR(static_cast<double>(off), 0, 500);
}

}  // namespace
}  // namespace callbot::recordings
