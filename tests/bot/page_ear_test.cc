#include "bot/page_ear.h"

#include <gtest/gtest.h>

#include <span>

namespace callbot::bot {
namespace {

constexpr int64_t kSecond = 1'000'000'000, kMs = 1'000'000;
constexpr int kRate = 16000;

// Chirps at each full second of a track, given in stretches of half a second.
class PageEarTest : public testing::Test {
 protected:
  browsers::HeardSound stretch(const std::string& track = "track") {
    std::vector<float> sound(kMarkSampleRate / 2);
    const int64_t second = next_ / kRate;
    if (next_ % kRate == 0) add_chirp(sound, chirp_place(1, static_cast<uint64_t>(second)));
    browsers::HeardSound heard{.track = track, .rate = kRate, .piece_s = 0.01};
    heard.first = next_;
    heard.begin_ns = begin_ns_;
    for (size_t i = 0; i < sound.size(); i += kMarkSampleRate / kRate)
      heard.samples.push_back(sound[i]);
    next_ += static_cast<int64_t>(heard.samples.size());
    return heard;
  }
  void push(int stretches, const std::string& track = "track") {
    for (int i = 0; i < stretches; ++i)
      for (const EarChirp& chirp : ear_.push(stretch(track))) found_.push_back(chirp);
  }

  PageEar ear_;
  int64_t next_ = 0, begin_ns_ = 7 * kSecond;
  std::vector<EarChirp> found_;
};

TEST_F(PageEarTest, FindsChirpsWhereTheyAre) {
  EXPECT_EQ(ear_.heard_until_ns(), 0);
  push(9);
  EXPECT_EQ(ear_.heard_until_ns(), begin_ns_ + 4500 * kMs);
  ASSERT_EQ(found_.size(), 5U);
  for (size_t n = 0; n < found_.size(); ++n) {
    const int64_t place_ns = static_cast<int64_t>(n) * kSecond;
    EXPECT_EQ(found_[n].up, chirp_goes_up(1, n));
    EXPECT_NEAR(static_cast<double>(found_[n].in_sound_ns - place_ns), 0, 500'000);
    EXPECT_NEAR(static_cast<double>(found_[n].at_ns - begin_ns_ - place_ns), 0, 500'000);
  }
}

TEST_F(PageEarTest, TheEarliestOfTheLastStretchesCounts) {
  push(2);
  begin_ns_ += 20 * kMs;  // the page looked late
  push(4);
  EXPECT_NEAR(static_cast<double>(found_.back().at_ns), 9.0 * kSecond, kMs);
  // So late all the time: it is its clock.
  push(4);
  EXPECT_NEAR(static_cast<double>(found_.back().at_ns), 11.02 * kSecond, kMs);
  begin_ns_ += 300 * kMs;  // the sound stood still
  push(2);
  EXPECT_NEAR(static_cast<double>(found_.back().at_ns), 12.32 * kSecond, kMs);
}

TEST_F(PageEarTest, AnotherTrackOrAHoleBeginsAnew) {
  push(3);
  next_ += kRate / 2;  // forgotten: the chirp at second 2 begins with what comes then
  EXPECT_EQ(next_, 2 * kRate);
  EXPECT_TRUE(ear_.begins_with({.track = "track", .rate = kRate, .first = next_}));
  push(1);
  ASSERT_EQ(found_.size(), 3U);
  EXPECT_NEAR(static_cast<double>(found_.back().in_sound_ns), 2.0 * kSecond, 500'000);
  EXPECT_LT(found_.back().position, 100) << "counted from there";
  EXPECT_FALSE(ear_.begins_with({.track = "track", .rate = kRate, .first = next_}));
  next_ = 0;
  begin_ns_ = 100 * kSecond;
  push(1, "another");
  EXPECT_NEAR(static_cast<double>(found_.back().at_ns), 100.0 * kSecond, kMs);
}

}  // namespace
}  // namespace callbot::bot
