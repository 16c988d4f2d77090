#include "bot/join.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

TEST(Join, KnowsTheRoomAndTheProtocolOfAUrl) {
  EXPECT_EQ(room_of("ws://h:1/rooms/stand%20up"), "stand up");
  EXPECT_EQ(protocol_of("wss://h/rooms/r"), "rooms");
  EXPECT_EQ(room_of("janus+ws://h/janus?room=1234&pin=x"), "1234");
  EXPECT_EQ(protocol_of("janus+ws://h/janus?room=1234"), "janus");
  EXPECT_EQ(room_of("not a url"), "call");
  EXPECT_EQ(room_of("ws://h/"), "call");
}

TEST(Join, TakesTurnCredentialsOutOfTheUrl) {
  const auto config = call_config(
      {.ice_servers = {"turn:1700%3Aann:p@:ss@h:3478?transport=tcp", "stun:[::1]:3478"}}, {});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ice.servers[0].url, "turn:h:3478?transport=tcp");
  EXPECT_EQ(config->ice.servers[0].username, "1700:ann");
  EXPECT_EQ(config->ice.servers[0].credential, "p@:ss");
  EXPECT_EQ(config->ice.servers[1].url, "stun:[::1]:3478");
}

TEST(Join, RefusesIceServersThatAreNone) {
  for (const char* bad : {"example.org", "http://h", "turn:h:3478", "turns:u@h"}) {
    const auto config = call_config({.ice_servers = {bad}}, {});
    ASSERT_FALSE(config) << bad;
    EXPECT_EQ(config.error().code, Code::kUsage);
  }
}

TEST(Join, TurnOverTlsIsNotSupportedAndSaidBeforeTheCall) {
  const auto alone = call_config({.ice_servers = {"turns:u:p@h:5349"}}, {});
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Code::kUnsupported);
  EXPECT_EQ(alone.error().message.find("--ice-server: turns:h:5349: TURN over TLS"), 0u)
      << alone.error().message;
  EXPECT_TRUE(call_config({.ice_servers = {"turns:u:p@h:5349", "turn:u:p@h:3478"}}, {}));
}

}  // namespace
}  // namespace callbot::bot
