#include "bot/scenario_room_limits.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

std::string mistakes(const std::string& url) {
  const auto scenario = scenarios::decode_scenario(
      "callbot: 1\nname: t\n"
      "rooms: {here: {url: embedded}, there: {url: '" +
          url +
          "'}}\n"
          "media: {cam: {video: pattern, audio: pattern}}\n"
          "actors:\n"
          "  ann: {send: cam, verify: all, room: here}\n"
          "  bea: {send: cam, verify: all, room: here}\n"
          "  cleo: {send: cam, verify: all, room: there}\n"
          "  dora: {send: cam, verify: all, room: there}\n"
          "steps:\n"
          "  - {do: join, who: '*'}\n"
          "  - {do: message, who: ann, text: hello}\n"
          "  - {expect: message, who: bea, from: ann}\n"
          "  - {do: message, who: '*', text: hello}\n"
          "  - {do: file, who: cleo, path: /etc/hostname}\n"
          "  - {expect: file, who: dora, from: cleo}\n"
          "  - {do: mute, who: cleo}\n"
          "  - {expect: muted, who: dora, from: cleo}\n"
          "  - {expect: unmuted, who: bea, from: ann}\n"
          "  - {do: share-screen, who: cleo}\n"
          "  - {expect: seen, who: dora, from: cleo, stream: screen}\n",
      "t.yaml", {});
  if (!scenario) return scenario.error().message;
  std::string all;
  for (const auto& mistake : room_mistakes(*scenario))
    all += scenarios::text_of(mistake, "t.yaml") + "\n";
  return all;
}

TEST(ScenarioRoomLimits, SaysWhatARoomOfJanusDoesNotCarry) {
  EXPECT_EQ(mistakes("janus+wss://h/janus?room=1"),
            "t.yaml:14:10: steps[3].do: message: there are no data channels in a room of "
            "janus+wss:// (cleo is in one)\n"
            "t.yaml:15:10: steps[4].do: file: there are no data channels in a room of "
            "janus+wss:// (cleo is in one)\n"
            "t.yaml:16:14: steps[5].expect: file: there are no data channels in a room of "
            "janus+wss:// (dora is in one)\n"
            "t.yaml:18:14: steps[7].expect: muted: nobody is told who is muted in a room of "
            "janus+wss:// (dora is in one)\n");
}

TEST(ScenarioRoomLimits, ARoomOfCallbotHasItAll) { EXPECT_EQ(mistakes("wss://h/rooms/x"), ""); }

}  // namespace
}  // namespace callbot::bot
