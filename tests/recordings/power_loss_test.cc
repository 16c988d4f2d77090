// A machine that stops dead: everything that was not synced is gone, names of files included.
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <functional>

#include "base/clock.h"
#include "recordings/recording.h"
#include "recordings/repair.h"
#include "tests/support/feed.h"
#include "tests/support/forgetful_fs.h"
#include "tests/support/live_writer.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using namespace std::chrono_literals;

constexpr int64_t kSecond = 1'000'000'000;

struct Shared {
  std::atomic<int64_t> video{0};      // frames handed over
  std::atomic<int64_t> last_beat{0};  // finished
};

[[noreturn]] void record_for_ever(const fs::path& out, const EncodedFrames& video,
                                  const EncodedFrames& audio, std::chrono::milliseconds sync_every,
                                  Shared& shared) {
  RecordingConfig config;
  config.sync_every = sync_every;
  auto recording = Recording::create(Log("dead"), out, {.room = "dead"}, config);
  if (!recording) _exit(3);
  Recording& r = **recording;
  r.note({.kind = EventKind::kMemberJoined, .participant = "alice", .name = "alice"});
  (void)r.begin_track(video_track(1, "alice"));
  (void)r.begin_track(audio_track(2, "alice"));
  const int64_t start = monotonic_ns();
  size_t v = 0;
  size_t a = 0;
  const auto hand = [&](TrackId track, const EncodedFrame& f) {
    if (!r.write(track, arrived_now(f))) _exit(4);
  };
  for (int64_t beat = 1;; ++beat) {
    const int64_t now = beat * kBeatNs;
    sleep_until(start + now);
    for (; v < video.size() && video[v].time_ns <= now; ++v) hand(1, video[v]);
    for (; a < audio.size() && audio[a].time_ns <= now; ++a) hand(2, audio[a]);
    shared.video = static_cast<int64_t>(v);
    if (!r.beat()) _exit(5);
    shared.last_beat = monotonic_ns();
  }
}

bool eventually(const std::function<bool()>& holds) {
  for (const int64_t until = monotonic_ns() + 60 * kSecond; monotonic_ns() < until;) {
    if (holds()) return true;
    sleep_until(monotonic_ns() + kSecond / 100);
  }
  return false;
}

// The power fails once what was handed over by `frames` frames was flushed and synced.
void expect_synced_is_there(std::chrono::milliseconds sync_every) {
  ForgetfulFs disk;
  ASSERT_TRUE(disk.mounted()) << disk.needs();
  const auto video = make_video({.width = 128, .height = 96, .frames = 900});
  const auto audio = make_audio({.seconds = 30});
  const SharedBetweenProcesses<Shared> shared;
  const fs::path out = disk.path() / "recordings";
  fs::create_directories(out);
  sync_path(disk.path());
  const pid_t writer = fork();
  if (writer == 0) record_for_ever(out, video, audio, sync_every, *shared);
  EXPECT_TRUE(eventually([&] { return shared->video >= 45; }));
  const int64_t frames = shared->video;
  // A second on they are flushed; the sync that begins after that has them.
  const int64_t seen = monotonic_ns();
  EXPECT_TRUE(eventually([&] { return shared->last_beat > seen + kSecond; }));
  const uint64_t syncs = disk.syncs("alice-1.mkv");
  EXPECT_TRUE(eventually([&] { return disk.syncs("alice-1.mkv") >= syncs + 2; }));
  const uint64_t lines = disk.syncs("journal.jsonl");
  EXPECT_TRUE(eventually([&] { return disk.syncs("journal.jsonl") >= lines + 2; }));
  const int status = killed(writer);
  EXPECT_TRUE(WIFSIGNALED(status)) << "ended by itself: " << WEXITSTATUS(status);
  const int64_t handed = shared->video;
  disk.cut_power();

  ASSERT_FALSE(fs::is_empty(out)) << "not even the folder is there";
  const fs::path folder = fs::directory_iterator(out)->path();
  const auto report = repair(folder);
  ASSERT_TRUE(report) << report.error().message;
  const Recorded r(folder);
  EXPECT_EQ(r.manifest.state, "finished");
  const auto kept = counters(r.lane("alice", MediaKind::kVideo));
  EXPECT_EQ(kept, counting(0, static_cast<int64_t>(kept.size())));
  EXPECT_GE(static_cast<int64_t>(kept.size()), frames) << to_text(*report);
  EXPECT_LE(static_cast<int64_t>(kept.size()), handed);
}

// The power fails sooner than in life.
TEST(PowerLoss, WhatASyncSawIsThereAfterwards) { expect_synced_is_there(200ms); }

// As in life: some 12 s, for the syncs come from a thread of their own that goes by the machine's
// steady clock, which no test can put forward. It waits, and costs next to nothing.
TEST(PowerLoss, WhatASyncSawIsThereAfterwardsAtTheDocumentedBeat) {
  expect_synced_is_there(RecordingConfig().sync_every);
}

TEST(PowerLoss, AFinishedRecordingIsThereWhole) {
  ForgetfulFs disk;
  ASSERT_TRUE(disk.mounted()) << disk.needs();
  fs::path folder;
  {
    FakeClock clock(1'000 * kSecond, Feed::kStartWall);
    auto made = Recording::create(Log("dead"), disk.path(), {.room = "dead"});
    ASSERT_TRUE(made) << made.error().message;
    Recording& r = **made;
    folder = r.folder();
    ASSERT_TRUE(r.begin_track(video_track(1, "alice")));
    for (const EncodedFrame& f : make_video({.frames = 60})) {
      Frame frame = arrived_now(f);
      frame.owner = std::make_shared<std::vector<uint8_t>>(f.bytes);
      frame.bytes = *std::static_pointer_cast<const std::vector<uint8_t>>(frame.owner);
      ASSERT_TRUE(r.write(1, frame));
      ASSERT_TRUE(r.beat());
      clock.advance(std::chrono::nanoseconds(kSecond / 30));
    }
    auto file = r.receive_file({.participant = "alice", .name = "notes.txt", .size = 5});
    ASSERT_TRUE(file && (*file)->append("hello"));
    (*file)->end("", {});
    ASSERT_TRUE(r.finish());
  }
  disk.cut_power();
  const auto report = repair(folder);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->changed) << to_text(*report);
  EXPECT_EQ(read_file(folder / "files/notes.txt", 100).value_or(""), "hello");
  EXPECT_EQ(counters(Recorded(folder).lane("alice", MediaKind::kVideo)), counting(0, 60));
}

}  // namespace
}  // namespace callbot::recordings
