// A recording that goes on in its folder after its process was killed, or after it had ended.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/files.h"
#include "recordings/repair.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMonotonic = 7'000 * kSecond;  // of another boot

// The folder's last sign of life, on the call's clock.
void touch(const fs::path& folder, int64_t wall_ns) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const timespec t{wall_ns / kSecond, wall_ns % kSecond};
    const timespec both[2] = {t, t};
    ASSERT_EQ(utimensat(AT_FDCWD, entry.path().c_str(), both, 0), 0);
  }
}

class Resume : public ::testing::Test {
 protected:
  // Four seconds of a call with alice, and what became of it.
  void record(bool finish) {
    feed_.member("alice");
    feed_.says("alice", 0, kVideo, true);
    feed_.says("alice", 0, kAudio, true);
    feed_.add({video_track(1, "alice"), make_video({.frames = 120})});
    feed_.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
    ASSERT_TRUE(feed_.run(4.1, finish));
    feed_.drop();
    touch(feed_.folder(), Feed::kStartWall + 4 * kSecond + kSecond / 10);
  }

  // Goes on for four seconds, `gap` seconds after the other one stopped; with the same track ids.
  void go_on(double gap, const std::string& reason = "restarted") {
    FakeClock clock(kMonotonic, Feed::kStartWall + 4 * kSecond + kSecond / 10 +
                                    static_cast<int64_t>(gap * 1e9));
    auto made = Recording::resume(Log("test"), feed_.folder(), reason);
    ASSERT_TRUE(made) << made.error().message;
    Recording& r = **made;
    EXPECT_THAT(r.participants(), UnorderedElementsAre(std::pair("alice", "alice")));
    r.note({.kind = EventKind::kMemberJoined, .participant = "alice", .name = "alice"});
    for (const MediaKind kind : {kVideo, kAudio})
      r.note({.kind = EventKind::kState, .participant = "alice", .media = kind, .on = true});
    const auto video = make_video({.frames = 120, .first_counter = 500});
    const auto audio = make_audio({.seconds = 4});
    ASSERT_TRUE(r.begin_track(video_track(1, "alice")));
    ASSERT_TRUE(r.begin_track(audio_track(2, "alice")));
    size_t a = 0;
    for (const EncodedFrame& f : video) {
      for (; a < audio.size() && audio[a].time_ns <= f.time_ns; ++a)
        ASSERT_TRUE(r.write(2, frame(audio[a])));
      ASSERT_TRUE(r.write(1, frame(f)));
      ASSERT_TRUE(r.beat());
      clock.advance(std::chrono::nanoseconds(kSecond / 30));
    }
    EXPECT_EQ(r.stats().tracks.size(), 2u);
    EXPECT_EQ(r.stats().tracks[0].info.id, 1u);
    ASSERT_TRUE(r.finish());
  }
  static Frame frame(const EncodedFrame& f) { return arrived(f, kMonotonic + f.time_ns); }

  void expect_one_recording_of_two_parts(double gap) {
    const Recorded r(feed_.folder());
    EXPECT_EQ(r.manifest.state, "finished");
    ASSERT_EQ(r.manifest.participants.size(), 1u);
    EXPECT_EQ(r.manifest.participants[0].present.size(), 2u);
    EXPECT_THAT(r.files(), ElementsAre("media/alice-1.mkv", "media/alice-2.mkv"));
    std::vector<TrackId> ids;
    for (const Track& t : r.manifest.tracks) {
      ids.push_back(t.id);
      EXPECT_TRUE(t.to_ns);
      EXPECT_GT(t.frames, 100u);
    }
    EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4));
    ASSERT_EQ(r.manifest.interruptions.size(), 1u);
    const Span& span = r.manifest.interruptions[0];
    EXPECT_EQ(span.reason, "restarted");
    EXPECT_NEAR(static_cast<double>(span.from_ns) / 1e9, 4.1, 0.001);
    EXPECT_NEAR(static_cast<double>(*span.to_ns) / 1e9, 4.1 + gap, 0.01);
    EXPECT_NEAR(static_cast<double>(r.manifest.media[1].offset_ns) / 1e9, 4.1 + gap, 0.01);
    for (const MediaFileFacts& f : r.manifest.media)
      EXPECT_EQ(f.sha256, *sha256_file(feed_.folder() / f.path)) << f.path;
    auto expected = counting(0, 120);
    const auto later = counting(500, 120);
    expected.insert(expected.end(), later.begin(), later.end());
    EXPECT_EQ(counters(r.lane("alice", kVideo)), expected);
    const auto verdict = verify(feed_.folder());
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->severity, Severity::kPass) << to_text(*verdict);
    EXPECT_FALSE(repair(feed_.folder())->changed);
  }

  Feed feed_;
};

TEST_F(Resume, AfterAKillItGoesOnInTheSameFolder) {
  record(false);
  go_on(3.5);
  expect_one_recording_of_two_parts(3.5);
}

TEST_F(Resume, AfterItsEndToo) {
  record(true);
  go_on(2);
  expect_one_recording_of_two_parts(2);
}

TEST_F(Resume, TheManifestFollowsFromTheJournal) {
  record(false);
  go_on(2);
  const auto manifest = load(feed_.folder())->manifest;
  ASSERT_TRUE(fs::remove(feed_.folder() / "manifest.json"));
  auto again = load(feed_.folder())->manifest;
  again.facts = manifest.facts;
  EXPECT_EQ(to_text(again), to_text(manifest));
}

TEST_F(Resume, AWallClockThatWasSetBackLeadsNowhere) {
  record(false);
  go_on(-3);
  expect_one_recording_of_two_parts(0);
}

TEST_F(Resume, WhoStillWritesIsNotDisturbed) {
  feed_.member("alice");
  ASSERT_TRUE(feed_.run(0.5, false));
  const auto second = Recording::resume(Log("test"), feed_.folder(), "restarted");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kDenied);
}

TEST_F(Resume, KilledOnceMoreItIsRepairedAsOne) {
  record(false);
  {
    FakeClock clock(kMonotonic, Feed::kStartWall + 8 * kSecond);
    auto made = Recording::resume(Log("test"), feed_.folder(), "restarted");
    ASSERT_TRUE(made) << made.error().message;
    made->reset();
  }
  const auto report = repair(feed_.folder());
  ASSERT_TRUE(report) << report.error().message;
  const Recorded r(feed_.folder());
  EXPECT_EQ(r.manifest.state, "finished");
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(0, 120));
  EXPECT_EQ(r.manifest.interruptions.size(), 1u);
  ASSERT_EQ(r.manifest.tracks.size(), 2u);
  EXPECT_EQ(r.manifest.tracks[0].frames, 120u);
}

// Who asked for a pause did not take it back by our dying, nor by a repair.
TEST_F(Resume, APauseGoesOn) {
  for (const bool repaired : {false, true}) {
    Feed feed;
    feed.member("alice");
    feed.at(1, [](Recording& r) {
      r.note({.kind = EventKind::kPaused, .by = "ann", .policy = "slate"});
    });
    feed.at(1, [](Recording& r) {
      r.note({.kind = EventKind::kFilter, .pattern = "bot-*", .include = false});
    });
    feed.add({audio_track(1, "alice"), make_audio({.seconds = 2})});
    ASSERT_TRUE(feed.run(2, false));
    feed.drop();
    if (repaired) {
      ASSERT_TRUE(repair(feed.folder()));
    }
    auto made = Recording::resume(Log("test"), feed.folder(), "restarted");
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ((*made)->asked().pauses.size(), 1u);
    EXPECT_EQ((*made)->asked().pauses[0].policy, "slate");
    EXPECT_EQ((*made)->asked().rules, (std::vector<Asked::Rule>{{"bot-*", false}}));
    EXPECT_GT((*made)->stats().bytes, 1000u) << "what was there before counts";
    EXPECT_EQ((*made)->stats().files.size(), 1u);
    made->reset();
    const auto loaded = load(feed.folder());
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->manifest.pauses.size(), 1u);
    EXPECT_EQ(loaded->manifest.pauses[0].to_ns.has_value(), repaired);
  }
}

// Nothing came in between: one gap, not two.
TEST_F(Resume, TwoRestartsInARowAreOneGap) {
  record(false);
  {
    FakeClock clock(kMonotonic, Feed::kStartWall + 5 * kSecond);
    auto made = Recording::resume(Log("test"), feed_.folder(), "restarted");
    ASSERT_TRUE(made) << made.error().message;
    made->reset();
  }
  touch(feed_.folder(), Feed::kStartWall + 5 * kSecond);
  go_on(3.5);
  expect_one_recording_of_two_parts(3.5);
}

TEST_F(Resume, WhatIsNoRecordingIsRefused) {
  TempFolder folder;
  const auto made = Recording::resume(Log("test"), folder.path(), "restarted");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kBadInput);
}

}  // namespace
}  // namespace callbot::recordings
