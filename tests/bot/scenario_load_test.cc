#include "bot/scenario_load.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

TEST(ScenarioLoad, TargetsGrowEvenlyOverTheirStage) {
  const scenarios::LoadStage stage{"a", 10, 20, 0};
  EXPECT_EQ(load_target(stage, 0, 0), 0);
  EXPECT_EQ(load_target(stage, 0, 5), 10);
  EXPECT_EQ(load_target(stage, 0, 10), 20);
  EXPECT_EQ(load_target(stage, 10, 5), 15);
}

TEST(ScenarioLoad, TargetsKeepToTheJoinRate) {
  const scenarios::LoadStage stage{"a", 10, 20, 4};
  EXPECT_EQ(load_target(stage, 0, 0), 1);  // the first one comes at once
  EXPECT_EQ(load_target(stage, 0, 0.25), 2);
  EXPECT_EQ(load_target(stage, 0, 2), 9);
  EXPECT_EQ(load_target(stage, 0, 10), 20);  // and not one more
}

TEST(ScenarioLoad, TargetsFallAsTheyGrow) {
  const scenarios::LoadStage stage{"a", 4, 0, 0};
  EXPECT_EQ(load_target(stage, 8, 1), 6);
  EXPECT_EQ(load_target(stage, 8, 4), 0);
  const scenarios::LoadStage same{"a", 4, 8, 2};
  EXPECT_EQ(load_target(same, 8, 3), 8);
  const scenarios::LoadStage none{"a", 0, 3, 0};
  EXPECT_EQ(load_target(none, 0, 0), 0);
}

}  // namespace
}  // namespace callbot::bot
