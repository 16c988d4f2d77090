#include "bot/scenario_page_limits.h"

#include <gmock/gmock.h>

namespace callbot::bot {
namespace {

using ::testing::HasSubstr;

std::string mistakes(const std::string& text) {
  const auto scenario = scenarios::decode_scenario("callbot: 1\nname: t\n" + text, "t.yaml", {});
  if (!scenario) return scenario.error().message;
  std::string all;
  for (const scenarios::Actor& actor : scenario->actors) {
    if (actor.browser.empty()) continue;
    for (const auto& mistake : page_mistakes(*scenario, actor))
      all += scenarios::text_of(mistake, "t.yaml") + "\n";
  }
  return all;
}

TEST(ScenarioPageLimits, SaysAllReasonsWithTheirPlaces) {
  EXPECT_EQ(mistakes("rooms: {r: {url: 'https://h/whip', ca_file: ca.pem}}\n"
                     "media: {odd: {video: screen, audio: silence}}\n"
                     "actors:\n"
                     "  page: {count: 2, browser: firefox, send: odd, receive: audio,\n"
                     "         network: 3g}\n"
                     "  bot:\n"
                     "steps:\n"
                     "  - {do: join, who: '*'}\n"
                     "  - {do: network, who: page-2, set: 3g}\n"
                     "  - {do: share-screen, who: '*'}\n"
                     "  - {do: message, who: page, to: bot, text: hello}\n"
                     "  - {do: switch, who: bot, size: 320x180}\n"),
            "t.yaml:6:29: actors.page.browser: a browser joins rooms of callbot serve "
            "(ws://HOST/rooms/NAME)\n"
            "t.yaml:6:29: actors.page.browser: its room has a ca_file, which a browser takes not; "
            "insecure does\n"
            "t.yaml:6:58: actors.page.receive: a browser receives all\n"
            "t.yaml:7:19: actors.page.network: a browser has a network only among bots: what it "
            "exchanges with page goes its own way\n"
            "t.yaml:6:44: actors.page.send: video of a browser is the pattern or one .y4m or "
            ".mjpeg file that repeats, from its beginning\n"
            "t.yaml:6:44: actors.page.send: audio of a browser is the pattern or one .wav file "
            "that repeats, from its beginning\n"
            "t.yaml:12:10: steps[2].do: share-screen: a Firefox without a window has no screen to "
            "share; Chromium has (page is one)\n"
            "t.yaml:13:34: steps[3].to: a browser writes to everybody (page is one)\n");
}

TEST(ScenarioPageLimits, TakesWhatAPageCan) {
  const auto sending = [](const std::string& media) {
    return mistakes("media: {m: " + media +
                    "}\nactors: {page: {browser: firefox, send: m}, bot: }\n"
                    "steps:\n  - {do: join, who: '*'}\n"
                    "  - {do: message, who: page, text: hello}\n");
  };
  EXPECT_EQ(sending("{video: pattern}"), "");
  EXPECT_EQ(sending("{video: {file: a.mjpeg}, audio: {file: a.wav}}"), "");
  EXPECT_THAT(sending("{video: {file: a.mp4}}"), HasSubstr(".y4m or .mjpeg"));
  EXPECT_THAT(sending("{audio: {file: a.wav, loop: false}}"), HasSubstr(".wav file that repeats"));
  EXPECT_THAT(sending("{video: {file: a.y4m, at: 2s}}"), HasSubstr("from its beginning"));
}

TEST(ScenarioPageLimits, ItsScreenIsInItsCamerasPlace) {
  const auto steps = [](const std::string& text, const std::string& actor = "send: m") {
    return mistakes(
        "media: {m: {video: pattern, audio: pattern}, slides: {video: screen}}\n"
        "actors: {page: {count: 2, browser: chromium, " +
        actor + "}, bot: {send: m}}\nsteps:\n  - {do: join, who: '*'}\n" + text);
  };
  const std::string share = "  - {do: share-screen, who: page-1}\n";
  const std::string unshare = "  - {do: unshare-screen, who: page-1}\n";
  const std::string off = "  - {do: camera-off, who: page-1}\n";
  EXPECT_EQ(steps(off + share + "  - {do: mute, who: page}\n" + unshare + off), "");
  EXPECT_EQ(steps(share +
                  "  - {do: camera-off, who: page-2}\n  - {do: leave, who: page}\n"
                  "  - {do: join, who: page}\n" +
                  off),
            "");
  EXPECT_THAT(steps(share + off), HasSubstr("steps[2].do: camera-off: a browser's screen is in its "
                                            "camera's place until unshare-screen (page is one)"));
  EXPECT_THAT(steps(share + "  - {do: mute, who: '*', what: video}\n"),
              HasSubstr("steps[2].do: mute: a browser's screen"));
  EXPECT_THAT(steps("  - {do: share-screen, who: '*', media: slides}\n"),
              HasSubstr("steps[1].media: a browser shares a screen of its own (page is one)"));
  EXPECT_THAT(steps(share, "verify: all"),
              HasSubstr("steps[1].do: share-screen: a browser shares it in its camera's place, and "
                        "has no camera (page is one)"));
}

TEST(ScenarioPageLimits, ItsNetworkIsAtTheBotsItMeets) {
  const auto with = [](const std::string& actors, const std::string& step = "") {
    return mistakes("rooms: {r: {url: embedded}, other: {url: embedded}}\nactors:\n" + actors +
                    "steps:\n  - {do: join, who: '*'}\n" + step);
  };
  const std::string page = "  page: {browser: chromium, network: 3g, room: r}\n";
  EXPECT_EQ(with(page + "  bot: {count: 3, room: r}\n"), "");
  EXPECT_EQ(with(page + "  bot: {room: other, network: 4g}\n"), "");
  EXPECT_EQ(with("  page: {browser: chromium, room: r}\n  bot: {room: r, network: 4g}\n"), "");
  EXPECT_THAT(with(page + "  bot: {room: r, network: 4g}\n"),
              HasSubstr("t.yaml:5:38: actors.page.network: a browser has a network only where bots "
                        "have none: bot has one"));
  EXPECT_THAT(with(page + "  bot: {room: r}\n", "  - {do: network, who: '*', set: 4g}\n"),
              HasSubstr("bot has one"));
  EXPECT_THAT(with(page + "  fox: {browser: firefox, room: r}\n"), HasSubstr("with fox"));
  EXPECT_THAT(
      mistakes("rooms: {r: {url: 'ws://h/rooms/x'}, same: {url: 'ws://h/rooms/x', token: t}}\n"
               "actors:\n" +
               page +
               "  bot: {room: same, network: 4g}\n"
               "steps: [{do: join, who: '*'}]\n"),
      HasSubstr("bot has one"));
  EXPECT_THAT(with("  page: {browser: chromium, room: r}\n  fox: {browser: firefox, room: r}\n",
                   "  - {do: network, who: page, set: 4g}\n"),
              HasSubstr("actors.page.browser: a browser has a network only among bots"));
}

TEST(ScenarioPageLimits, KnowsThePageOfARoom) {
  const auto place = page_place_of("wss://h:1/rooms/x");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->page, "https://h:1");
  EXPECT_EQ(place->room, "x");
  EXPECT_FALSE(page_place_of("https://h/whip"));
}

}  // namespace
}  // namespace callbot::bot
