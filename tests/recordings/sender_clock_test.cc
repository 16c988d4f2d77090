#include "recordings/sender_clock.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace callbot::recordings {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kOurs = 1'000'000 * kMs;
constexpr int64_t kSenders = 1'700'000'000'000 * kMs;

// A sound and a picture each 20 ms of the same sender, which reports each second.
class Sender : public ::testing::Test {
 protected:
  Sender() {
    for (const auto kind : {MediaKind::kAudio, MediaKind::kVideo}) {
      TrackInfo info;
      info.id = id(kind);
      info.kind = kind;
      info.clock_rate = rate(kind);
      clock_.begin(info);
    }
  }
  static TrackId id(MediaKind kind) { return kind == MediaKind::kAudio ? 1 : 2; }
  static int rate(MediaKind kind) { return kind == MediaKind::kAudio ? 48000 : 90000; }

  struct Facts {
    int64_t late_ms = 0;             // on its way
    int64_t ntp_off_ms = 0;          // the sender's clock
    std::optional<int64_t> ntp = 0;  // reported at all?
    int64_t rtp_stood_ms = 0;
    int64_t report_ms = -1;  // the last report came so long ago; -1: at the last full second
  };
  Frame frame(MediaKind kind, int64_t ms, const Facts& f) {
    Frame frame;
    frame.rtp_time = 1'000'000 + (ms - f.rtp_stood_ms) * rate(kind) / 1000;
    frame.first_arrival_ns = kOurs + (ms + f.late_ms) * kMs;
    // A few ns more with each report: no two lines are the same.
    if (f.ntp) frame.ntp_ns = kSenders + (ms + f.ntp_off_ms) * kMs + ms / 1000 * 7;
    return frame;
  }
  // How far from the truth, in ms.
  double place(MediaKind kind, int64_t ms, const Facts& f) {
    const auto place = clock_.place(id(kind), frame(kind, ms, f));
    reports_ += place.new_report ? 1 : 0;
    return static_cast<double>(place.time_ns - kOurs - ms * kMs) / 1e6;
  }
  double run(MediaKind kind, int64_t from_s, int64_t to_s, const Facts& f) {
    double last = 0;
    for (int64_t ms = from_s * 1000; ms < to_s * 1000; ms += 20) last = place(kind, ms, f);
    return last;
  }
  SenderClock clock_;
  int reports_ = 0;
};

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

TEST_F(Sender, GoesByEarliestArrivalsWithoutReports) {
  EXPECT_EQ(place(kAudio, 0, {.late_ms = 80, .ntp = {}}), 80);
  EXPECT_EQ(place(kAudio, 20, {.late_ms = 30, .ntp = {}}), 30);
  EXPECT_EQ(place(kAudio, 40, {.late_ms = 60, .ntp = {}}), 30);
  EXPECT_EQ(place(kVideo, 0, {.late_ms = 200, .ntp = {}}), 200);
}

TEST_F(Sender, BringsTheTracksTogetherByItsOwnClock) {
  EXPECT_NEAR(run(kAudio, 0, 10, {.late_ms = 30}), 30, 0.1);
  EXPECT_NEAR(run(kVideo, 0, 10, {.late_ms = 250}), 30, 0.1);
  EXPECT_EQ(reports_, 20);
}

TEST_F(Sender, DoesNotBelieveReportsThatAreFarFromArrivals) {
  run(kAudio, 0, 10, {.late_ms = 30});
  EXPECT_NEAR(run(kVideo, 0, 10, {.late_ms = 50, .ntp_off_ms = 60'000}), 50, 0.1);
}

TEST_F(Sender, TheSoundWinsWhereReportsContradictEachOther) {
  run(kVideo, 0, 10, {.late_ms = 50, .ntp_off_ms = 60'000});
  EXPECT_NEAR(run(kAudio, 0, 10, {.late_ms = 30}), 30, 0.1);
  EXPECT_NEAR(run(kVideo, 10, 20, {.late_ms = 50, .ntp_off_ms = 60'000}), 50, 0.1);
}

// The sender sets its wall clock; one track's reports tell of it before the other's.
TEST_F(Sender, AWallClockThatIsSetMovesNothing) {
  for (const int64_t step : {400, -100'000}) {
    clock_ = SenderClock();
    for (const auto kind : {kAudio, kVideo}) {
      TrackInfo info;
      info.id = id(kind);
      info.kind = kind;
      info.clock_rate = rate(kind);
      clock_.begin(info);
      run(kind, 0, 30, {.late_ms = kind == kAudio ? 30 : 60});
    }
    EXPECT_NEAR(run(kVideo, 30, 40, {.late_ms = 60, .ntp_off_ms = step}), 30, 1);
    EXPECT_NEAR(run(kAudio, 30, 45, {.late_ms = 30, .ntp_off_ms = step}), 30, 1);
    EXPECT_NEAR(run(kVideo, 40, 45, {.late_ms = 60, .ntp_off_ms = step}), 30, 1);
    TrackInfo screen;
    screen.id = 3;
    screen.kind = kVideo;
    screen.clock_rate = 90000;
    clock_.begin(screen);
    const auto placed = clock_.place(3, frame(kVideo, 45'000, {.late_ms = 90, .ntp_off_ms = step}));
    EXPECT_NEAR(static_cast<double>(placed.time_ns - kOurs) / 1e6, 45'030, 1) << "a later track";
  }
}

TEST_F(Sender, AnRtpClockThatStoodStillIsFoundByItsReports) {
  run(kAudio, 0, 30, {.late_ms = 30});
  EXPECT_NEAR(run(kAudio, 30, 33, {.late_ms = 30, .rtp_stood_ms = 300}), -270, 5) << "not yet";
  EXPECT_NEAR(run(kAudio, 33, 40, {.late_ms = 30, .rtp_stood_ms = 300}), 30, 5);
}

TEST_F(Sender, AfterABreakGoesByArrivalsUntilTheNextReport) {
  run(kAudio, 0, 30, {.late_ms = 30});
  run(kVideo, 0, 30, {.late_ms = 130});
  // The RTP clock stood for 18 s; the frames still carry the time of the report before.
  const Facts stale{.late_ms = 135, .ntp_off_ms = -18'000, .rtp_stood_ms = 18'000};
  Frame first = frame(kVideo, 48'000, stale);
  first.ntp_ns = kSenders + 30'000 * kMs + 29 * 7;
  clock_.broke(2, first);
  const auto placed = clock_.place(2, first);
  EXPECT_FALSE(placed.new_report);
  EXPECT_NEAR(static_cast<double>(placed.time_ns - kOurs) / 1e6, 48'035, 1)
      << "what its path usually takes is known";
  EXPECT_NEAR(run(kVideo, 49, 51, {.late_ms = 130, .rtp_stood_ms = 18'000}), 30, 1);
}

TEST_F(Sender, AnEndedTrackIsForgotten) {
  run(kAudio, 0, 10, {.late_ms = 30});
  clock_.end(1);
  EXPECT_EQ(place(kAudio, 10'000, {.late_ms = 55}), 55);
  EXPECT_NEAR(run(kVideo, 0, 10, {.late_ms = 90}), 30, 0.1) << "and the sender's clock is not";
}

}  // namespace
}  // namespace callbot::recordings
