#include "quality/chirp_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000, kMs = 1'000'000, kStart = 500 * kSecond;

class ChirpMeterTest : public ::testing::Test {
 protected:
  ChirpMeterTest() {
    for (uint32_t n = 0; n < 3000; ++n) log_.add(1, n, kStart + n * kSecond / 30);
  }
  static HeardChirp chirp(int64_t n, double delay, bool right = true) {
    const auto at = kStart + n * kSecond + static_cast<int64_t>(delay * 1e9);
    return {.up = chirp_goes_up(static_cast<uint64_t>(n)) == right,
            .playout_ns = at,
            .arrival_ns = at,
            .rtp_ns = n * kSecond};
  }
  static std::vector<double> values(const std::string& metric, const SeriesSet& set) {
    std::vector<double> out;
    for (const Series& s : set.snapshot()) {
      if (s.metric != metric) continue;
      for (const Sample& sample : s.samples) out.push_back(sample.value);
    }
    return out;
  }
  CaptureLog log_;
  SeriesSet set_{"bob", "alice", "microphone"};
  Mute mute_{0};
  const Sender alice_{.source = 1, .fps = 30};
};

TEST_F(ChirpMeterTest, DelaysOfLessAndOfMoreThanASecond) {
  for (const double delay : {0.002, 0.3, 0.95, 1.4, 3.2}) {
    SeriesSet set("bob", "alice", "microphone");
    ChirpMeter meter(set, alice_, &log_, nullptr);
    for (int64_t n = 2; n < 30; ++n) meter.chirp(chirp(n, delay), mute_);
    meter.interrupt();
    EXPECT_THAT(values("audio.e2e_delay", set), SizeIs(28)) << delay;
    EXPECT_THAT(values("audio.e2e_delay", set), Each(DoubleNear(delay, 1e-6)));
    EXPECT_EQ(set.total("audio.missing"), 0);
    EXPECT_EQ(set.total("audio.duplicate"), 0);
  }
}

TEST_F(ChirpMeterTest, ChirpsOfAnotherSourceAreNotItsSenders) {
  ChirpMeter meter(set_, alice_, &log_, nullptr);
  std::vector<int64_t> strange;
  meter.on_stranger = [&](const HeardChirp& heard) { strange.push_back(heard.playout_ns); };
  for (int64_t n = 2; n < 12; ++n) meter.chirp(chirp(n, 0.2), mute_);
  EXPECT_EQ(set_.total("identity.wrong"), 0);
  for (int64_t n = 12; n < 40; ++n) {
    HeardChirp other = chirp(n, 0.2);
    other.up = chirp_goes_up(7, static_cast<uint64_t>(n));
    meter.chirp(other, mute_);
  }
  // Some fit by chance: the first of them, while the one before was its sender's.
  EXPECT_GE(set_.total("identity.wrong"), 8);
  EXPECT_EQ(static_cast<double>(strange.size()), set_.total("identity.wrong"));
}

// However long: by chance eight of them fit again and again.
TEST_F(ChirpMeterTest, ChirpsOfAnotherSourceNeverBecomeItsSenders) {
  for (const uint16_t other : {2, 3, 7, 20, 300}) {
    SeriesSet set("bob", "alice", "microphone");
    ChirpMeter meter(set, alice_, &log_, nullptr);
    for (int64_t n = 2; n < 95; ++n) {
      HeardChirp heard = chirp(n, 0.2);
      heard.up = chirp_goes_up(other, static_cast<uint64_t>(n));
      meter.chirp(heard, mute_);
    }
    meter.interrupt();
    EXPECT_GE(set.total("identity.wrong"), 70) << other;
    EXPECT_LE(values("audio.e2e_delay", set).size(), 12U)
        << other << ": at the most in the beginning";
    // She herself is known again.
    const double before = set.total("identity.wrong");
    for (int64_t n = 60; n < 95; ++n) meter.chirp(chirp(n, 0.2), mute_);
    EXPECT_LE(set.total("identity.wrong"), before + 1) << other;
    EXPECT_GE(values("audio.e2e_delay", set).size(), 35U) << other;
  }
}

// Told of seconds later, without numbers.
class TellsLater final : public SenderLog {
 public:
  std::optional<Captured> captured(uint16_t, uint32_t) const override { return std::nullopt; }
  std::optional<uint32_t> newest(uint16_t, int64_t) const override { return std::nullopt; }
  std::optional<Captured> chirp_before(uint16_t source, bool up, int64_t at_ns) const override {
    if (source != 1) return std::nullopt;
    for (int64_t n = (at_ns - kStart) / kSecond; n >= 0; --n)
      if (chirp_goes_up(static_cast<uint64_t>(n % 10)) == up)
        return Captured{kStart + n * kSecond, 10 * kMs};
    return std::nullopt;
  }
  int64_t chirps_told_until(uint16_t) const override { return told_until_ns; }
  int64_t told_until_ns = 0;
};

TEST_F(ChirpMeterTest, APagesChirpsHaveTheirDelayOnceItToldOfThem) {
  TellsLater log;
  ChirpMeter meter(set_, {.source = 1, .round = 300}, &log, nullptr);
  const auto hear = [&](int64_t n) {
    HeardChirp heard = chirp(n, 0.2);
    heard.up = chirp_goes_up(static_cast<uint64_t>(n % 10));
    meter.chirp(heard, mute_);
  };
  for (int64_t n = 0; n < 5; ++n) hear(n);
  EXPECT_THAT(values("audio.e2e_delay", set_), SizeIs(0)) << "it has not told yet";
  log.told_until_ns = kStart + 3 * kSecond;
  hear(5);
  EXPECT_THAT(values("audio.e2e_delay", set_), SizeIs(3));
  for (int64_t n = 6; n < 20; ++n) {
    log.told_until_ns = kStart + n * kSecond - kSecond / 2;
    hear(n);
  }
  EXPECT_THAT(values("audio.e2e_delay", set_), SizeIs(19));
  EXPECT_THAT(values("audio.e2e_delay", set_), Each(DoubleNear(0.2, 1e-6)));
  EXPECT_THAT(values("audio.network_delay", set_), SizeIs(19));
  EXPECT_EQ(set_.total("audio.missing"), 0);
  EXPECT_EQ(set_.total("identity.wrong"), 0);
}

TEST_F(ChirpMeterTest, APageThatNeverTellsLeavesDelaysUnmeasured) {
  TellsLater log;
  ChirpMeter meter(set_, {.source = 1, .round = 300}, &log, nullptr);
  for (int64_t n = 0; n < 30; ++n) meter.chirp(chirp(n, 0.2), mute_);
  EXPECT_THAT(values("audio.e2e_delay", set_), SizeIs(0));
  EXPECT_EQ(set_.total("audio.expected"), 30);
}

TEST_F(ChirpMeterTest, ADelayAroundAWholeSecondIsOneAllTheSame) {
  for (const double delay : {0.97, 1.97}) {
    SeriesSet set("bob", "alice", "microphone");
    ChirpMeter meter(set, alice_, &log_, nullptr);
    for (int64_t n = 2; n < 30; ++n) meter.chirp(chirp(n, delay + (n % 3 == 0 ? 0.06 : 0)), mute_);
    EXPECT_EQ(set.total("identity.wrong"), 0) << delay;
    EXPECT_EQ(set.total("audio.duplicate"), 0) << delay;
    EXPECT_THAT(values("audio.e2e_delay", set), SizeIs(28));
    EXPECT_THAT(values("audio.e2e_delay", set), Each(DoubleNear(delay + 0.03, 0.031)));
  }
}

TEST_F(ChirpMeterTest, TwoThatAreReadWrongAreNobodyElse) {
  ChirpMeter meter(set_, alice_, &log_, nullptr);
  for (int64_t n = 2; n < 40; ++n) meter.chirp(chirp(n, 0.2, n != 20 && n != 25), mute_);
  EXPECT_EQ(set_.total("identity.wrong"), 0);
}

TEST_F(ChirpMeterTest, FollowsADelayThatGrowsBeyondASecond) {
  ChirpMeter meter(set_, alice_, &log_, nullptr);
  for (int64_t n = 0; n < 40; ++n)
    meter.chirp(chirp(n, 0.1 + 0.06 * static_cast<double>(n)), mute_);
  const auto delays = values("audio.e2e_delay", set_);
  ASSERT_THAT(delays, SizeIs(40));
  EXPECT_NEAR(delays.back(), 0.1 + 0.06 * 39, 1e-6);
}

TEST_F(ChirpMeterTest, CountsWhatIsMissingAndWhatWasNeverSent) {
  ChirpMeter meter(set_, alice_, &log_, nullptr);
  for (int64_t n = 0; n < 20; ++n) {
    if (n == 9 || n == 10) continue;
    meter.chirp(chirp(n, 0.1), mute_);
    if (n == 14) meter.chirp(chirp(n, 0.25), mute_);  // an echo
  }
  EXPECT_EQ(set_.total("audio.marked"), 19);
  EXPECT_EQ(set_.total("audio.expected"), 20);
  EXPECT_EQ(set_.total("audio.missing"), 2);
  EXPECT_EQ(set_.total("audio.duplicate"), 1);
}

TEST_F(ChirpMeterTest, WithoutALogItCountsByDistance) {
  ChirpMeter meter(set_, {}, nullptr, nullptr);
  for (int64_t n = 5; n < 20; ++n) {
    if (n != 9) meter.chirp(chirp(n, 0.1), mute_);
  }
  EXPECT_EQ(set_.total("audio.missing"), 1);
  EXPECT_EQ(set_.total("audio.expected"), 15);
  for (const Series& s : set_.snapshot()) {
    if (s.metric != "audio.e2e_delay") continue;
    EXPECT_EQ(s.state, Measured::kUnmeasured);
    EXPECT_FALSE(s.why.empty());
  }
}

TEST_F(ChirpMeterTest, WhatWasCapturedWhileMutedIsALeakHoweverLateItComes) {
  for (const double delay : {0.1, 1.4}) {
    SeriesSet set("bob", "alice", "microphone");
    ChirpMeter meter(set, alice_, &log_, nullptr);
    Mute mute(500 * kMs);
    for (int64_t n = 0; n < 14; ++n) {
      const HeardChirp heard = chirp(n, delay);
      // Muted from 3.5 s to 8.5 s.
      if (heard.arrival_ns > kStart + 3500 * kMs && !mute.muted())
        mute.set(true, kStart + 3500 * kMs);
      if (heard.arrival_ns > kStart + 8500 * kMs) mute.set(false, kStart + 8500 * kMs);
      meter.chirp(heard, mute);
    }
    meter.interrupt();
    EXPECT_EQ(set.total("mute_leak"), 5) << "4 to 8, delay " << delay;
    EXPECT_EQ(set.total("audio.missing"), 0);
  }
}

// She is routed right again, and leaves before fifteen say so.
TEST_F(ChirpMeterTest, HersAreNotSomebodyElsesForBeingTooFewToSay) {
  ChirpMeter meter(set_, alice_, &log_, nullptr);
  size_t strange = 0;
  meter.on_stranger = [&](const HeardChirp&) { ++strange; };
  const auto hers = [](int64_t n) {
    HeardChirp heard = chirp(n, 0.1);
    heard.up = chirp_goes_up(uint16_t{1}, static_cast<uint64_t>(n));
    return heard;
  };
  for (int64_t n = 0; n < 10; ++n) meter.chirp(hers(n), mute_);
  for (int64_t n = 10; n < 30; ++n) {
    HeardChirp heard = chirp(n, 0.1);
    heard.up = chirp_goes_up(uint16_t{900}, static_cast<uint64_t>(n));
    meter.chirp(heard, mute_);
  }
  EXPECT_GE(strange, 8U);
  for (int64_t n = 30; n < 42; ++n) meter.chirp(hers(n), mute_);
  meter.interrupt();
  EXPECT_LE(strange, 20U);
  EXPECT_LE(set_.total("audio.duplicate"), 20);
  // Misread at first, then too few.
  SeriesSet set("bob", "alice", "microphone");
  ChirpMeter other(set, alice_, &log_, nullptr);
  other.on_stranger = [&](const HeardChirp&) { ADD_FAILURE(); };
  HeardChirp wrong = hers(0);
  wrong.up = !wrong.up;
  other.chirp(wrong, mute_);
  for (int64_t n = 1; n < 12; ++n) other.chirp(hers(n), mute_);
  other.interrupt();
  EXPECT_EQ(set.total("identity.wrong"), 0);
}

TEST_F(ChirpMeterTest, WithoutALogThereIsAGrace) {
  ChirpMeter meter(set_, {}, nullptr, nullptr);
  Mute mute(500 * kMs);
  mute.set(true, kStart + 4 * kSecond);
  for (int64_t n = 4; n < 8; ++n) meter.chirp(chirp(n, 0.1), mute);
  EXPECT_EQ(set_.total("mute_leak"), 3) << "all but the one within the grace";
}

}  // namespace
}  // namespace callbot::quality
