#include "bot/call_pair.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

TEST(CallPath, IsKnownByTheCandidatesOfBothEnds) {
  using enum CallPath;
  const auto path = [](const char* one, const char* other) { return path_of({one, other}); };
  EXPECT_EQ(path("host 192.0.2.2:1 -> host 192.0.2.2:2", "host 192.0.2.2:2 -> host 192.0.2.2:1"),
            kMachine);
  // Each end on another address of it; one was seen before its candidate came.
  EXPECT_EQ(path("host 192.0.2.2:1 -> host 10.0.0.2:2", "host 10.0.0.2:2 -> prflx 192.0.2.2:1"),
            kMachine);
  EXPECT_EQ(
      path("host 2001:db8::2:1 -> host 2001:db8::2:2", "host 2001:db8::2:2 -> host 2001:db8::2:1"),
      kMachine);
  // Over a server: on this machine, on another; and through a NAT's router.
  EXPECT_EQ(path("host fd00::2:1 -> host fd00::2:5", "host fd00::2:2 -> host fd00::2:6"), kServer);
  EXPECT_EQ(path("host 192.0.2.2:1 -> host 192.0.2.9:5", "host 192.0.2.2:2 -> host 192.0.2.9:6"),
            kNetwork);
  EXPECT_EQ(path("host 10.0.0.2:1 -> srflx 192.0.2.2:2", "host 10.0.0.2:2 -> srflx 192.0.2.2:1"),
            kNetwork);
  EXPECT_EQ(
      path("relay 192.0.2.9:1 -> relay 192.0.2.9:2", "relay 192.0.2.9:2 -> relay 192.0.2.9:1"),
      kTurn);
  EXPECT_EQ(path("host 192.0.2.2:1 -> relay 192.0.2.9:2", "relay 192.0.2.9:2 -> host 192.0.2.2:1"),
            kTurn);
  EXPECT_EQ(path("", "host 192.0.2.2:2 -> host 192.0.2.2:1"), kUnknown);
  EXPECT_EQ(path("host", "host 192.0.2.2:2 -> host 192.0.2.2:1"), kUnknown);
}

}  // namespace
}  // namespace callbot::bot
