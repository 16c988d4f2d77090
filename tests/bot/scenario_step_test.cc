#include "bot/scenario_step.h"

#include <gtest/gtest.h>

#include "scenarios/decode.h"

namespace callbot::bot {
namespace {

TEST(ScenarioStep, SaysWhatThisVersionCannotRun) {
  const auto scenario = scenarios::decode_scenario(
      "callbot: 1\nname: t\nmedia: {cam: {video: {source: pattern, fps: 29.97}, audio: silence},"
      " pcm: {audio: {source: pattern, codec: pcmu}}, sound: {audio: silence}}\n"
      "actors: {a: {send: cam, network: 3g}, b: {browser: firefox, receive: audio}, c: }\n"
      "load: {stages: [{who: c, for: 1s, to: 1}]}\nsteps:\n  - {do: join, who: '*'}\n"
      "  - {do: switch, who: a, codec: h264}\n  - {do: switch, who: a, media: sound, codec: vp9}\n "
      " - {do: network, who: a, set: clean}\n",
      "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  const std::string no = ": this version does not run that yet";
  EXPECT_EQ(cannot_run(*scenario),
            "t.yaml: media.cam.video.fps: 29.97" + no + "\nt.yaml: media.pcm.audio.codec: pcmu" +
                no + "\nt.yaml: actors.b.receive: a browser receives all" + no +
                "\nt.yaml:9:5: steps[2]: switch: codec: without a picture" + no);
}

}  // namespace
}  // namespace callbot::bot
