#include "bot/scenario_step.h"

#include <gtest/gtest.h>

#include "scenarios/decode.h"

namespace callbot::bot {
namespace {

TEST(ScenarioStep, SaysWhatThisVersionCannotRun) {
  const auto scenario = scenarios::decode_scenario(
      "callbot: 1\nname: t\nmedia: {cam: {video: {source: pattern, fps: 29.97}, audio: silence},"
      " pcm: {audio: {source: pattern, codec: pcmu}}}\n"
      "actors: {a: {send: cam, network: 3g}, b: {browser: firefox}, c: }\n"
      "load: {stages: [{who: c, for: 1s, to: 1}]}\nsteps:\n  - {do: join, who: '*'}\n"
      "  - {do: switch, who: a, codec: h264}\n  - {do: network, who: a, set: clean}\n",
      "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  const std::string no = ": this version does not run that yet";
  EXPECT_EQ(cannot_run(*scenario), "t.yaml: media.cam.video.fps: 29.97" + no +
                                       "\nt.yaml: media.pcm.audio.codec: pcmu" + no +
                                       "\nt.yaml: actors.b.browser" + no +
                                       "\nt.yaml:8:5: steps[1]: switch: codec" + no);
}

}  // namespace
}  // namespace callbot::bot
