#include "recordings/recording.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "recordings/show.h"
#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

// Waits for a result from the recording's own thread.
template <class T>
class Waiter {
 public:
  std::function<void(T)> taker() {
    return [this](T value) {
      std::lock_guard lock(mutex_);
      value_.emplace(std::move(value));
      there_.notify_one();
    };
  }
  T& get() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(there_.wait_for(lock, std::chrono::seconds(20), [this] { return !!value_; }));
    return *value_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::optional<T> value_;
};

TEST(Recording, BeginsWithAFolderOfItsOwn) {
  TempFolder out;
  std::vector<std::unique_ptr<Recording>> recordings;
  for (int i = 0; i < 3; ++i) {
    FakeClock clock(1, Feed::kStartWall);
    auto made = Recording::create(Log("x"), out.path() / "a" / "b", {.room = "../Räum/\u202e1"});
    ASSERT_TRUE(made) << made.error().message;
    recordings.push_back(std::move(*made));
  }
  EXPECT_EQ(recordings[0]->folder().filename(), "_._R__um____1-20261121T042042Z");
  EXPECT_EQ(recordings[1]->folder().filename(), "_._R__um____1-20261121T042042Z-2");
  EXPECT_EQ(recordings[2]->folder().filename(), "_._R__um____1-20261121T042042Z-3");
  for (const char* name : {"manifest.json", "media", "exports", "journal.jsonl"})
    EXPECT_TRUE(fs::exists(recordings[0]->folder() / name)) << name;
  EXPECT_EQ(Recorded(recordings[0]->folder()).manifest.state, "running");
}

TEST(Recording, KeepsNoSecretsOfTheUrl) {
  TempFolder out;
  auto made = Recording::create(
      Log("x"), out.path(),
      {.room = "r", .url = "wss://eve:s3cret@host:8080/rooms/r?a=@b&token=s3cret&pin=s3cret#x"});
  ASSERT_TRUE(made);
  const Manifest m = Recorded((*made)->folder()).manifest;
  EXPECT_EQ(m.facts.url, "wss://host:8080/rooms/r?a=@b&token=***&pin=***#x");
}

// Media without times, names or events.
TEST(Pain13, TheManifestTellsWhatHappened) {
  Feed feed({}, {.room = "team", .url = "ws://host/rooms/team", .recorder = "rec", .label = "L"});
  feed.member("alice", 0, 4);
  feed.says("alice", 0, kVideo, true, "camera");
  feed.says("alice", 1, kVideo, false);
  feed.says("alice", 2, kVideo, true, "screen");
  feed.add({video_track(1, "alice"), make_video({.frames = 30})});
  const auto note = [&](double at, Event event) {
    feed.at(at, [event](Recording& r) { r.note(event); });
  };
  note(0.5, {.kind = EventKind::kLoss, .track = 1, .count = 3, .repaired = 2});
  note(0.6, {.kind = EventKind::kKeyFrameWait, .track = 1});
  note(0.7, {.kind = EventKind::kKeyFrameFound, .track = 1, .duration_ns = 100'000'000});
  note(1.0, {.kind = EventKind::kSignalingInterrupted, .reason = "server went away"});
  note(1.5, {.kind = EventKind::kSignalingResumed});
  note(1.6, {.kind = EventKind::kPeerLost, .participant = "alice", .reason = "ICE failed"});
  note(1.7, {.kind = EventKind::kPeerFresh, .participant = "alice"});
  note(2.5, {.kind = EventKind::kConsent, .participant = "alice", .allowed = false});
  note(3.0, {.kind = EventKind::kConsent, .participant = "alice", .allowed = true});
  note(3.1, {.kind = EventKind::kMemberRenamed, .participant = "alice", .name = "Alice B."});
  note(3.2, {.kind = EventKind::kChat, .participant = "alice", .text = "hello \"all\"\n"});
  note(3.3, {.kind = EventKind::kError, .participant = "alice", .text = "oh", .code = "connect"});
  feed.at(4.5, [](Recording& r) {
    r.ending({.reason = "duration", .by = "recorder", .text = "5 s are over"});
    r.ending({.reason = "empty"});  // too late
  });
  ASSERT_TRUE(feed.run(5));
  const Recorded recorded(feed.folder());
  const Manifest& m = recorded.manifest;
  EXPECT_EQ(m.state, "finished");
  EXPECT_EQ(m.facts.label, "L");
  EXPECT_EQ(m.duration_ns(), 5'000'000'000);
  ASSERT_TRUE(m.ending);
  EXPECT_EQ(m.ending->reason, "duration");
  ASSERT_THAT(m.participants, SizeIs(1));
  const Participant& alice = m.participants[0];
  EXPECT_EQ(alice.name, "Alice B.");
  ASSERT_THAT(alice.present, SizeIs(1));
  EXPECT_EQ(alice.present[0].to_ns, 4'000'000'000);
  EXPECT_EQ(alice.present[0].reason, "left");
  ASSERT_THAT(alice.said, SizeIs(3));
  EXPECT_FALSE(alice.said[1].on);
  EXPECT_EQ(alice.said[1].from_ns, 1'000'000'000);
  EXPECT_EQ(alice.said[1].to_ns, 2'000'000'000);
  EXPECT_EQ(alice.said[2].source, "screen");
  ASSERT_THAT(alice.refused, SizeIs(1));
  EXPECT_EQ(alice.refused[0].to_ns, 3'000'000'000);
  EXPECT_EQ(alice.peers_lost, 1u);
  const Track& track = m.tracks.at(0);
  EXPECT_EQ(track.packets_lost, 3);
  EXPECT_EQ(track.packets_repaired, 2);
  EXPECT_EQ(track.key_frame_waits, 1u);
  EXPECT_EQ(track.key_frame_wait_ns, 100'000'000);
  EXPECT_EQ(track.ssrc, 1001u);
  ASSERT_THAT(m.interruptions, SizeIs(1));
  EXPECT_EQ(m.interruptions[0].to_ns, 1'500'000'000);
  EXPECT_THAT(m.failures, SizeIs(1));
  EXPECT_EQ(m.chat_messages, 1u);
  ASSERT_THAT(recorded.of_kind(EventKind::kChat), SizeIs(1));
  EXPECT_EQ(recorded.of_kind(EventKind::kChat)[0].text, "hello \"all\"\n");

  const auto shown = show(feed.folder());
  ASSERT_TRUE(shown);
  for (const char* words : {"team", "Alice B.", "video off 0:01.0 - 0:02.0", "320x180",
                            "because   duration: 5 s are over", "media/alice-1.mkv",
                            "asked not to be recorded 0:02.5 - 0:03.0", "3 packets lost"})
    EXPECT_THAT(*shown, HasSubstr(words));
}

// The manifest of a recording that was killed is made of its journal, and says the same.
TEST(Recording, TheJournalAloneGivesTheSameManifest) {
  Feed feed;
  feed.member("alice");
  auto frames = make_video({.frames = 60, .key_every = 20});
  frames[20].after_gap = true;
  feed.add({.info = video_track(1, "alice"),
            .frames = frames,
            .ntp = [](const EncodedFrame& f) -> std::optional<int64_t> {
              if (f.time_ns < 1'000'000'000) return std::nullopt;
              return Feed::kStartWall + 250'000'000 + f.time_ns;
            }});
  ASSERT_TRUE(feed.run(2.1));
  const auto finished = load(feed.folder());
  ASSERT_TRUE(finished);
  Manifest again;
  again.software = finished->manifest.software;
  again.facts = finished->manifest.facts;
  again.started_wall_ns = finished->manifest.started_wall_ns;
  for (const Event& event : finished->events) apply(again, event);
  EXPECT_EQ(to_text(again), to_text(finished->manifest));

  const Track& track = again.tracks.at(0);
  EXPECT_EQ(track.start_source, "rtcp-ntp");
  EXPECT_NEAR(static_cast<double>(*track.start_wall_ns - Feed::kStartWall), 250e6, 20e3);
  EXPECT_NEAR(static_cast<double>(*track.ntp_offset_ns), 250e6, 1e6);
  EXPECT_EQ(again.media.at(0).start_source, "rtcp-ntp");
  ASSERT_THAT(track.gaps, SizeIs(1));
  EXPECT_NEAR(static_cast<double>(track.gaps[0].to_ns - track.gaps[0].from_ns), 33e6, 2e6);
}

TEST(Recording, AnchorsLetTheTimelineBeComputedAfresh) {
  Feed feed;
  feed.member("alice");
  feed.add({.info = video_track(1, "alice"),
            .frames = make_video({.width = 96, .height = 64, .frames = 30 * 35})});
  ASSERT_TRUE(feed.run(35.2));
  const Recorded r(feed.folder());
  const auto anchors = r.of_kind(EventKind::kAnchor);
  ASSERT_THAT(anchors, SizeIs(4));  // the first, and one every ten seconds
  for (const Event& a : anchors) {
    EXPECT_EQ((a.rtp_time - 1000) * 1'000'000'000 / 90000 / 1'000'000, a.time_ns / 1'000'000);
    EXPECT_EQ((a.arrival_ns - Feed::kStartWall) / 1'000'000, a.time_ns / 1'000'000);
  }
}

TEST(Recording, NotesFromManyThreadsAreAllThere) {
  TempFolder out;
  auto made = Recording::create(Log("x"), out.path(), {.room = "r"});
  ASSERT_TRUE(made);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&r = **made, t] {
      for (int i = 0; i < 500; ++i)
        r.note({.kind = EventKind::kNote, .text = std::to_string(t * 1000 + i)});
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE((*made)->finish());
  (*made)->note({.kind = EventKind::kNote, .text = "too late"});
  const Recorded r((*made)->folder());
  EXPECT_THAT(r.of_kind(EventKind::kNote), SizeIs(2000));
  EXPECT_TRUE(std::is_sorted(r.events.begin(), r.events.end(),
                             [](const Event& a, const Event& b) { return a.wall_ns < b.wall_ns; }));
}

TEST(Recording, AnUnknownCodecIsAnErrorOfThatTrackAlone) {
  Feed feed;
  feed.member("alice");
  feed.add({.info = video_track(1, "alice", "theora"), .frames = make_video({.frames = 3})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 1})});
  ASSERT_TRUE(feed.run(1.1));
  const Recorded r(feed.folder());
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), 50u);
  ASSERT_THAT(r.manifest.failures, SizeIs(1));
  EXPECT_THAT(r.manifest.failures[0].text, HasSubstr("theora"));
}

TEST(Recording, StatsCountWhatCame) {
  Feed feed;
  feed.add({video_track(1, "alice"), make_video({.frames = 60, .key_every = 30})});
  ASSERT_TRUE(feed.run(2.1, false));
  feed.recording().overflow(1, 7);
  const RecordingStats stats = feed.recording().stats();
  ASSERT_THAT(stats.tracks, SizeIs(1));
  EXPECT_EQ(stats.tracks[0].frames, 60u);
  EXPECT_EQ(stats.tracks[0].key_frames, 2u);
  EXPECT_EQ(stats.tracks[0].width, 320u);
  EXPECT_EQ(stats.tracks[0].overflow, 7u);
  EXPECT_TRUE(stats.tracks[0].live);
  EXPECT_THAT(stats.files, ElementsAre("media/alice-1.mkv"));
  EXPECT_GT(stats.bytes, 1000u);
  EXPECT_EQ(stats.duration_ns, 2'100'000'000);
  ASSERT_TRUE(feed.recording().finish());
  EXPECT_EQ(feed.recording().stats().bytes, fs::file_size(feed.folder() / "media/alice-1.mkv"));
}

struct SentFile {
  explicit SentFile(std::string content = std::string(5'000'000, 'x'))
      : bytes(std::move(content)), sum(sha256_hex(bytes)) {}
  std::string bytes, sum;
};

Result<ReceivedFile> send(Recording& r, const SentFile& file, FileOffer offer,
                          const std::string& announced) {
  auto incoming = r.receive_file(offer);
  if (!incoming) return tl::unexpected(incoming.error());
  for (size_t at = 0; at < file.bytes.size(); at += 16384) {
    auto taken = (*incoming)->append(std::string_view(file.bytes).substr(at, 16384));
    if (!taken) return tl::unexpected(taken.error());
  }
  Waiter<Result<ReceivedFile>> result;
  (*incoming)->end(announced, result.taker());
  return result.get();
}

class ReceivedFiles : public ::testing::Test {
 protected:
  ReceivedFiles() : recording_(*Recording::create(Log("x"), out_.path(), {.room = "r"})) {}
  Recorded finished() {
    EXPECT_TRUE(recording_->finish());
    return Recorded(recording_->folder());
  }
  TempFolder out_;
  std::unique_ptr<Recording> recording_;
  const SentFile file_;
};

TEST_F(ReceivedFiles, LieInTheFolderWithTheirChecksum) {
  const FileOffer offer{.participant = "alice", .name = "../../etc/pass wd.txt", .size = 5'000'000};
  const auto first = send(*recording_, file_, offer, file_.sum);
  const auto second = send(*recording_, file_, offer, "");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->path, "files/_._.._etc_pass_wd.txt");
  EXPECT_EQ(second->path, "files/_._.._etc_pass_wd-2.txt");
  EXPECT_EQ(first->sha256, file_.sum);
  EXPECT_EQ(*sha256_file(recording_->folder() / first->path), file_.sum);
  const Recorded r = finished();
  ASSERT_THAT(r.manifest.received, SizeIs(2));
  EXPECT_EQ(r.manifest.received[0].name, "../../etc/pass wd.txt");
  EXPECT_EQ(r.manifest.received[0].bytes, 5'000'000u);
}

TEST_F(ReceivedFiles, OfTheWrongChecksumOrSizeAreKeptInPart) {
  const FileOffer offer{.participant = "alice", .name = "a.bin", .size = 5'000'000};
  EXPECT_FALSE(send(*recording_, file_, offer, std::string(64, '0')));
  FileOffer longer = offer;
  longer.size = 5'000'001;
  const auto cut = send(*recording_, file_, longer, file_.sum);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::kBadInput);
  FileOffer shorter = offer;
  shorter.size = 4'999'999;
  const auto more = send(*recording_, file_, shorter, file_.sum);
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().message, HasSubstr("more bytes than announced"));
  const Recorded r = finished();
  EXPECT_THAT(r.manifest.received, SizeIs(0));
  EXPECT_THAT(r.of_kind(EventKind::kFileRefused), SizeIs(3));
  EXPECT_TRUE(fs::exists(recording_->folder() / "files/a.bin.part"));
}

TEST_F(ReceivedFiles, LargerThanAllowedAreRefused) {
  const auto refused = recording_->receive_file(
      {.participant = "alice", .name = "a", .size = 101, .most_bytes = 100});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBadInput);
  EXPECT_THAT(finished().of_kind(EventKind::kFileRefused), SizeIs(1));
}

TEST_F(ReceivedFiles, ThatNobodyEndedAreNamedIncomplete) {
  {
    auto incoming = recording_->receive_file({.participant = "alice", .name = "a", .size = 10});
    ASSERT_TRUE(incoming);
    ASSERT_TRUE((*incoming)->append("12345"));
  }
  const auto refused = finished().of_kind(EventKind::kFileRefused);
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0].path, "files/a.part");
  EXPECT_THAT(refused[0].reason, HasSubstr("5 of 10"));
}

// Checksums of large files, a disk that is slow: nobody was recorded meanwhile, and so nobody is
// missing.
TEST(Recording, ItsEndIsWhenTheWritingEndedHoweverLongTheRestTakes) {
  const TempFolder out;
  FakeClock clock(1'000'000'000'000, Feed::kStartWall);
  auto recording = *Recording::create(Log("x"), out.path(), {.room = "r"});
  ASSERT_TRUE(recording->begin_track(audio_track(1, "alice")));
  for (const EncodedFrame& frame : make_audio({.seconds = 2})) {
    ASSERT_TRUE(recording->write(1, arrived(frame, monotonic_ns())));
    ASSERT_TRUE(recording->beat());
    clock.advance(std::chrono::milliseconds(20));
  }
  auto file = recording->receive_file({.participant = "alice", .name = "a.txt", .size = 1});
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append("x"));
  // What is left of the sound, and the index, is written when it finishes.
  const uint64_t before = recording->stats().bytes;
  Waiter<bool> waited;
  (*file)->end("", [&, done = waited.taker()](const Result<ReceivedFile>&) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto finishes = [&] { return recording->stats().bytes > before; };
    while (!finishes() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    clock.advance(std::chrono::seconds(60));
    done(finishes());
  });
  file->reset();
  ASSERT_TRUE(recording->finish());
  ASSERT_TRUE(waited.get());
  const Recorded r(recording->folder());
  EXPECT_EQ(r.manifest.duration_ns(), 2'000'000'000);
  EXPECT_EQ(r.manifest.state, "finished");
}

TEST(Recording, IsGoneWithItsThreadAndDescriptors) {
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto threads = [] {
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
  };
  const auto frames = make_video({.frames = 10});
  const auto round = [&](bool finish) {
    Feed feed;
    feed.add({video_track(1, "alice"), frames});
    EXPECT_TRUE(feed.run(0.4, finish));
  };
  round(true);
  const auto files_before = open_files();
  const auto threads_before = threads();
  for (int i = 0; i < 20; ++i) round(i % 2 == 0);
  EXPECT_EQ(open_files(), files_before);
  EXPECT_EQ(threads(), threads_before);
}

}  // namespace
}  // namespace callbot::recordings
