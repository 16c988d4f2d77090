#include "bot/limits.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using recordings::RecordingStats;

class LimitsTest : public testing::Test {
 protected:
  bool ended() {
    return loop_.run_until([this] { return !ends_.empty(); }, 10s);
  }
  static RecordingStats talkers(std::vector<std::pair<std::string, bool>> who) {
    RecordingStats stats;
    for (auto& [participant, speaks] : who)
      stats.talkers.push_back({.participant = participant, .speaks = speaks});
    return stats;
  }

  Loop loop_;
  std::vector<std::string> ends_;
};

TEST_F(LimitsTest, DurationEnds) {
  Limits limits(Limits::Config{.duration = 20ms},
                [this](recordings::Ending why) { ends_.push_back(why.reason); });
  limits.begin();
  ASSERT_TRUE(ended());
  EXPECT_EQ(ends_, std::vector<std::string>{"duration"});
}

TEST_F(LimitsTest, EmptyEndsAtOnceButNotBeforeSomebodyWasThere) {
  Limits limits({.until_empty = true},
                [this](recordings::Ending why) { ends_.push_back(why.reason); });
  limits.begin();
  limits.members(0);
  limits.members(2);
  limits.members(1);
  EXPECT_TRUE(ends_.empty());
  limits.members(0);
  limits.members(0);
  EXPECT_EQ(ends_, std::vector<std::string>{"empty"});
}

TEST_F(LimitsTest, EmptyForAWhileWaitsForSomebodyToComeBack) {
  Limits limits({.until_empty = true, .empty_for = 300ms},
                [this](recordings::Ending why) { ends_.push_back(why.reason); });
  limits.members(1);
  limits.members(0);
  EXPECT_TRUE(ends_.empty());
  limits.members(1);
  EXPECT_FALSE(loop_.run_until([this] { return !ends_.empty(); }, 600ms)) << "somebody is there";
  limits.members(0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(ends_, std::vector<std::string>{"empty"});
}

TEST_F(LimitsTest, SizeEnds) {
  Limits limits({.most_bytes = 1000},
                [this](recordings::Ending why) { ends_.push_back(why.reason); });
  limits.tick({.bytes = 999}, {}, false);
  EXPECT_TRUE(ends_.empty());
  limits.tick({.bytes = 1000}, {}, false);
  limits.tick({.bytes = 2000}, {}, false);
  EXPECT_EQ(ends_, std::vector<std::string>{"size"});
}

TEST_F(LimitsTest, SilenceEndsOnceNobodyHasSpokenForSoLong) {
  FakeClock clock(1'000'000'000'000, 0);
  Limits limits({.until_silent = 10s},
                [this](recordings::Ending why) { ends_.push_back(why.reason); });
  const std::vector<Limits::Listened> both{{"a", false}, {"b", false}};
  const auto tick = [&](const RecordingStats& stats, bool paused = false) {
    clock.advance(4s);
    limits.tick(stats, both, paused);
  };
  limits.members(2);
  tick(talkers({{"a", false}, {"b", true}}));
  tick(talkers({{"a", false}, {"b", false}}));
  tick(talkers({{"a", false}, {"b", false}}));
  tick(talkers({{"a", true}, {"b", false}}));
  for (int i = 0; i < 3; ++i) tick(talkers({{"a", false}, {"b", false}}));
  tick(talkers({{"a", false}, {"b", false}}), true);
  for (int i = 0; i < 3; ++i) tick(talkers({{"a", false}, {"b", false}}));
  EXPECT_TRUE(ends_.empty()) << "it spoke, or it was paused";
  tick(talkers({{"a", false}, {"b", false}}));
  EXPECT_EQ(ends_, std::vector<std::string>{"silent"});
}

TEST_F(LimitsTest, WhoSaysNoLevelsNeverCountsAsSilent) {
  FakeClock clock(1'000'000'000'000, 0);
  Limits limits({.until_silent = 10s},
                [this](recordings::Ending why) { ends_.push_back(why.reason); });
  limits.members(2);
  const auto minute = [&](bool b_is_off) {
    for (int i = 0; i < 60; ++i) {
      clock.advance(1s);
      limits.tick(talkers({{"a", false}}), {{"a", false}, {"b", b_is_off}}, false);
    }
  };
  minute(false);
  EXPECT_TRUE(ends_.empty());
  minute(true);
  EXPECT_EQ(ends_, std::vector<std::string>{"silent"}) << "b said that its sound is off";
}

}  // namespace
}  // namespace callbot::bot
