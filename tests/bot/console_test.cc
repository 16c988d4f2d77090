#include "bot/console.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace callbot::bot {
namespace {

// Standard output is no terminal here.
TEST(Console, WritesOneLineAnEvent) {
  testing::internal::CaptureStdout();
  Console(false).event("joined", "al\u202eice\n");
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_EQ(text.substr(8), "  joined      al\\u202eice\\u000a\n");
}

TEST(Console, WritesOneJsonObjectAnEvent) {
  testing::internal::CaptureStdout();
  {
    Console console(true);
    console.event("joined", "alice", Json::object().set("name", "alice"));
    console.line("for people only");
    console.live({"a", "b"});
  }
  const auto json = Json::parse(testing::internal::GetCapturedStdout());
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("event").text(), "joined");
  EXPECT_EQ(json->at("name").text(), "alice");
}

TEST(Console, SaysProgressInTenths) {
  testing::internal::CaptureStdout();
  {
    Console console(false);
    for (int i = 0; i <= 100; ++i) console.progress("judging", i / 100.0);
    console.end_progress();
  }
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11);
}

TEST(Table, AlignsItsColumns) {
  const auto lines = table({{"A", "BB"}, {"ää", "c"}});
  EXPECT_EQ(lines[0], "A   BB  ");
  EXPECT_EQ(lines[1], "ää  c   ");
}

}  // namespace
}  // namespace callbot::bot
