#include "recordings/lip_sync.h"

#include <gtest/gtest.h>

namespace callbot::recordings {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSender = 3'900'000'000'000'000'000;  // its clock says anything

// Pictures of a camera, one each 33 ms, put `late` ms behind where the sound is.
class Pictures : public ::testing::Test {
 protected:
  int64_t place(int64_t capture_ms, int64_t late_ms) {
    const int64_t at = (capture_ms + late_ms) * kMs;
    const int64_t placed = sync_.place(1, kSender + capture_ms * kMs, at);
    EXPECT_GE(placed, last_) << "backwards";
    last_ = placed;
    return placed / kMs;
  }
  LipSync sync_;
  int64_t last_ = 0;
};

TEST_F(Pictures, StayWhereRtpPutsThemWhileTheSendersClockIsUnknown) {
  EXPECT_EQ(place(0, 200), 200);
  EXPECT_EQ(sync_.place(1, std::nullopt, 233 * kMs), 233 * kMs);
  sync_.heard(kSender, 0);
  EXPECT_EQ(sync_.place(1, std::nullopt, 266 * kMs), 266 * kMs);
}

TEST_F(Pictures, MoveToTheSoundSlowly) {
  for (const int64_t late : {200, -200}) {
    sync_ = LipSync();
    last_ = 0;
    sync_.heard(kSender + 5000 * kMs, 5000 * kMs);
    EXPECT_EQ(place(6000, late), 6000 + late);
    const int64_t next = place(6033, late);
    EXPECT_NEAR(static_cast<double>(next), 6033.0 + static_cast<double>(late), 7);
    for (int64_t t = 6066; t < 7200; t += 33) place(t, late);
    EXPECT_EQ(place(7300, late), 7300);
    EXPECT_EQ(place(7333, late), 7333);
  }
}

TEST_F(Pictures, FollowADriftOfTheClocks) {
  for (int64_t t = 0; t < 600'000; t += 33) {
    sync_.heard(kSender + t * kMs, t * kMs);
    const int64_t placed = place(t, t / 5000);  // 200 ppm: 120 ms in ten minutes
    EXPECT_NEAR(static_cast<double>(placed), static_cast<double>(t), 1);
  }
}

TEST_F(Pictures, DoNotBelieveAbsurdReports) {
  sync_.heard(kSender, 60'000 * kMs);
  for (int64_t t = 0; t < 3000; t += 33) EXPECT_EQ(place(t, 0), t);
}

}  // namespace
}  // namespace callbot::recordings
