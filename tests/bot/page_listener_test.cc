#include "bot/page_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/video_mark.h"

namespace callbot::bot {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000, kMs = 1'000'000;
constexpr int kRate = 16000;
constexpr uint16_t kAlice = 1, kMallory = 5;
constexpr int kFps = 30;

// A page that listens to alice, whose sound takes 200 ms, and sees her pictures after 150 ms.
class PageListenerTest : public testing::Test {
 protected:
  PageListenerTest() : listener_("bob", &log_) {
    log_.set(kAlice, {.start_ns = kBegan_ns, .fps = kFps});
    listener_.expect("alice",
                     {.source = kAlice, .fps = kFps, .sound_ahead_ns = quality::kOpusLookahead_ns});
    listener_.on_stranger = [this](const std::string& member, int64_t) {
      EXPECT_EQ(member, "alice");
      ++strangers_;
    };
  }

  // What she, or somebody else, chirps from second `from` to `to`, heard from there on.
  std::vector<float> chirps(int from, int to, uint16_t source = kAlice) {
    std::vector<float> all(static_cast<size_t>(to - from) * kMarkSampleRate);
    for (int n = from; n < to; ++n)
      add_chirp(std::span(all).subspan(static_cast<size_t>(n - from) * kMarkSampleRate),
                chirp_place(source, static_cast<uint64_t>(n)));
    return all;
  }
  // As the page gives it: thin, in stretches of a second.
  void hear(const std::vector<float>& sound, int64_t late_ns = 0) {
    for (size_t at = 0; at < sound.size(); at += kMarkSampleRate) {
      browsers::HeardSound heard{.track = track_, .member = "alice", .rate = kRate};
      heard.piece_s = 0.01;
      heard.first = next_;
      heard.begin_ns = zero_ns_ + late_ns;
      for (size_t i = at; i < at + kMarkSampleRate; i += kMarkSampleRate / kRate)
        heard.samples.push_back(sound[i]);
      next_ += static_cast<int64_t>(heard.samples.size());
      listener_.heard("alice", heard, 0.0001);
    }
  }
  void see(int second, int64_t after_ns) {
    browsers::ShownFrame frame{{"alice", "camera"},
                               VideoMark{static_cast<uint32_t>(second * kFps), kAlice, kMarkChirp}};
    frame.display_ns = kBegan_ns + second * kSecond + after_ns;
    listener_.shown("alice", frame);
  }
  Series series(const std::string& metric) {
    if (all_.empty()) all_ = listener_.take();
    for (const Series& one : all_)
      if (one.metric == metric) return one;
    ADD_FAILURE() << metric << " is not there";
    return {};
  }
  double total(const std::string& metric) {
    double sum = 0;
    for (const Sample& one : series(metric).samples) sum += one.value;
    return sum;
  }

  static constexpr int64_t kBegan_ns = 100 * kSecond;
  quality::PlannedLog log_;
  PageListener listener_;
  int64_t next_ = 0, zero_ns_ = kBegan_ns + 200 * kMs;
  int strangers_ = 0;
  std::string track_ = "track";
  std::vector<Series> all_;
};

TEST_F(PageListenerTest, ChirpsHaveTheirDelayAndTheirPictures) {
  for (int n = 0; n < 15; ++n) see(n, 150 * kMs);
  hear(chirps(0, 15));
  const Series delay = series("audio.e2e_delay");
  EXPECT_EQ(delay.actor, "bob");
  EXPECT_EQ(delay.from, "alice");
  EXPECT_EQ(delay.stream, "microphone");
  EXPECT_NEAR(delay.uncertainty, 0.0101, 1e-6);
  ASSERT_GE(delay.samples.size(), 14U);
  for (const Sample& one : delay.samples) EXPECT_NEAR(one.value, 0.2, 0.001);
  const Series skew = series("av.skew");
  EXPECT_EQ(skew.stream, "");
  ASSERT_GE(skew.samples.size(), 14U);
  for (const Sample& one : skew.samples) EXPECT_NEAR(one.value, 0.05, 0.001);
  EXPECT_NEAR(series("av.drift").samples.back().value, 0, 0.001);
  EXPECT_EQ(total("audio.missing"), 0);
  EXPECT_EQ(total("audio.duplicate"), 0);
  for (const Series& one : all_) EXPECT_NE(one.metric, "audio.network_delay");
}

TEST_F(PageListenerTest, APageThatLooksLateMakesNothingLate) {
  hear(chirps(0, 10));
  hear(chirps(10, 13), 20 * kMs);
  for (const Sample& one : series("audio.e2e_delay").samples) EXPECT_NEAR(one.value, 0.2, 0.001);
}

TEST_F(PageListenerTest, SoundThatStoodStillIsLate) {
  hear(chirps(0, 10));
  hear(chirps(10, 15), 300 * kMs);
  const auto delays = series("audio.e2e_delay").samples;
  EXPECT_NEAR(delays.front().value, 0.2, 0.001);
  EXPECT_NEAR(delays.back().value, 0.5, 0.001);
}

TEST_F(PageListenerTest, WhatDoesNotComeIsMissing) {
  hear(chirps(0, 10));
  hear(std::vector<float>(3 * kMarkSampleRate));
  hear(chirps(13, 20));
  EXPECT_EQ(total("audio.missing"), 3);
  hear(std::vector<float>(5 * kMarkSampleRate));
  listener_.finish();
  all_.clear();
  EXPECT_NEAR(total("audio.missing"), 4, 1) << "to its end, but for what may be under way";
}

TEST_F(PageListenerTest, WhoIsMutedOrGoneLacksNothing) {
  hear(chirps(0, 10));
  listener_.muted("alice", true, kBegan_ns + 10 * kSecond);
  hear(std::vector<float>(3 * kMarkSampleRate));
  listener_.muted("alice", false, kBegan_ns + 13 * kSecond);
  hear(chirps(13, 20));
  listener_.stopped("alice", true);
  hear(chirps(20, 21));  // was on its way
  hear(std::vector<float>(5 * kMarkSampleRate));
  listener_.stopped("alice", false);
  hear(chirps(26, 36));
  listener_.stopped("alice", true);
  hear(std::vector<float>(5 * kMarkSampleRate));
  listener_.finish();
  EXPECT_EQ(total("audio.missing"), 0);
  EXPECT_EQ(total("mute_leak"), 0);
}

TEST_F(PageListenerTest, WhoChirpsWhileMutedLeaks) {
  hear(chirps(0, 10));
  listener_.muted("alice", true, kBegan_ns + 9 * kSecond + 500 * kMs);
  hear(chirps(10, 13));
  EXPECT_GE(total("mute_leak"), 2);
}

TEST_F(PageListenerTest, SomebodyElsesChirpsAreNotHers) {
  hear(chirps(0, 10));
  hear(chirps(10, 40, kMallory));
  EXPECT_GE(total("identity.wrong"), 8);
  EXPECT_GE(strangers_, 8);
}

TEST_F(PageListenerTest, ANewTrackIsHeardAnew) {
  hear(chirps(0, 10));
  next_ = 0;
  zero_ns_ = kBegan_ns + 15 * kSecond + 200 * kMs;
  hear(chirps(15, 25));
  EXPECT_EQ(total("audio.missing"), 0);
  for (const Sample& one : series("audio.e2e_delay").samples) EXPECT_NEAR(one.value, 0.2, 0.001);
}

// Who was gone without goodbye is back, and the page has both tracks for a while.
TEST_F(PageListenerTest, OfTwoTracksThatCountsWhichChirps) {
  hear(chirps(0, 10));
  const int64_t first = next_;
  for (int n = 10; n < 30; ++n) {
    track_ = "old";
    next_ = first + (n - 10) * kRate;
    hear(std::vector<float>(kMarkSampleRate));
    track_ = "new";
    next_ = first + (n - 10) * kRate;
    hear(chirps(n, n + 1));
  }
  EXPECT_EQ(total("audio.missing"), 0);
  EXPECT_GE(total("audio.marked"), 28);
  for (const Sample& one : series("audio.e2e_delay").samples) EXPECT_NEAR(one.value, 0.2, 0.001);
}

// A page that hung for long: nobody listened.
TEST_F(PageListenerTest, WhatIsLostBeforeThePageLooksIsNotMissing) {
  hear(chirps(0, 10));
  hear(chirps(14, 24), 4 * kSecond);
  EXPECT_EQ(total("audio.missing"), 0);
}

TEST_F(PageListenerTest, OfAPageThatDoesNotTellThereIsNoDelayAndItsReasonIsSaid) {
  listener_.expect("alice", {.source = kAlice, .round = 300});
  for (int n = 0; n < 10; ++n) see(n, 150 * kMs);
  hear(chirps(0, 10));
  EXPECT_EQ(series("av.skew").state, Measured::kUnmeasured);
  EXPECT_EQ(series("audio.e2e_delay").state, Measured::kUnmeasured);
  EXPECT_THAT(series("audio.e2e_delay").why, HasSubstr("did not tell"));
  EXPECT_GE(total("audio.marked"), 9);
}

TEST_F(PageListenerTest, WhoWasNeverHeardHasNoSeries) { EXPECT_TRUE(listener_.take().empty()); }

}  // namespace
}  // namespace callbot::bot
