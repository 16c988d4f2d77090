#include "recordings/asked.h"

#include <gtest/gtest.h>

namespace callbot::recordings {
namespace {

Event paused(const std::string& who, const std::string& policy = "cut") {
  return {.kind = EventKind::kPaused, .participant = who, .by = "ann", .policy = policy};
}
Event resumed(const std::string& who) { return {.kind = EventKind::kResumed, .participant = who}; }

TEST(Asked, APauseHoldsUntilItIsResumed) {
  EXPECT_TRUE(asked_by({}).pauses.empty());
  EXPECT_TRUE(asked_by({paused(""), resumed("")}).pauses.empty());
  const auto asked =
      asked_by({paused("", "slate"), paused("m1"), paused("m2"), paused(""), resumed("m1")});
  ASSERT_EQ(asked.pauses.size(), 2u);
  EXPECT_EQ(asked.pauses[0].participant, "");
  EXPECT_EQ(asked.pauses[0].policy, "slate");
  EXPECT_EQ(asked.pauses[0].by, "ann");
  EXPECT_EQ(asked.pauses[1].participant, "m2");
}

TEST(Asked, NeitherAKillNorAnEndResumes) {
  const auto asked = asked_by({paused("m1"),
                               {.kind = EventKind::kEnded, .reason = "repaired"},
                               {.kind = EventKind::kReopened, .from_ns = 1}});
  EXPECT_EQ(asked.pauses.size(), 1u);
}

TEST(Asked, RulesComeInTheirOrder) {
  const auto asked = asked_by({{.kind = EventKind::kFilter, .pattern = "a*", .include = true},
                               {.kind = EventKind::kFilter, .pattern = "al*", .include = false}});
  EXPECT_EQ(asked.rules, (std::vector<Asked::Rule>{{"a*", true}, {"al*", false}}));
}

}  // namespace
}  // namespace callbot::recordings
