#include "recordings/speech.h"

#include <gmock/gmock.h>

#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMs = 1'000'000;
constexpr AudioLevel kLoud{20, true};
constexpr AudioLevel kQuiet{70, false};

// Packets of 20 ms, one character each: '#' loud, '.' quiet, ' ' none. What has ended, in ms.
std::vector<std::pair<int64_t, int64_t>> spans(const std::string& packets) {
  SpeechDetector speech;
  std::vector<std::pair<int64_t, int64_t>> ended;
  const auto take = [&](const std::optional<SpeechDetector::Span>& span) {
    if (span && span->to_ns) ended.emplace_back(span->from_ns / kMs, *span->to_ns / kMs);
  };
  int64_t now = 0;
  for (const char c : packets) {
    if (c == ' ')
      take(speech.quiet(now));
    else
      take(speech.heard(c == '#' ? kLoud : kQuiet, now));
    now += 20 * kMs;
  }
  take(speech.finish());
  return ended;
}

std::string times(int n, char c) { return std::string(static_cast<size_t>(n), c); }

TEST(Speech, ASpanGoesFromTheFirstLoudPacketToTheLast) {
  EXPECT_THAT(spans(times(10, '.') + times(50, '#') + times(50, '.')),
              testing::ElementsAre(std::pair(200, 1200)));
}

TEST(Speech, AClickIsNoSpeech) {
  EXPECT_THAT(spans(times(5, '.') + "##" + times(60, '.')), IsEmpty());
}

TEST(Speech, ABreathDoesNotEndIt) {
  EXPECT_THAT(spans(times(30, '#') + times(25, '.') + times(30, '#') + times(40, '.')), SizeIs(1));
  EXPECT_THAT(spans(times(30, '#') + times(35, '.') + times(30, '#') + times(40, '.')), SizeIs(2));
}

TEST(Speech, NoPacketsEndItAsQuietOnesDo) {
  EXPECT_THAT(spans(times(30, '#') + times(40, ' ')), testing::ElementsAre(std::pair(0, 600)));
}

TEST(Speech, WhatTheSenderDoesNotTakeForVoiceIsNone) {
  SpeechDetector speech;
  EXPECT_FALSE(speech.heard({20, true}, 0));
  for (int i = 1; i < 30; ++i) EXPECT_FALSE(speech.heard({20, false}, i * 20 * kMs)) << i;
}

TEST(Speech, ASenderThatNeverSaysVoiceIsJudgedByItsLevel) {
  SpeechDetector speech;
  bool began = false;
  for (int i = 0; i < 10; ++i) began = began || speech.heard({20, false}, i * 20 * kMs).has_value();
  EXPECT_TRUE(began);
}

// A second of speech at 1 s and at 4 s.
std::optional<AudioLevel> talking(const EncodedFrame& f) {
  const int64_t second = f.time_ns / 1'000'000'000;
  return second == 1 || second == 4 ? kLoud : kQuiet;
}

TEST(Speech, OfARecordingIsInItsManifestAndJournal) {
  Feed feed;
  feed.member("alice");
  feed.member("bob");
  feed.add(
      {.info = audio_track(1, "alice"), .frames = make_audio({.seconds = 7}), .level = talking});
  feed.add({audio_track(2, "bob"), make_audio({.seconds = 7})});  // says no levels
  ASSERT_TRUE(feed.run(7.1));
  const Recorded r(feed.folder());
  const auto& spoke = r.manifest.participants[0].spoke;
  ASSERT_THAT(spoke, SizeIs(2));
  EXPECT_NEAR(static_cast<double>(spoke[0].from_ns), 1e9, 5e6);
  EXPECT_NEAR(static_cast<double>(*spoke[0].to_ns), 2e9, 5e6);
  EXPECT_NEAR(static_cast<double>(spoke[1].from_ns), 4e9, 5e6);
  EXPECT_NEAR(static_cast<double>(*spoke[1].to_ns), 5e9, 5e6);
  EXPECT_THAT(r.manifest.participants[1].spoke, IsEmpty());
  EXPECT_THAT(r.of_kind(EventKind::kSpeech), SizeIs(4)) << "each began and ended";
}

TEST(Speech, OfARecordingThatWasCutOffFollowsFromItsJournal) {
  Feed feed;
  feed.member("alice");
  feed.add(
      {.info = audio_track(1, "alice"), .frames = make_audio({.seconds = 5}), .level = talking});
  ASSERT_TRUE(feed.run(4.6, false));
  feed.drop();
  const Recorded r(feed.folder());
  const auto& spoke = r.manifest.participants[0].spoke;
  ASSERT_THAT(spoke, SizeIs(2));
  EXPECT_FALSE(spoke[1].to_ns) << "it was speaking";
}

}  // namespace
}  // namespace callbot::recordings
