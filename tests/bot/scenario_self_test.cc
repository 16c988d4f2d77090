#include "bot/scenario_self.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;

class ScenarioSelfTest : public ::testing::Test {
 protected:
  std::vector<double> values(const std::string& metric) const {
    std::vector<double> out;
    for (const Series& series : samples_.series()) {
      if (series.metric != metric) continue;
      for (const Sample& sample : series.samples) out.push_back(sample.value);
    }
    return out;
  }
  // A second of so much of all processors.
  void second(double share) {
    process_s_ += share * CpuAllowance(group_.path()).processors();
    self_.look(++seconds_ * kSecond, process_s_);
  }

  void put(const char* file, const std::string& text) const {
    std::ofstream(group_.path() / file) << text;
  }
  // A control group of its own, with this quota of processors.
  ScenarioSelf throttled(double quota) {
    put("cgroup", "0::/\n");
    put("mountinfo", "1 2 0:3 / " + group_.path().string() + " rw - cgroup2 cgroup2 rw\n");
    put("cpu.max", fmt::format("{} 100000\n", quota * 100'000));
    held_back(0);
    return {0, samples_, CpuAllowance(group_.path())};
  }
  void held_back(double seconds) const {  // each of the processors
    put("cpu.stat", fmt::format("throttled_usec {:.0f}\n", seconds * 1e6 * all_));
  }

  const int all_ = CpuAllowance().to_run_on();
  test::TempFolder group_;
  ScenarioSamples samples_{"", {}};
  ScenarioSelf self_{0, samples_, CpuAllowance(group_.path())};
  int64_t seconds_ = 0;
  double process_s_ = 10;
};

TEST_F(ScenarioSelfTest, AnIdleBotIsBelieved) {
  self_.ticked(0.002);
  self_.ticked(0.9);
  second(0);
  self_.ticked(0.001);
  second(0.25);
  EXPECT_THAT(values("bot.lateness"), ElementsAre(0.9, 0.001));
  EXPECT_THAT(values("bot.cpu"), ElementsAre(0.25));
  EXPECT_THAT(self_.invalid(), IsEmpty());
}

TEST_F(ScenarioSelfTest, ALoopThatComesASecondLateIsNot) {
  self_.ticked(1.2);
  self_.ticked(0);
  EXPECT_THAT(self_.invalid(), ElementsAre("the bot was too slow: its loop came 1.2 s late"));
}

TEST_F(ScenarioSelfTest, NorIsOneThatStandsStillAgainAndAgain) {
  for (int i = 0; i < 10; ++i) {
    self_.ticked(0.095);  // late, and late again: not standing still
    self_.ticked(0.095);
    self_.ticked(0.099);
    second(0);
  }
  for (int i = 0; i < 10; ++i) {
    self_.ticked(0.45);
    second(0);
    self_.ticked(0.45);  // 0.9 s of ten
    for (int quiet = 0; quiet < 9; ++quiet) second(0);
  }
  EXPECT_THAT(self_.invalid(), IsEmpty());
  for (int i = 0; i < 4; ++i) {
    self_.ticked(0.3);
    second(0);
  }
  ASSERT_EQ(self_.invalid().size(), 1u);
  EXPECT_THAT(self_.invalid()[0], HasSubstr("too slow: its loop stood still again and again, "));
  EXPECT_THAT(self_.invalid()[0], HasSubstr(" within 10 s"));
}

TEST_F(ScenarioSelfTest, NorAreBusyProcessorsForFiveSecondsOnEnd) {
  second(1);
  for (int i = 0; i < 4; ++i) second(0.99);
  second(0.5);
  for (int i = 0; i < 4; ++i) second(0.99);
  EXPECT_THAT(self_.invalid(), IsEmpty());
  second(0.96);
  EXPECT_THAT(self_.invalid(), ElementsAre(HasSubstr("used all processors for 5 s")));
  second(0);
  EXPECT_THAT(self_.invalid(), ::testing::SizeIs(1)) << "what was stays so";
}

TEST_F(ScenarioSelfTest, NorIsOneThatDoesNotTakeItsPackets) {
  const auto dropped = [&](uint64_t packets) { self_.look(++seconds_ * kSecond, 10, packets); };
  for (int i = 0; i < 30; ++i) dropped(i % 3 == 0 ? 2 : 0);
  EXPECT_THAT(values("bot.dropped_packets"), ::testing::Contains(2));
  EXPECT_THAT(self_.invalid(), IsEmpty());
  dropped(9);
  EXPECT_THAT(self_.invalid(),
              ElementsAre(HasSubstr("too slow: 15 packets within 10 s were dropped")));
}

TEST_F(ScenarioSelfTest, AllProcessorsAreThoseThatAQuotaLeaves) {
  ScenarioSelf self = throttled(0.25);
  self.look(kSecond, 10);
  self.look(2 * kSecond, 10.25);
  EXPECT_THAT(values("bot.cpu"), ElementsAre(1));
}

TEST_F(ScenarioSelfTest, NorIsABotThatItsQuotaHoldsBack) {
  ScenarioSelf self = throttled(0.12);
  int64_t now = 0;
  for (const double total : {0.0, 0.5, 1.0}) {
    held_back(total);
    self.look(now += kSecond, 0);
  }
  EXPECT_THAT(values("bot.throttled"), ElementsAre(0, 0.5 * all_, 0.5 * all_));
  EXPECT_THAT(self.invalid(), IsEmpty());
  held_back(1.2);
  self.look(now += kSecond, 0);
  EXPECT_THAT(self.invalid(),
              ElementsAre("the bot was too slow: the quota of its control group (0.12 processors) "
                          "held it back for 1.2 s within 10 s"));
}

TEST_F(ScenarioSelfTest, ALittleNowAndThenIsBelieved) {
  ScenarioSelf self = throttled(1);
  for (int i = 1; i <= 100; ++i) {
    held_back(0.09 * i);
    self.look(i * kSecond, 0);
  }
  EXPECT_THAT(self.invalid(), IsEmpty());
}

TEST_F(ScenarioSelfTest, NorIsABrowserWhoseEncoderIsHeldBack) {
  for (int second = 0; second < 5; ++second) self_.limited("page", 1);
  self_.limited("other", 0);
  EXPECT_THAT(self_.invalid(), IsEmpty());
  self_.limited("page", 0.5);
  EXPECT_THAT(self_.invalid(),
              ElementsAre(AllOf(HasSubstr("encoder of page's browser"), HasSubstr("5.5"))));
}

TEST_F(ScenarioSelfTest, NorAreFramesThatNobodyMeasuredOrMade) {
  self_.overran("bob", 0);
  self_.behind("bob", 0.9);
  self_.left_out("alice", 0);
  EXPECT_THAT(self_.invalid(), IsEmpty());
  self_.overran("bob", 3);
  self_.overran("bob", 4);
  self_.left_out("alice", 2);
  self_.left_out("alice", 5);
  self_.behind("bob", 4.5);
  EXPECT_THAT(self_.invalid(),
              ElementsAre(HasSubstr("7 frames that bob received were not measured"),
                          HasSubstr("what bob received was measured 4.5 s late"),
                          HasSubstr("5 frames of alice came too late to be made")));
}

}  // namespace
}  // namespace callbot::bot
