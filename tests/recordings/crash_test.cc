// What a kill, a full disk and a folder that goes away leave behind. Real time, real signals.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <new>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/recording.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

// What the writer tells the test while it lives, in memory that both see.
struct Shared {
  std::atomic<int64_t> video{0}, audio{0};  // frames handed over
};

Frame now_frame(const EncodedFrame& f) {
  Frame frame;
  frame.bytes = f.bytes;  // lives as long as the process
  frame.key = f.key;
  frame.rtp_time = f.rtp_time;
  frame.first_arrival_ns = frame.last_arrival_ns = monotonic_ns();
  return frame;
}

void sleep_until(int64_t ns) {
  const timespec t{ns / 1'000'000'000, ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
}

// Hands frames over at the pace of a call, with beats, for ever.
[[noreturn]] void write_until_killed(const fs::path& out, const EncodedFrames& video,
                                     const EncodedFrames& audio, Shared& shared) {
  auto recording = Recording::create(Log("killed"), out, {.room = "killed"});
  if (!recording) _exit(3);
  Recording& r = **recording;
  r.note({.kind = EventKind::kMemberJoined, .participant = "alice", .name = "alice"});
  (void)r.begin_track(video_track(1, "alice"));
  (void)r.begin_track(audio_track(2, "alice"));
  const int64_t start = monotonic_ns();
  size_t v = 0;
  size_t a = 0;
  for (int64_t beat = 1;; ++beat) {
    sleep_until(start + beat * 50'000'000);
    const int64_t now = beat * 50'000'000;
    for (; v < video.size() && video[v].time_ns <= now; ++v) {
      if (!r.write(1, now_frame(video[v]))) _exit(4);
      shared.video = static_cast<int64_t>(v + 1);
    }
    for (; a < audio.size() && audio[a].time_ns <= now; ++a) {
      if (!r.write(2, now_frame(audio[a]))) _exit(4);
      shared.audio = static_cast<int64_t>(a + 1);
    }
    if (!r.beat()) _exit(5);
  }
}

struct Killed {
  pid_t pid;
  Shared* shared;
  std::unique_ptr<TempFolder> out;
};

Killed start_writer(const EncodedFrames& video, const EncodedFrames& audio) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Killed k{0, new (memory) Shared, std::make_unique<TempFolder>()};
  k.pid = fork();
  if (k.pid == 0) write_until_killed(k.out->path(), video, audio, *k.shared);
  return k;
}

fs::path only_folder_in(const fs::path& out) { return fs::directory_iterator(out)->path(); }

void expect_little_lost(const Killed& k, bool with_audio, double at) {
  const fs::path folder = only_folder_in(k.out->path());
  const Recorded r(folder);
  EXPECT_EQ(r.manifest.state, "running");
  const auto seen = counters(r.lane("alice", kVideo));
  EXPECT_EQ(seen, counting(0, static_cast<int64_t>(seen.size()))) << "a hole, or a broken frame";
  EXPECT_LT(k.shared->video - static_cast<int64_t>(seen.size()), 30) << "killed after " << at;
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
  if (!with_audio) return;
  const auto heard = static_cast<int64_t>(packet_count(r.lane("alice", kAudio)));
  EXPECT_LT(k.shared->audio - heard, 50) << "killed after " << at;
  EXPECT_EQ(undecodable_count(r.lane("alice", kAudio)), 0u);
  const auto verdict = verify(folder, {.threads = 1});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->severity, Severity::kWarn) << to_text(*verdict);
}

// Flush, beat and one frame are 0.3 s; a loaded machine delivers and beats late. One second is the
// promise.
TEST(Crash, AKillLosesLessThanTheLastSecond) {
  const auto video = make_video({.frames = 150});
  const auto audio = make_audio({.seconds = 5});
  const EncodedFrames none;
  std::vector<Killed> killed;
  std::vector<double> when;
  const int64_t start = monotonic_ns();
  for (int i = 0; i < 6; ++i) {
    killed.push_back(start_writer(video, i % 3 == 2 ? none : audio));
    when.push_back(1.3 + i * 0.237);
  }
  for (size_t i = 0; i < killed.size(); ++i) {
    sleep_until(start + static_cast<int64_t>(when[i] * 1e9));
    kill(killed[i].pid, SIGKILL);
    int status = 0;
    waitpid(killed[i].pid, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "ended by itself: " << WEXITSTATUS(status);
  }
  for (size_t i = 0; i < killed.size(); ++i) {
    expect_little_lost(killed[i], i % 3 != 2, when[i]);
    munmap(killed[i].shared, sizeof(Shared));
  }
}

// A tmpfs of its own; gone with the test.
class SmallDisk {
 public:
  explicit SmallDisk(const char* size) {
    mounted_ = mount("callbot-test", folder_.path().c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const fs::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

// Writes at the pace of the frames' own clock until the recording refuses.
Result<> write_all(Recording& r, FakeClock& clock, const EncodedFrames& video,
                   const std::function<void(int)>& each = {}) {
  Result<> first = r.begin_track(video_track(1, "alice"));
  int n = 0;
  for (const EncodedFrame& f : video) {
    clock.advance(std::chrono::milliseconds(33));
    if (each) each(n++);
    if (first) first = r.write(1, now_frame(f));
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
  if (!disk.mounted()) GTEST_SKIP() << "a file system can only be mounted by root";
  const auto video = make_video({.width = 640, .height = 360, .frames = 600});
  FakeClock clock(1'000'000'000, Feed::kStartWall);
  auto r = Recording::create(Log("full"), disk.path(), {.room = "full"});
  ASSERT_TRUE(r) << r.error().message;
  const auto written = write_all(**r, clock, video);
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
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{512 * 1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  auto r = Recording::create(Log("limit"), out.path(), {.room = "limit"});
  const auto written = r ? write_all(**r, clock, video) : Result<>();
  if (r) (void)(*r)->finish();
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(r) << r.error().message;
  expect_kept((*r)->folder(), written, 60, "File too large");
}

TEST(Crash, AFolderThatGoesAwayIsNoticed) {
  const auto video = make_video({.frames = 90});
  FakeClock clock(1'000'000'000, Feed::kStartWall);
  TempFolder out;
  auto r = Recording::create(Log("gone"), out.path(), {.room = "gone"});
  ASSERT_TRUE(r);
  const auto written = write_all(**r, clock, video, [&](int n) {
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
  const auto written = write_all(**good, clock, video, [&](int n) {
    if (n == 30) fs::remove_all((*bad)->folder());
    (void)(*bad)->write(1, now_frame(video[static_cast<size_t>(n)]));
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
  if (!disk.mounted()) GTEST_SKIP() << "a file system can only be mounted by root";
  const auto r = Recording::create(Log("full"), disk.path(), {.room = "full"});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Code::kStorage);
  EXPECT_THAT(r.error().message, HasSubstr("No space left"));
}

}  // namespace
}  // namespace callbot::recordings
