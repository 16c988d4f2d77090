#include "signaling/protocols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callbot::signaling {
namespace {

using testing::HasSubstr;

Result<std::unique_ptr<Signaling>> make(Loop& loop, const std::string& url) {
  JoinConfig config;
  config.url = url;
  config.self.name = "tester";
  return make_signaling(loop, Log("test"), config);
}

TEST(Protocols, EveryExampleInTheTableIsAccepted) {
  Loop loop;
  ASSERT_FALSE(protocols().empty());
  for (const Protocol& protocol : protocols()) {
    EXPECT_TRUE(std::string(protocol.example).starts_with(std::string(protocol.scheme) + "://"));
    EXPECT_STRNE(protocol.help, "");
    auto made = make(loop, protocol.example);
    EXPECT_TRUE(made) << made.error().message;
  }
}

TEST(Protocols, WhatIsNoUrlIsRefusedWithAnExample) {
  Loop loop;
  for (const char* url :
       {"", "hello", "://x", "1ws://x", "w s://h/rooms/r", "ws:/h/rooms/r", "ws://", "/rooms/r"}) {
    auto made = make(loop, url);
    ASSERT_FALSE(made) << url;
    EXPECT_EQ(made.error().code, Code::kUsage);
    EXPECT_THAT(made.error().message, HasSubstr("is not a URL"));
    EXPECT_THAT(made.error().message, HasSubstr(protocols()[0].example));
  }
}

TEST(Protocols, AnUnknownSchemeListsTheKnownOnes) {
  Loop loop;
  auto made = make(loop, "gopher://host/rooms/r");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kUsage);
  EXPECT_THAT(made.error().message, HasSubstr("gopher"));
  for (const Protocol& protocol : protocols())
    EXPECT_THAT(made.error().message, HasSubstr(protocol.scheme));
}

TEST(Protocols, HostileUrlsAreShownHarmlessly) {
  Loop loop;
  auto made = make(loop, "\x1b[31m\u202E" + std::string(10000, 'x'));
  ASSERT_FALSE(made);
  EXPECT_LT(made.error().message.size(), 1000U);
  EXPECT_THAT(made.error().message, Not(HasSubstr("\x1b")));
  EXPECT_THAT(made.error().message, Not(HasSubstr("\u202E")));
}

}  // namespace
}  // namespace callbot::signaling
