#include <gtest/gtest.h>

#include <set>

#include "network/conditions.h"

namespace callbot::network {
namespace {

TEST(Presets, AreThoseThatAreDocumented) {
  std::set<std::string> names;
  for (const Preset& preset : presets()) {
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
    EXPECT_NE(std::string(preset.source), "");
  }
  EXPECT_EQ(names, (std::set<std::string>{"clean", "edge", "3g", "4g", "wifi-bad", "satellite"}));
}

// connectivity.ini.sample of WebPageTest: bwIn, bwOut, latency (a round trip).
TEST(Presets, HaveTheNumbersOfTheirSource) {
  struct Row {
    const char* name;
    double down, up, round_trip_s;
  };
  for (const Row& row :
       {Row{"edge", 240e3, 200e3, 0.84}, Row{"3g", 1.6e6, 768e3, 0.3}, Row{"4g", 9e6, 9e6, 0.17}}) {
    const auto network = parse_network(row.name);
    ASSERT_TRUE(network);
    EXPECT_DOUBLE_EQ(network->conditions.down.rate, row.down);
    EXPECT_DOUBLE_EQ(network->conditions.up.rate, row.up);
    EXPECT_DOUBLE_EQ(network->conditions.up.delay_s + network->conditions.down.delay_s,
                     row.round_trip_s);
  }
}

TEST(Presets, CleanIsClean) { EXPECT_EQ(parse_network("clean")->conditions, Conditions{}); }

}  // namespace
}  // namespace callbot::network
