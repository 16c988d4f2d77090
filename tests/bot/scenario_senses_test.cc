#include "bot/scenario_senses.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

using quality::PresenceSpan;

const std::vector<PresenceSpan> kSpans = {
    {"alice", "camera", MediaKind::kVideo, 1, 100, 200},
    {"alice", "screen", MediaKind::kVideo, 1, 400, 500},
    {"alice", "camera", MediaKind::kVideo, 3, 600, 650},
    {"alice", "microphone", MediaKind::kAudio, std::nullopt, 100, 300},
};

Sensed sight(const std::string& from, uint16_t source, const std::string& stream = "") {
  return {from, source, MediaKind::kVideo, stream};
}
Sensed sound(const std::string& from) { return {from, 1, MediaKind::kAudio, ""}; }

TEST(ScenarioSenses, SeenIsWhoseMarksWereRead) {
  EXPECT_EQ(sensed_since(kSpans, sight("alice", 1), 0), 500);
  EXPECT_EQ(sensed_since(kSpans, sight("alice", 1), 500), 500);
  EXPECT_EQ(sensed_since(kSpans, sight("alice", 1), 501), std::nullopt);
  EXPECT_EQ(sensed_since(kSpans, sight("alice", 1, "camera"), 150), 200);
  EXPECT_EQ(sensed_since(kSpans, sight("alice", 1, "camera"), 201), std::nullopt);
  // In whoever's stream.
  EXPECT_EQ(sensed_since(kSpans, sight("carol", 3), 0), 650);
  EXPECT_EQ(sensed_since(kSpans, sight("bob", 2), 0), std::nullopt);
}

TEST(ScenarioSenses, WhatAnEchoSendsIsTheEchos) {
  const std::vector<PresenceSpan> spans = {{"echo", "camera", MediaKind::kVideo, 1, 100, 200}};
  Sensed alice = sight("alice", 1), echo = sight("echo", 1);
  echo.in_his_own = true;
  EXPECT_EQ(sensed_since(spans, echo, 0), 200);
  EXPECT_EQ(sensed_since(spans, alice, 0), 200) << "somebody else's stream";
  alice.echoes = {"echo"};
  EXPECT_EQ(sensed_since(spans, alice, 0), std::nullopt);
}

TEST(ScenarioSenses, HeardIsWhoseTrackSounds) {
  EXPECT_EQ(sensed_since(kSpans, sound("alice"), 250), 300);
  EXPECT_EQ(sensed_since(kSpans, sound("alice"), 301), std::nullopt);
  EXPECT_EQ(sensed_since(kSpans, sound("bob"), 0), std::nullopt);
}

TEST(ScenarioSenses, AStrangerIsInSomebodyElsesStream) {
  EXPECT_EQ(stranger_since(kSpans, sight("alice", 1), 0), 3);
  EXPECT_EQ(stranger_since(kSpans, sight("alice", 1), 651), std::nullopt);
  EXPECT_EQ(stranger_since(kSpans, sight("alice", 1, "screen"), 0), std::nullopt);
  EXPECT_EQ(stranger_since(kSpans, sight("bob", 2), 0), std::nullopt);
  EXPECT_EQ(stranger_since(kSpans, sound("alice"), 0), std::nullopt);
}

TEST(ScenarioSenses, FirstDecodedSinceSheCame) {
  const std::vector<quality::FirstDecoded> decoded = {
      {"alice", "camera", MediaKind::kVideo, 100}, {"alice", "microphone", MediaKind::kAudio, 90}};
  EXPECT_TRUE(decoded_since(decoded, sight("alice", 1), 100));
  EXPECT_FALSE(decoded_since(decoded, sight("alice", 1), 101)) << "she was here before";
  EXPECT_FALSE(decoded_since(decoded, sight("alice", 1, "screen"), 0));
  EXPECT_TRUE(decoded_since(decoded, sound("alice"), 0));
  EXPECT_FALSE(decoded_since(decoded, sound("bob"), 0));
}

TEST(ScenarioSenses, LooksCountWhereTheyTouchTheTime) {
  const std::vector<PresenceSpan> looks = {
      {"alice", "camera", MediaKind::kVideo, std::nullopt, 100, 200}};
  EXPECT_TRUE(looked_at(looks, sight("alice", 1), 150, 400));
  EXPECT_FALSE(looked_at(looks, sight("alice", 1), 200, 400));
  EXPECT_FALSE(looked_at(looks, sight("alice", 1), 0, 100));
  EXPECT_FALSE(looked_at(looks, sound("alice"), 0, 400));
}

TEST(ScenarioSenses, WhoseMarksTheyAreIsSaidAsFarAsItIsKnown) {
  const std::string bob = "bob";
  EXPECT_EQ(source_text(7, &bob), "bob");
  EXPECT_EQ(source_text(7, nullptr), "source 7");
  EXPECT_EQ(source_text(quality::kStranger, nullptr), "somebody else");
}

}  // namespace
}  // namespace callbot::bot
