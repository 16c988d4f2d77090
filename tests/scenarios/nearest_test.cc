#include "scenarios/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace callbot::scenarios {
namespace {

TEST(Nearest, CountsEdits) {
  EXPECT_EQ(edits("", "abc"), 3u);
  EXPECT_EQ(edits("recieve", "receive"), 1u);  // two that changed places
  EXPECT_EQ(edits("kitten", "sitting"), 3u);
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string_view> known = {"count", "receive", "playout_latency"};
  EXPECT_EQ(suggestion("recieve", known), ", did you mean \"receive\"?");
  EXPECT_EQ(suggestion("Playout-Latency", known), ", did you mean \"playout_latency\"?");
  EXPECT_EQ(suggestion("xyz", known), ", expected one of count, receive, playout_latency");
  EXPECT_EQ(suggestion("xyz", {}), "");
  EXPECT_EQ(suggestion("xyz", std::vector<std::string_view>(40, "name")), "");
}

}  // namespace
}  // namespace callbot::scenarios
