// At most the last second: a process that records is killed at fifty random instants, and what
// arrived more than a second before that is there after repair. Real time, real signals.
//
// The second counts back from the kill, less the time for which the machine did not run the writer
// since its last finished beat: what /proc/PID/schedstat says that it waited for a processor
// (proc(5), field 2), or all of it where the disk held it (state D). A hang of our own is in
// neither.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <random>

#include "base/clock.h"
#include "recordings/recording.h"
#include "recordings/repair.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/key_ring.h"
#include "tests/support/live_writer.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;

constexpr int kKills = 50, kSealedKills = 12;
constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kMostFrames = 512;

// Four tracks of three members, all different: a picture and a sound that lose packets, a sound
// that is muted after a while, and a picture that has but one key frame.
enum { kLossyVideo, kLossyAudio, kMutedAudio, kLongVideo, kTracks };

// What the writer handed over, in memory that both see.
struct Handed {
  std::atomic<size_t> count{0};
  std::array<std::atomic<int64_t>, kMostFrames> arrival{};  // of its last packet
  std::array<std::atomic<int64_t>, kMostFrames> number{};   // in the stream that was sent
};
struct Shared {
  std::array<Handed, kTracks> tracks;
  std::atomic<int64_t> last_beat{0};       // finished
  std::atomic<int64_t> waited_by_then{0};  // for a processor, since it began
};

struct Sent {
  TrackInfo info;
  EncodedFrames frames;
  std::vector<bool> lost;
  double muted_from = 1e9;
};
using Call = std::array<Sent, kTracks>;

Call make_call() {
  Call call;
  call[kLossyVideo] = {video_track(1, "alice"),
                       make_video({.width = 128, .height = 96, .frames = 210, .key_every = 1})};
  call[kLossyAudio] = {audio_track(2, "alice"), make_audio({.seconds = 7})};
  call[kMutedAudio] = {audio_track(3, "bob"), make_audio({.seconds = 7}), {}, 1.2};
  call[kLongVideo] = {video_track(4, "carol"),
                      make_video({.width = 128, .height = 96, .frames = 210})};
  std::mt19937 random(7);
  for (int t = 0; t < kTracks; ++t) {
    const bool lossy = t == kLossyVideo || t == kLossyAudio;
    for (size_t n = 0; n < call[t].frames.size(); ++n)
      call[t].lost.push_back(lossy && n > 0 && random() % 20 == 0);
  }
  return call;
}

// Nanoseconds for which the process, or rather its first thread, could run and did not.
int64_t waited_for_processor(pid_t pid) {
  int64_t ran = 0;
  int64_t waited = 0;
  const std::string of = std::to_string(pid);
  std::ifstream("/proc/" + of + "/task/" + of + "/schedstat") >> ran >> waited;
  return waited;
}
char state_of(pid_t pid) {
  std::string line;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
  const size_t end = line.rfind(')');
  return end == std::string::npos || end + 2 >= line.size() ? '?' : line[end + 2];
}

// Hands over what is due; false if the recording refuses.
bool hand_over(Recording& r, const Sent& sent, Handed& handed, size_t& next, int64_t now_ns) {
  for (; next < sent.frames.size() && sent.frames[next].time_ns <= now_ns; ++next) {
    const EncodedFrame& f = sent.frames[next];
    if (sent.lost[next] || static_cast<double>(f.time_ns) / 1e9 >= sent.muted_from) continue;
    const Frame frame = arrived_now(f, next > 0 && sent.lost[next - 1]);
    if (!r.write(sent.info.id, frame)) return false;
    const size_t n = handed.count;
    handed.arrival[n] = frame.last_arrival_ns;
    handed.number[n] = static_cast<int64_t>(next);
    handed.count = n + 1;
  }
  return true;
}

[[noreturn]] void record_until_killed(const fs::path& out, const Call& call, Shared& shared,
                                      const std::optional<PublicKey>& seal_to) {
  RecordingConfig config;
  config.seal_to = seal_to;
  auto recording = Recording::create(Log("killed"), out, {.room = "killed"}, config);
  if (!recording) _exit(3);
  Recording& r = **recording;
  for (const char* name : {"alice", "bob", "carol"})
    r.note({.kind = EventKind::kMemberJoined, .participant = name, .name = name});
  for (const Sent& sent : call) (void)r.begin_track(sent.info);
  const int64_t start = monotonic_ns();
  std::array<size_t, kTracks> next{};
  for (int64_t now = kBeatNs;; now += kBeatNs) {
    sleep_until(start + now);
    for (int t = 0; t < kTracks; ++t) {
      if (!hand_over(r, call[t], shared.tracks[t], next[t], now)) _exit(4);
    }
    if (!r.beat()) _exit(5);
    shared.waited_by_then = waited_for_processor(getpid());
    shared.last_beat = monotonic_ns();
  }
}

struct Killed {
  pid_t pid = 0;
  int64_t at_ns = 0;      // when, from its start
  int64_t killed_ns = 0;  // and that without what the machine took
  std::unique_ptr<SharedBetweenProcesses<Shared>> memory =
      std::make_unique<SharedBetweenProcesses<Shared>>();
  Shared& shared() const { return **memory; }
  std::unique_ptr<TempFolder> out = std::make_unique<TempFolder>();
};

// How it ended, as waitpid says.
int kill_it(Killed& k) {
  const int64_t now = monotonic_ns();
  const int64_t last_beat = k.shared().last_beat;
  const int64_t stalled = waited_for_processor(k.pid) - k.shared().waited_by_then;
  const bool by_disk = state_of(k.pid) == 'D';
  k.killed_ns = by_disk ? last_beat : std::max(last_beat, now - std::max<int64_t>(stalled, 0));
  return killed(k.pid);
}

// Handed over more than a second before the kill.
size_t must_be_there(const Handed& handed, int64_t killed_ns) {
  size_t n = 0;
  while (n < handed.count && handed.arrival[n] <= killed_ns - kSecond) ++n;
  return n;
}

const Lane& lane_in(const std::vector<Lane>& lanes, const Sent& sent) {
  static const Lane none;
  for (const Lane& l : lanes) {
    if (l.participant == sent.info.participant && l.media == sent.info.kind) return l;
  }
  return none;
}

void expect_little_lost(const Killed& k, const Call& call) {
  const fs::path folder = fs::directory_iterator(k.out->path())->path();
  const auto report = repair(folder);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->state, "finished") << to_text(*report);
  const Recorded r(folder);
  const int64_t killed = k.killed_ns;
  EXPECT_GE(k.shared().last_beat, killed - kSecond) << "it hung by itself";
  for (int t = 0; t < kTracks; ++t) {
    const Handed& handed = k.shared().tracks[t];
    const Lane& lane = lane_in(r.lanes, call[t]);
    const size_t kept = packet_count(lane);
    EXPECT_GE(kept, must_be_there(handed, killed)) << "track " << t << " of " << handed.count;
    EXPECT_LE(kept, handed.count);
    EXPECT_EQ(undecodable_count(lane), 0u) << "track " << t;
    if (call[t].info.kind == MediaKind::kAudio) continue;
    // The pictures are those that were handed over, none missing before the last.
    std::vector<int64_t> expected;
    for (size_t n = 0; n < kept; ++n) expected.push_back(handed.number[n]);
    EXPECT_EQ(counters(lane), expected) << "track " << t;
  }
}

void kill_at_random(int kills, const std::optional<PublicKey>& seal_to = std::nullopt) {
  const Call call = make_call();
  std::mt19937 random(std::random_device{}());
  std::vector<Killed> all(static_cast<size_t>(kills));
  for (Killed& k : all)
    k.at_ns = std::uniform_int_distribution<int64_t>(kSecond * 3 / 10, 6 * kSecond)(random);
  std::sort(all.begin(), all.end(),
            [](const Killed& a, const Killed& b) { return a.at_ns < b.at_ns; });
  const int64_t start = monotonic_ns();
  for (Killed& k : all) {
    k.pid = fork();
    if (k.pid == 0) record_until_killed(k.out->path(), call, k.shared(), seal_to);
    ASSERT_GT(k.pid, 0);
  }
  for (Killed& k : all) {
    sleep_until(start + k.at_ns);
    const int status = kill_it(k);
    EXPECT_TRUE(WIFSIGNALED(status)) << "ended by itself: " << WEXITSTATUS(status);
  }
  for (const Killed& k : all) {
    SCOPED_TRACE(testing::Message() << "killed after " << static_cast<double>(k.at_ns) / 1e9);
    expect_little_lost(k, call);
  }
}

TEST(Pain01, AtFiftyRandomInstantsAtMostTheLastSecondIsLost) { kill_at_random(kKills); }

TEST(Pain01, NorIsMoreLostOfAnEncryptedOne) {
  const TestKeys keys;
  keys.take_secret();
  kill_at_random(kSealedKills, keys.pair.public_key);
}

}  // namespace
}  // namespace callbot::recordings
