// What a full disk and a folder that goes away leave behind; for kills see kill_test.cc.
#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/recording.h"
#include "tests/support/feed.h"
#include "tests/support/live_writer.h"
#include "tests/support/most_file_size.h"
#include "tests/support/recorded.h"
#include "tests/support/small_disk.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;

constexpr auto kVideo = MediaKind::kVideo;

// Writes at the pace of the frames' own clock until the recording refuses.
Result<> write_frames(Recording& r, FakeClock& clock, const EncodedFrames& video,
                      const std::function<void(int)>& each = {}) {
  Result<> first = r.begin_track(video_track(1, "alice"));
  int n = 0;
  for (const EncodedFrame& f : video) {
    clock.advance(std::chrono::milliseconds(33));
    if (each) each(n++);
    if (first) first = r.write(1, arrived_now(f));
    if (first) first = r.beat();
  }
  return first;
}

void expect_kept(const fs::path& folder, const Result<>& written, size_t at_least,
                 const char* words) {
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kStorage);
  EXPECT_THAT(written.error().message, HasSubstr(words));
  const Recorded r(folder);
  const auto seen = counters(r.lane("alice", kVideo));
  EXPECT_EQ(seen, counting(0, static_cast<int64_t>(seen.size())));
  EXPECT_GT(seen.size(), at_least);
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
  EXPECT_EQ(r.manifest.state, "failed");
  ASSERT_TRUE(r.manifest.ending);
  EXPECT_EQ(r.manifest.ending->reason, "error");
  EXPECT_THAT(r.manifest.ending->text, HasSubstr(words));
}

TEST(Crash, AFullDiskEndsTheRecordingAndKeepsWhatIsWritten) {
  SmallDisk disk("size=1m");
  if (!disk.mounted()) GTEST_FAIL() << disk.needs();
  const auto video = make_video({.width = 640, .height = 360, .frames = 600});
  FakeClock clock(1'000'000'000, Feed::kStartWall);
  auto r = Recording::create(Log("full"), disk.path(), {.room = "full"});
  ASSERT_TRUE(r) << r.error().message;
  const auto written = write_frames(**r, clock, video);
  EXPECT_FALSE((*r)->finish());
  const auto folder = (*r)->folder();
  r->reset();
  expect_kept(folder, written, 60, "No space left");
}

// The same without a mount: the kernel refuses to let any file grow beyond a limit.
TEST(Crash, AFileThatMayNotGrowEndsTheRecordingAndKeepsWhatIsWritten) {
  const auto video = make_video({.width = 640, .height = 360, .frames = 600});
  FakeClock clock(1'000'000'000, Feed::kStartWall);
  TempFolder out;
  std::optional<MostFileSize> limit(512 * 1024);
  auto r = Recording::create(Log("limit"), out.path(), {.room = "limit"});
  const auto written = r ? write_frames(**r, clock, video) : Result<>();
  if (r) (void)(*r)->finish();
  limit.reset();
  ASSERT_TRUE(r) << r.error().message;
  expect_kept((*r)->folder(), written, 60, "File too large");
}

TEST(Crash, AFolderThatGoesAwayIsNoticed) {
  const auto video = make_video({.frames = 90});
  FakeClock clock(1'000'000'000, Feed::kStartWall);
  TempFolder out;
  auto r = Recording::create(Log("gone"), out.path(), {.room = "gone"});
  ASSERT_TRUE(r);
  const auto written = write_frames(**r, clock, video, [&](int n) {
    if (n == 40) fs::remove_all((*r)->folder());
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kStorage);
  EXPECT_THAT(written.error().message, HasSubstr("removed while it was written"));
  EXPECT_FALSE((*r)->finish());
  EXPECT_TRUE((*r)->stats().error);
}

TEST(Crash, OneThatFailsLeavesTheOthersWhole) {
  const auto video = make_video({.frames = 90});
  FakeClock clock(1'000'000'000, Feed::kStartWall);
  TempFolder out;
  auto bad = Recording::create(Log("bad"), out.path(), {.room = "bad"});
  auto good = Recording::create(Log("good"), out.path(), {.room = "good"});
  ASSERT_TRUE(bad && good);
  (void)(*bad)->begin_track(video_track(1, "alice"));
  const auto written = write_frames(**good, clock, video, [&](int n) {
    if (n == 30) fs::remove_all((*bad)->folder());
    (void)(*bad)->write(1, arrived_now(video[static_cast<size_t>(n)]));
    (void)(*bad)->beat();
  });
  EXPECT_TRUE(written);
  EXPECT_TRUE((*good)->finish());
  EXPECT_FALSE((*bad)->finish());
  EXPECT_EQ(counters(Recorded((*good)->folder()).lane("alice", kVideo)), counting(0, 90));
}

TEST(Crash, AFolderThatCannotBeWrittenIsRefusedAtOnce) {
  const auto in_a_file = Recording::create(Log("no"), "/proc/version/x", {.room = "x"});
  ASSERT_FALSE(in_a_file);
  EXPECT_EQ(in_a_file.error().code, Code::kStorage);
  const auto in_proc = Recording::create(Log("no"), "/proc", {.room = "x"});
  ASSERT_FALSE(in_proc);
  EXPECT_EQ(in_proc.error().code, Code::kStorage);
}

TEST(Crash, ADiskThatIsFullFromTheBeginningIsRefusedAtOnce) {
  SmallDisk disk("size=64k");
  if (!disk.mounted()) GTEST_FAIL() << disk.needs();
  const auto r = Recording::create(Log("full"), disk.path(), {.room = "full"});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Code::kStorage);
  EXPECT_THAT(r.error().message, HasSubstr("No space left"));
}

}  // namespace
}  // namespace callbot::recordings
