#include "pipelines/recorder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

#include "base/clock.h"
#include "tests/support/keeping_writer.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr WriterPool::Config kFast{.beat = 5ms, .patience = 5ms};

TrackInfo track_info(TrackId id, MediaKind kind) {
  TrackInfo info;
  info.id = id;
  info.kind = kind;
  return info;
}

Frame frame_at(int64_t rtp_time, bool key = true, size_t size = 100) {
  auto bytes = std::make_shared<const std::vector<uint8_t>>(size, uint8_t{7});
  Frame frame;
  frame.bytes = *bytes;
  frame.owner = bytes;
  frame.key = key;
  frame.rtp_time = rtp_time;
  return frame;
}

class Recording {
 public:
  Recording(Loop& loop, WriterPool& pool, RecorderConfig config = {}) : loop_(loop) {
    recorder = std::make_unique<Recorder>(
        loop, Log("test"), pool, std::make_unique<KeepingWriter>(written),
        Recorder::Events{.failed = [this](const Error& e) { failures.push_back(e.message); },
                         .needs_key_frame = [this](TrackId id) { needs.push_back(id); }},
        config);
  }
  Result<> drain() {
    std::optional<Result<>> result;
    recorder->drain([&](Result<> how) { result = std::move(how); });
    EXPECT_TRUE(loop_.run_until([&] { return result.has_value(); }, 10s));
    return result ? *result : fail(Code::kTimeout, "never drained");
  }

  std::shared_ptr<Written> written = std::make_shared<Written>();
  std::unique_ptr<Recorder> recorder;
  std::vector<std::string> failures;
  std::vector<TrackId> needs;

 private:
  Loop& loop_;
};

class RecorderTest : public testing::Test {
 protected:
  Loop loop_;
  WriterPool pool_{kFast};
};

TEST_F(RecorderTest, WritesEverythingInTheOrderItCameAndFinishes) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kVideo));
  r.recorder->frame(1, frame_at(0));
  r.recorder->add_track(track_info(2, MediaKind::kAudio));
  r.recorder->frame(2, frame_at(10));
  r.recorder->frame(1, frame_at(20, false));
  r.recorder->remove_track(1);
  r.recorder->frame(1, frame_at(30, false));
  r.recorder->frame(2, frame_at(40));
  EXPECT_TRUE(r.drain());
  EXPECT_THAT(r.written->said(),
              ElementsAre("begin 1", "write 1 at 0", "begin 2", "write 2 at 10", "write 1 at 20",
                          "end 1", "write 2 at 40", "end 2", "finish"));
  EXPECT_EQ(r.recorder->stats().frames, 4u);
  EXPECT_EQ(r.recorder->stats().bytes, 400u);
  EXPECT_EQ(r.recorder->stats().waiting_bytes, 0u);
  EXPECT_TRUE(r.failures.empty());
}

TEST_F(RecorderTest, WritesWithoutBeingAskedAndGivesABeat) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kAudio));
  r.recorder->frame(1, frame_at(0));
  EXPECT_TRUE(loop_.run_until([&] { return r.written->count("write") == 1; }, 5s));
  EXPECT_TRUE(loop_.run_until(
      [&] {
        std::lock_guard lock(r.written->mutex);
        return r.written->beats > 3;
      },
      5s));
}

TEST_F(RecorderTest, TellsEveryDrainTheSameAndDropsWhatComesLater) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kAudio));
  int done = 0;
  for (int i = 0; i < 3; ++i) r.recorder->drain([&](Result<> how) { done += how ? 1 : 0; });
  EXPECT_TRUE(loop_.run_until([&] { return done == 3; }, 5s));
  r.recorder->frame(1, frame_at(0));
  r.recorder->remove_track(1);
  r.recorder->add_track(track_info(2, MediaKind::kAudio));
  EXPECT_TRUE(r.drain());
  EXPECT_THAT(r.written->said(), ElementsAre("begin 1", "end 1", "finish"));
}

TEST_F(RecorderTest, HoldsUpNobodyWhileTheWriterStallsAndLosesNothing) {
  Recording r(loop_, pool_);
  r.written->stall(true);
  r.recorder->add_track(track_info(1, MediaKind::kVideo));
  r.recorder->frame(1, frame_at(0));
  EXPECT_TRUE(loop_.run_until([&] { return r.written->stuck(); }, 5s));
  for (int i = 1; i <= 150; ++i) r.recorder->frame(1, frame_at(i, false));  // 5 s of video
  EXPECT_EQ(r.recorder->stats().waiting_frames, 151u);
  r.written->stall(false);
  EXPECT_TRUE(r.drain());
  EXPECT_EQ(r.written->count("write"), 151u);
  EXPECT_EQ(r.recorder->stats().frames_dropped, 0u);
}

TEST_F(RecorderTest, OtherRecordingsLoseNothingWhileOneStallsForSeconds) {
  Recording stalled(loop_, pool_, {.most_bytes = 5000});
  std::vector<std::unique_ptr<Recording>> others;
  stalled.written->stall(true);
  stalled.recorder->add_track(track_info(1, MediaKind::kVideo));
  for (int i = 0; i < 5; ++i) {
    others.push_back(std::make_unique<Recording>(loop_, pool_, RecorderConfig{.most_bytes = 5000}));
    others.back()->recorder->add_track(track_info(1, MediaKind::kVideo));
  }
  // Every 2 ms a frame for each: in the end 50 kB, ten times what may wait.
  int64_t time = 0;
  Timer media;
  media.every(2ms, [&] {
    stalled.recorder->frame(1, frame_at(time));
    for (auto& other : others) other->recorder->frame(1, frame_at(time));
    ++time;
  });
  EXPECT_TRUE(loop_.run_until([&] { return time >= 500; }, 20s));
  media.stop();
  EXPECT_TRUE(stalled.written->stuck());
  EXPECT_GT(stalled.recorder->stats().frames_dropped, 400u);
  for (auto& other : others) {
    EXPECT_TRUE(other->drain()) << "while the first is stuck";
    EXPECT_EQ(other->recorder->stats().frames_dropped, 0u);
    EXPECT_EQ(other->written->count("write"), static_cast<size_t>(time));
  }
  EXPECT_TRUE(stalled.written->stuck());
  stalled.written->stall(false);
  EXPECT_TRUE(stalled.drain());
}

TEST_F(RecorderTest, CountsWhatOverflowsAndVideoWaitsForAKeyFrame) {
  Recording r(loop_, pool_, {.most_bytes = 1000});
  r.written->stall(true);
  r.recorder->add_track(track_info(1, MediaKind::kVideo));
  r.recorder->add_track(track_info(2, MediaKind::kAudio));
  r.recorder->frame(1, frame_at(0));
  EXPECT_TRUE(loop_.run_until([&] { return r.written->stuck(); }, 5s));
  for (int i = 1; i < 13; ++i) r.recorder->frame(1, frame_at(i, false));  // 1 to 9 fit
  r.recorder->frame(2, frame_at(100));
  EXPECT_TRUE(loop_.run_until([&] { return !r.needs.empty(); }, 5s));
  r.written->stall(false);
  EXPECT_TRUE(loop_.run_until([&] { return r.written->count("overflow") == 2; }, 5s));
  r.recorder->frame(1, frame_at(13, false));
  r.recorder->frame(2, frame_at(113));
  r.recorder->frame(1, frame_at(14, true));
  r.recorder->frame(1, frame_at(15, false));
  EXPECT_TRUE(r.drain());
  EXPECT_EQ(r.written->count("write 1"), 12u);
  EXPECT_EQ(r.written->count("write 1 at 13"), 0u);
  EXPECT_EQ(r.written->count("overflow 1 by 3"), 1u);
  EXPECT_EQ(r.written->count("overflow 2 by 1"), 1u);
  EXPECT_EQ(r.written->count("overflow 1 by 1"), 1u);
  EXPECT_EQ(r.recorder->stats().frames_dropped, 5u);
  EXPECT_EQ(r.recorder->stats().most_waiting_bytes, 1000u);
  EXPECT_THAT(r.needs, ElementsAre(1)) << "once a second at most, and not for audio";
  std::vector<int64_t> gaps;
  for (const Frame& frame : r.written->frames)
    if (frame.after_gap) gaps.push_back(frame.rtp_time);
  EXPECT_THAT(gaps, testing::UnorderedElementsAre(14));
}

TEST_F(RecorderTest, MarksTheFirstAudioFrameAfterAnOverflow) {
  Recording r(loop_, pool_, {.most_frames = 2});
  r.written->stall(true);
  r.recorder->add_track(track_info(1, MediaKind::kAudio));
  r.recorder->frame(1, frame_at(0));
  EXPECT_TRUE(loop_.run_until([&] { return r.written->stuck(); }, 5s));
  r.recorder->frame(1, frame_at(1));
  r.recorder->frame(1, frame_at(2));
  EXPECT_EQ(r.recorder->stats().frames_dropped, 1u);
  r.written->stall(false);
  EXPECT_TRUE(loop_.run_until([&] { return r.recorder->stats().waiting_frames == 0; }, 5s));
  r.recorder->frame(1, frame_at(3));
  EXPECT_TRUE(r.drain());
  // Whether the overflow was told on a beat before or with the frame, the order is the same.
  EXPECT_THAT(r.written->said(), ElementsAre("begin 1", "write 1 at 0", "write 1 at 1",
                                             "overflow 1 by 1", "write 1 at 3", "end 1", "finish"));
}

class Failing : public RecorderTest, public testing::WithParamInterface<const char*> {};

TEST_P(Failing, EndsThisRecordingAloneAndSaysWhy) {
  Recording r(loop_, pool_), other(loop_, pool_);
  r.written->fails_at = GetParam();
  for (Recording* one : {&r, &other}) {
    one->recorder->add_track(track_info(1, MediaKind::kAudio));
    for (int i = 0; i < 10; ++i) one->recorder->frame(1, frame_at(i));
  }
  EXPECT_TRUE(loop_.run_until([&] { return r.failures.size() == 1; }, 5s));
  for (int i = 10; i < 20; ++i) {
    r.recorder->frame(1, frame_at(i));
    other.recorder->frame(1, frame_at(i));
  }
  const Result<> how = r.drain();
  ASSERT_FALSE(how);
  EXPECT_EQ(how.error().code, Code::kStorage);
  EXPECT_THAT(r.failures, ElementsAre("the disk is full"));
  const auto said = r.written->said();
  ASSERT_GE(said.size(), 2u);
  EXPECT_EQ(said[said.size() - 2], GetParam()) << "nothing but finish() after the error";
  EXPECT_EQ(said.back(), "finish");
  EXPECT_TRUE(other.drain());
  EXPECT_EQ(other.written->count("write"), 20u);
  EXPECT_TRUE(other.failures.empty());
}

INSTANTIATE_TEST_SUITE_P(At, Failing, testing::Values("begin 1", "write 1 at 0", "write 1 at 5"));

TEST_F(RecorderTest, SaysThatItCouldNotBeFinished) {
  for (const char* where : {"end 1", "finish"}) {
    Recording r(loop_, pool_);
    r.written->fails_at = where;
    r.recorder->add_track(track_info(1, MediaKind::kAudio));
    r.recorder->frame(1, frame_at(0));
    const Result<> how = r.drain();
    ASSERT_FALSE(how) << where;
    EXPECT_EQ(how.error().message, "the disk is full");
    EXPECT_EQ(r.written->count("finish"), 1u);
    EXPECT_TRUE(r.failures.empty()) << "drain() says it";
  }
}

TEST_F(RecorderTest, WritesWhatItHasWhenItIsDestroyedAndTellsNobody) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kAudio));
  r.recorder->frame(1, frame_at(0));
  bool told = false;
  r.recorder->drain([&](Result<>) { told = true; });
  r.recorder.reset();
  EXPECT_TRUE(loop_.run_until([&] { return r.written->count("finish") == 1; }, 5s));
  EXPECT_EQ(r.written->count("write"), 1u);
  EXPECT_FALSE(loop_.run_until([&] { return told; }, 20ms));
}

TEST_F(RecorderTest, IsWrittenToItsEndEvenIfThePoolEnds) {
  auto written = std::make_shared<Written>();
  {
    WriterPool pool({.beat = 10s});
    Recorder recorder(loop_, Log("test"), pool, std::make_unique<KeepingWriter>(written));
    recorder.add_track(track_info(1, MediaKind::kAudio));
    recorder.frame(1, frame_at(0));
  }
  EXPECT_THAT(written->said(), ElementsAre("begin 1", "write 1 at 0", "end 1", "finish"));
}

TEST_F(RecorderTest, TakesFramesOfManyThreadsAndGivesThemToOneAtATime) {
  Recording r(loop_, pool_);
  constexpr int kTracks = 4, kFrames = 2000;
  for (int t = 1; t <= kTracks; ++t) r.recorder->add_track(track_info(t, MediaKind::kAudio));
  std::vector<std::thread> threads;
  for (int t = 1; t <= kTracks; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kFrames; ++i) r.recorder->frame(t, frame_at(i));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(r.drain());
  EXPECT_FALSE(r.written->overlapped);
  EXPECT_EQ(r.written->count("write"), static_cast<size_t>(kTracks * kFrames));
  std::map<TrackId, int64_t> last;
  for (const std::string& call : r.written->said()) {
    TrackId id = 0;
    long time = 0;
    if (std::sscanf(call.c_str(), "write %lu at %ld", &id, &time) != 2) continue;
    EXPECT_EQ(time, last[id]++);
  }
}

// A frame that arrived at this time after the track began.
Frame arrived(int64_t rtp_time, int64_t at_ns, bool key = true) {
  Frame frame = frame_at(rtp_time, key);
  frame.first_arrival_ns = frame.last_arrival_ns = at_ns;
  return frame;
}

TEST_F(RecorderTest, NotOneFrameThatArrivesInAPauseIsWritten) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kAudio));
  const int64_t before = monotonic_ns();
  const int64_t from = r.recorder->pause("");
  r.recorder->frame(1, arrived(1, before));  // the jitterbuffer held it
  r.recorder->frame(1, arrived(2, from));
  r.recorder->frame(1, arrived(3, monotonic_ns()));
  const int64_t to = r.recorder->resume("");
  r.recorder->frame(1, arrived(4, to - 1));  // held too, but of the pause
  r.recorder->frame(1, arrived(5, to));
  EXPECT_TRUE(r.drain());
  EXPECT_THAT(r.written->said(),
              ElementsAre("begin 1", "write 1 at 1", "write 1 at 5", "end 1", "finish"));
  EXPECT_EQ(r.recorder->stats().frames_dropped, 0u) << "a pause is no overflow";
}

TEST_F(RecorderTest, AfterAPauseAVideoGoesOnAtAKeyFrameThatIsAskedFor) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kVideo));
  r.recorder->frame(1, arrived(1, monotonic_ns()));
  r.recorder->pause("");
  r.recorder->frame(1, arrived(2, monotonic_ns(), false));
  r.recorder->resume("");
  EXPECT_THAT(r.needs, ElementsAre(1u));
  r.recorder->frame(1, arrived(3, monotonic_ns(), false));
  r.recorder->frame(1, arrived(4, monotonic_ns()));
  r.recorder->frame(1, arrived(5, monotonic_ns(), false));
  EXPECT_TRUE(r.drain());
  EXPECT_THAT(r.written->said(), ElementsAre("begin 1", "write 1 at 1", "write 1 at 4",
                                             "write 1 at 5", "end 1", "finish"));
}

TEST_F(RecorderTest, APauseInWhichNothingCameCostsNothing) {
  Recording r(loop_, pool_);
  r.recorder->add_track(track_info(1, MediaKind::kVideo));
  r.recorder->frame(1, arrived(1, monotonic_ns()));
  r.recorder->pause("");
  r.recorder->resume("");
  r.recorder->frame(1, arrived(2, monotonic_ns(), false));
  EXPECT_TRUE(r.drain());
  EXPECT_EQ(r.written->count("write"), 2u);
}

TEST_F(RecorderTest, OneParticipantIsPausedAndTheOthersGoOn) {
  Recording r(loop_, pool_);
  for (const TrackId id : {1, 2}) {
    auto info = track_info(id, MediaKind::kAudio);
    info.participant = id == 1 ? "alice" : "bob";
    r.recorder->add_track(info);
  }
  r.recorder->pause("alice");
  for (const TrackId id : {1, 2}) r.recorder->frame(id, arrived(1, monotonic_ns()));
  r.recorder->pause("");
  r.recorder->resume("alice");
  for (const TrackId id : {1, 2}) r.recorder->frame(id, arrived(2, monotonic_ns()));
  r.recorder->resume("");
  for (const TrackId id : {1, 2}) r.recorder->frame(id, arrived(3, monotonic_ns()));
  EXPECT_TRUE(r.drain());
  EXPECT_EQ(r.written->count("write 1 at 1"), 0u);
  EXPECT_EQ(r.written->count("write 2 at 1"), 1u);
  EXPECT_EQ(r.written->count("write 1 at 2") + r.written->count("write 2 at 2"), 0u);
  EXPECT_EQ(r.written->count("write 1 at 3") + r.written->count("write 2 at 3"), 2u);
}

}  // namespace
}  // namespace callbot::pipelines
