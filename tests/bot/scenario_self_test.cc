#include "bot/scenario_self.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

namespace callbot::bot {
namespace {

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
    process_s_ += share * std::max(1u, std::thread::hardware_concurrency());
    self_.look(++seconds_ * kSecond, process_s_);
  }

  ScenarioSamples samples_{"", {}};
  ScenarioSelf self_{0, samples_};
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
