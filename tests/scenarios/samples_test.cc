// The scenarios that users copy.
#include <gtest/gtest.h>

#include "base/files.h"
#include "scenarios/decode.h"
#include "scenarios/schema.h"
#include "tests/support/schema_check.h"

namespace callbot::scenarios {
namespace {

class Sample : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path path() const {
    return fs::path(CALLBOT_SOURCE_DIR) / "tests" / "scenarios" /
           (std::string(GetParam()) + ".yaml");
  }
};

TEST_P(Sample, HasNoMistakeAndFitsTheSchema) {
  const auto scenario = load_scenario(path(), {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_FALSE(scenario->thresholds.empty());
  const auto text = read_file(path(), 1u << 20);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->front(), '#') << "it begins with what it is for";
  const auto document = parse_yaml(*text);
  ASSERT_TRUE(document);
  EXPECT_EQ(test::schema_mistake(scenario_schema(), document->root), "");
}

TEST_P(Sample, RunsByItselfOrWhereItIsTold) {
  EXPECT_EQ(load_scenario(path(), {})->rooms[0].url, kEmbedded);
  const auto elsewhere = load_scenario(path(), {{{"url", "ws://127.0.0.1:1/rooms/x"}}, {}, {}});
  ASSERT_TRUE(elsewhere) << elsewhere.error().message;
  EXPECT_EQ(elsewhere->rooms[0].url, "ws://127.0.0.1:1/rooms/x");
}

INSTANTIATE_TEST_SUITE_P(All, Sample,
                         ::testing::Values("smoke", "two-party-quality", "loss-burst",
                                           "bandwidth-drop", "mute", "screen-share",
                                           "rejoin-after-crash", "listeners", "soak",
                                           "browser-and-bot"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace callbot::scenarios
