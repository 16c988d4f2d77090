#include "bot/scenario_program.h"

#include <gmock/gmock.h>

#include <chrono>

#include "base/loop.h"

namespace callbot::bot {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::chrono::milliseconds kPatience{20000};

class ScenarioProgramTest : public ::testing::Test {
 protected:
  void run(const std::string& script) {
    auto program = ScenarioProgram::start({"sh", "-c", script});
    ASSERT_TRUE(program) << program.error().message;
    program_ = std::move(*program);
    ASSERT_TRUE(loop_.run_until([&] { return program_->ended(); }, kPatience));
  }
  Loop loop_;
  std::unique_ptr<ScenarioProgram> program_;
};

TEST_F(ScenarioProgramTest, TellsHowItEndedAndWhatItSaid) {
  run("echo one; echo two >&2; exit 7");
  EXPECT_EQ(program_->exit_status(), 7);
  EXPECT_EQ(program_->last_words(), "one; two");
  run("kill -9 $$");
  EXPECT_EQ(program_->exit_status(), 137);
  EXPECT_EQ(program_->last_words(), "");
}

TEST_F(ScenarioProgramTest, OfMuchTheEndIsKeptAndNobodyWaits) {
  run("yes 'all is well' | head -n 100000; printf 'but \\033[31m this'");
  EXPECT_EQ(program_->exit_status(), 0);
  EXPECT_THAT(program_->last_words(), StartsWith("..."));
  EXPECT_THAT(program_->last_words(), HasSubstr("; but "));
  EXPECT_THAT(program_->last_words(), EndsWith(" this"));
  EXPECT_EQ(program_->last_words().find('\033'), std::string::npos);
  EXPECT_LT(program_->last_words().size(), 500U);
}

TEST_F(ScenarioProgramTest, OneThatNeverStopsWritingHoldsUpNobody) {
  auto program = ScenarioProgram::start({"yes"});
  ASSERT_TRUE(program) << program.error().message;
  int ticks = 0;
  Timer timer;
  timer.every(std::chrono::milliseconds(1), [&] { ++ticks; });
  EXPECT_TRUE(loop_.run_until([&] { return ticks >= 20; }, kPatience));
  EXPECT_THAT((*program)->last_words(), EndsWith("y"));
}

TEST_F(ScenarioProgramTest, OneThatRunsOnIsKilledWithItsOwner) {
  auto program = ScenarioProgram::start({"sleep", "600"});
  ASSERT_TRUE(program);
  EXPECT_FALSE((*program)->ended());
  EXPECT_EQ((*program)->last_words(), "");
}

TEST_F(ScenarioProgramTest, WhatIsNoProgramIsNamed) {
  const auto program = ScenarioProgram::start({"no-such-program-at-all"});
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("no-such-program-at-all"));
}

}  // namespace
}  // namespace callbot::bot
