// What the manifest says of pauses, markers and members that were left out.
#include <gmock/gmock.h>

#include "recordings/manifest.h"
#include "recordings/show.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kVideo = MediaKind::kVideo;

// Ten seconds of which four were paused: nothing of them was written.
void record_with_pause(Feed& feed, const std::string& participant, bool noted) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.says("alice", 0, MediaKind::kAudio, true);
  const auto video = make_video({.width = 192, .height = 108, .frames = 300, .key_every = 30});
  const auto sound = make_audio({.seconds = 10});
  const auto add = [&](TrackInfo info, EncodedFrames frames) {
    frames = without(std::move(frames), 2'990'000'000, 6'990'000'000);
    feed.add({std::move(info), std::move(frames)});
  };
  add(video_track(1, "alice"), video);
  add(audio_track(2, "alice"), sound);
  if (!noted) return;
  feed.at(3.0, [=](Recording& r) {
    r.note(
        {.kind = EventKind::kPaused, .participant = participant, .by = "ann", .policy = "slate"});
  });
  feed.at(7.0,
          [=](Recording& r) { r.note({.kind = EventKind::kResumed, .participant = participant}); });
}

TEST(History, APauseIsNotExpectedToBeRecorded) {
  for (const char* whose : {"", "alice"}) {
    Feed feed;
    record_with_pause(feed, whose, true);
    ASSERT_TRUE(feed.run(10));
    const Recorded r(feed.folder());
    ASSERT_THAT(r.manifest.pauses, SizeIs(1));
    const Pause& pause = r.manifest.pauses[0];
    EXPECT_EQ(pause.from_ns, 3'000'000'000);
    EXPECT_EQ(pause.to_ns, 7'000'000'000);
    EXPECT_EQ(pause.participant, whose);
    EXPECT_EQ(pause.policy, "slate");
    EXPECT_EQ(pause.by, "ann");
    const auto verdict = verify(feed.folder());
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->severity, Severity::kPass) << to_text(*verdict);
  }
}

TEST(History, TheSameHoleWithoutAPauseFails) {
  for (const char* whose : {"", "bob"}) {
    Feed feed;
    record_with_pause(feed, whose, whose[0] != 0);
    ASSERT_TRUE(feed.run(10));
    const auto verdict = verify(feed.folder());
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->severity, Severity::kFail) << "paused: " << whose;
  }
}

TEST(History, APauseWithoutEndLastsToTheEnd) {
  Feed feed;
  feed.at(1.0, [](Recording& r) { r.note({.kind = EventKind::kPaused, .policy = "cut"}); });
  feed.at(1.5, [](Recording& r) {
    r.note({.kind = EventKind::kPaused, .participant = "alice", .policy = "cut"});
  });
  feed.at(2.0, [](Recording& r) { r.note({.kind = EventKind::kPaused, .policy = "slate"}); });
  ASSERT_TRUE(feed.run(3));
  const Recorded r(feed.folder());
  ASSERT_THAT(r.manifest.pauses, SizeIs(2)) << "paused already";
  EXPECT_EQ(r.manifest.pauses[0].to_ns, 3'000'000'000);
  EXPECT_EQ(r.manifest.pauses[0].policy, "cut");
}

TEST(History, WhoIsExcludedIsNotExpected) {
  for (const bool noted : {true, false}) {
    Feed feed;
    feed.member("alice");
    feed.says("alice", 0, kVideo, true);
    feed.add({.info = video_track(1, "alice"), .frames = make_video(small_video(90)), .end = 3});
    if (noted)
      feed.at(3, [](Recording& r) {
        r.note({.kind = EventKind::kExcluded, .participant = "alice", .reason = "al*", .on = true});
      });
    ASSERT_TRUE(feed.run(9));
    const auto verdict = verify(feed.folder());
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->severity, noted ? Severity::kPass : Severity::kFail) << to_text(*verdict);
    if (!noted) continue;
    const Recorded r(feed.folder());
    const auto& excluded = r.manifest.participants[0].excluded;
    ASSERT_THAT(excluded, SizeIs(1));
    EXPECT_EQ(excluded[0].reason, "al*");
    EXPECT_EQ(excluded[0].to_ns, 9'000'000'000);
  }
}

TEST(History, MarkersAreKeptAndShown) {
  Feed feed;
  feed.member("alice");
  feed.at(1.5, [](Recording& r) {
    r.note({.kind = EventKind::kMarker, .participant = "alice", .text = "decision", .by = "ann"});
  });
  ASSERT_TRUE(feed.run(2));
  const Recorded r(feed.folder());
  ASSERT_THAT(r.manifest.markers, SizeIs(1));
  EXPECT_EQ(r.manifest.markers[0].at_ns, 1'500'000'000);
  EXPECT_EQ(r.manifest.markers[0].text, "decision");
  EXPECT_EQ(r.manifest.markers[0].by, "ann");
  EXPECT_EQ(r.manifest.markers[0].participant, "alice");
  EXPECT_THAT(*show(feed.folder()), HasSubstr("decision (ann)"));
}

}  // namespace
}  // namespace callbot::recordings
