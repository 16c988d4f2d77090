#include "bot/scenario_mistakes.h"

#include <gtest/gtest.h>

#include <set>

#include "pipelines/codecs.h"
#include "scenarios/schema.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

std::string mistakes(const std::string& text) {
  const auto scenario = scenarios::decode_scenario("callbot: 1\nname: t\n" + text, "t.yaml", {});
  if (!scenario) return scenario.error().message;
  const auto fine = can_run(*scenario);
  if (fine) return "";
  EXPECT_EQ(fine.error().code, Code::kUsage);
  return fine.error().message;
}

TEST(ScenarioMistakes, SaysWhatThisVersionDoesNotSend) {
  EXPECT_EQ(mistakes("media:\n"
                     "  cam: {video: {source: pattern}, audio: silence}\n"
                     "  big: {video: {source: screen, size: 2560x1440}}\n"
                     "actors: {a: {send: cam}, c: {send: big}}\n"
                     "load: {stages: [{who: c, for: 1s, to: 1}]}\n"
                     "steps:\n"
                     "  - {do: join, who: a}\n"
                     "  - {do: switch, who: a, size: 64x64}\n"),
            "t.yaml:5:39: media.big.video.size: 2560x1440: expected 160x90 to 1920x1920 of a "
            "pattern or a screen\n"
            "t.yaml:10:32: steps[1].size: 64x64: expected 160x90 to 1920x1920 of a pattern or a "
            "screen");
}

// What the schema offers to editors, --check takes and the encoders make; and nothing else.
TEST(ScenarioMistakes, TheSchemaOffersTheCodecsThatAreSent) {
  const auto offered = [](const char* def) {
    const Json names = scenarios::scenario_schema()
                           .at("$defs")
                           .at(def)
                           .at("properties")
                           .at("codec")
                           .at("anyOf")
                           .at(size_t{0})
                           .at("enum");
    std::set<std::string> out;
    for (size_t i = 0; i < names.size(); ++i) out.insert(names.at(i).text().value_or(""));
    return out;
  };
  const auto taken = [](const std::string& video, const std::string& audio, const std::string& to) {
    return mistakes("media: {m: {video: {source: pattern, codec: " + video +
                    "}, audio: {source: pattern, codec: " + audio +
                    "}}}\nactors: {a: {send: m}}\n"
                    "steps: [{do: join, who: a}, {do: switch, who: a, codec: " +
                    to + "}]\n") == "";
  };
  ASSERT_TRUE(taken("vp8", "opus", "vp8"));
  const auto video = offered("video"), audio = offered("audio"), to = offered("switch");
  for (const pipelines::Codec& codec : pipelines::codecs()) {
    const std::string name = codec.name;
    SCOPED_TRACE(name);
    EXPECT_EQ(taken(name, "opus", "vp8"), video.contains(name));
    EXPECT_EQ(taken("vp8", name, "vp8"), audio.contains(name));
    EXPECT_EQ(taken("vp8", "opus", name), to.contains(name));
    const bool made = codec.encoders[0] != nullptr;
    const bool picture = codec.kind == MediaKind::kVideo;
    EXPECT_EQ(video.contains(name), picture && made);
    EXPECT_EQ(to.contains(name), picture && made);
    EXPECT_TRUE(made || !audio.contains(name));
  }
  EXPECT_EQ(video, (std::set<std::string>{"h264", "vp8", "vp9"}));
  EXPECT_EQ(audio, std::set<std::string>{"opus"});
}

TEST(ScenarioMistakes, SaysWhoCannotSwitch) {
  const std::string head =
      "media: {cam: {video: pattern}, sound: {audio: silence}, in: {video: {file: '-'}}}\n"
      "actors: {a: {send: cam}, b: , c: {send: in}}\n"
      "steps:\n  - {do: join, who: '*'}\n  - {do: switch, ";
  EXPECT_EQ(mistakes(head + "who: a, size: 320x180, media: cam, codec: h264}\n"), "");
  EXPECT_EQ(mistakes(head + "who: b, size: 320x180}\n"),
            "t.yaml:7:23: steps[1].who: b sends nothing that could be switched");
  EXPECT_EQ(mistakes(head + "who: a, media: sound, codec: vp9}\n"),
            "t.yaml:7:23: steps[1].who: a sends no picture that could change its codec");
  EXPECT_EQ(mistakes(head + "who: a, media: sound}\n  - {do: switch, who: a, fps: 10}\n"),
            "t.yaml:8:23: steps[2].who: a sends no pattern whose size, frame rate or bit rate "
            "could change");
  EXPECT_EQ(mistakes(head + "who: c, codec: vp9}\n"),
            "t.yaml:7:23: steps[1].who: c sends standard input, whose codec cannot change");
}

TEST(ScenarioMistakes, StandardInputIsOnesAlone) {
  EXPECT_EQ(mistakes("media: {in: {audio: {file: '-'}}}\n"
                     "actors:\n  a: {send: in}\n  b: {send: in}\n"
                     "steps: [{do: join, who: '*'}]\n"),
            "t.yaml:6:13: actors.b.send: b reads standard input as a does: expected one actor");
}

TEST(ScenarioMistakes, SaysWhichFilesCannotBeRead) {
  const test::TempFolder folder;
  const std::string here = folder.path().string();
  ASSERT_TRUE(write_atomically(folder.path() / "words.txt", "no media at all"));
  const std::string said = mistakes(
      "media:\n"
      "  a: {audio: {file: [" +
      here + "/none.wav, " + here +
      "/words.txt]}}\n"
      "  b: {video: {file: " +
      here +
      "}}\n"
      "  unused: {video: {file: " +
      here +
      "/none.mp4}}\n"
      "rooms: {r: {url: 'ws://h/rooms/x', ca_file: " +
      here +
      "/none.pem}}\n"
      "actors:\n"
      "  a: {send: a}\n"
      "  b: {send: b, network: {up: {trace: none.trace}}}\n"
      "steps:\n"
      "  - {do: join, who: '*'}\n"
      "  - {do: file, who: a, path: " +
      here +
      "/words.txt}\n"
      "  - {do: file, who: a, path: " +
      here +
      "/none.bin}\n"
      "  - {run: [" +
      here +
      "/none]}\n"
      "  - {do: file, who: a, path: " +
      here + "/made.bin}\n");
  const std::string none = ": No such file or directory";
  std::string expected =
      "t.yaml:4:22: media.a.audio.file[0]: cannot read " + here + "/none.wav" + none;
  EXPECT_EQ(said.substr(0, expected.size()), expected);
  std::vector<std::string> begins;
  for (size_t at = 0; at < said.size();) {
    const size_t end = std::min(said.find('\n', at), said.size());
    begins.push_back(said.substr(at, said.find(": ", said.find(": ", at) + 2) - at));
    at = end + 1;
  }
  const auto column = [&](size_t more) { return std::to_string(here.size() + more); };
  EXPECT_EQ(begins, (std::vector<std::string>{
                        "t.yaml:4:22: media.a.audio.file[0]",
                        "t.yaml:4:" + column(33) + ": media.a.audio.file[1]",
                        "t.yaml:5:21: media.b.video.file", "t.yaml:7:45: rooms.r.ca_file",
                        "t.yaml:10:38: actors.b.network.up.trace", "t.yaml:14:30: steps[2].path",
                        "t.yaml:15:11: steps[3].run"}))
      << said;
}

TEST(ScenarioMistakes, StandBesideThoseOfTheFormat) {
  const auto scenario = scenarios::decode_scenario(
      "callbot: 1\nname: t\nmedia: {m: {audio: pattern, video: {fps: 120, size: 64x64}}}\n"
      "actors: {a: {send: m, browser: chromium, receive: audio}}\n"
      "steps: [{do: join, who: a}, {run: []}]\n",
      "t.yaml", {}, mistakes_of);
  ASSERT_FALSE(scenario);
  EXPECT_EQ(
      scenario.error().message,
      "t.yaml:3:42: media.m.video.fps: expected a whole number from 1 to 60\n"
      "t.yaml:3:53: media.m.video.size: 64x64: expected 160x90 to 1920x1920 of a pattern or a "
      "screen\n"
      "t.yaml:4:51: actors.a.receive: a browser receives all\n"
      "t.yaml:5:35: steps[1].run: expected a program");
}

// By the table of keys, and by who makes a line of it.
TEST(ScenarioMistakes, OfALineAreSaidOnce) {
  const auto scenario = scenarios::decode_scenario(
      "callbot: 1\nname: t\nactors:\n  bob: {network: {loss: 10}}\nsteps: [{do: join, who: bob}]\n",
      "t.yaml", {}, mistakes_of);
  ASSERT_FALSE(scenario);
  EXPECT_EQ(
      scenario.error().message,
      "t.yaml:4:25: actors.bob.network.loss: expected a share such as 10% or 0.1, from 0 to 1");
}

TEST(ScenarioMistakes, WhatAnotherProgramSendsLiesElsewhere) {
  EXPECT_EQ(mistakes("url: ws://h/rooms/x\nmedia: {m: {video: {file: /not/here.mp4}}}\n"
                     "actors: {a: {elsewhere: true, seed: 9, send: m}, b: }\n"
                     "steps: [{do: join, who: b}]\n"),
            "");
}

}  // namespace
}  // namespace callbot::bot
