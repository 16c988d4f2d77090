#include "base/log.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace callbot {
namespace {

std::string logged(LogConfig config, const std::function<void()>& what) {
  Log::configure(config);
  testing::internal::CaptureStderr();
  what();
  std::string text = testing::internal::GetCapturedStderr();
  Log::configure({});
  return text;
}

TEST(Log, CarriesThePathOfItsOwners) {
  const std::string text = logged({}, [] { Log("call r1").child("peer bob").warn("lost {}", 5); });
  EXPECT_NE(text.find("warning call r1: peer bob: lost 5\n"), std::string::npos) << text;
}

TEST(Log, WritesOneJsonObjectALine) {
  const std::string text =
      logged({.level = LogLevel::kInfo, .json = true}, [] { Log("a").info("x\ny \"z\""); });
  auto json = Json::parse(text);
  ASSERT_TRUE(json) << text;
  EXPECT_EQ(json->at("message").text(), "x\\u000ay \"z\"");
  EXPECT_EQ(json->at("level").text(), "info");
}

TEST(Log, HidesSecrets) {
  Log::hide("hunter2");
  const std::string text = logged({}, [] {
    Log().warn("joining with hunter2");
    Log().warn("a=ice-pwd:abcdefgh");
    Log().warn("ws://h/rooms/r?token=geheim&x=1");
  });
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_EQ(text.find("abcdefgh"), std::string::npos);
  EXPECT_EQ(text.find("geheim"), std::string::npos);
  EXPECT_NE(text.find("&x=1"), std::string::npos);
}

TEST(Log, TakesInGlibsLog) {
  const std::string text = logged(
      {}, [] { g_log_structured("dom", G_LOG_LEVEL_WARNING, "MESSAGE", "from %s", "glib"); });
  EXPECT_NE(text.find("warning dom: from glib"), std::string::npos) << text;
}

TEST(Log, ShowsOnlyWhatWasAskedFor) {
  EXPECT_EQ(logged({.level = LogLevel::kError}, [] { Log().warn("quiet"); }), "");
}

}  // namespace
}  // namespace callbot
