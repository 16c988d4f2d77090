#include "base/text.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

TEST(Text, OneIsSingular) {
  EXPECT_EQ(counted(0, "gap"), "0 gaps");
  EXPECT_EQ(counted(1, "gap"), "1 gap");
  EXPECT_EQ(counted(2, "gap"), "2 gaps");
  EXPECT_EQ(counted(1, "finding fails", "findings fail"), "1 finding fails");
  EXPECT_EQ(counted(21, "finding fails", "findings fail"), "21 findings fail");
}

TEST(Words, RunsOfSpacesCountAsOne) {
  EXPECT_EQ(words_of("  a bc   d "), (std::vector<std::string_view>{"a", "bc", "d"}));
  EXPECT_TRUE(words_of("").empty());
  EXPECT_TRUE(words_of("   ").empty());
}

}  // namespace
}  // namespace callbot
