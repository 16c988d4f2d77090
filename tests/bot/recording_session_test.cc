#include "bot/recording_session.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/clock.h"
#include "bot/judge.h"
#include "tests/support/key_ring.h"
#include "tests/support/marked_media.h"
#include "tests/support/recorded.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using recordings::EventKind;
using signaling::Member;
using test::Recorded;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{60000};
const Member kAlice{.id = "a1", .name = "Alice"};

class RecordingSessionTest : public testing::Test {
 protected:
  pipelines::Sink& begin() {
    auto sink = session_->begin({.request_key_frame = [this](TrackId t) { asked_.push_back(t); },
                                 .participant_of =
                                     [this](const std::string& member) {
                                       const auto found = participants_.find(member);
                                       return found == participants_.end() ? member : found->second;
                                     },
                                 .tracks = [this] { return tracks_; }});
    EXPECT_TRUE(sink) << sink.error().message;
    return **sink;
  }
  // As they came from a call, faster.
  void give(pipelines::Sink& sink, TrackId track, const test::EncodedFrames& frames) {
    for (const test::EncodedFrame& f : frames)
      sink.frame(track, test::arrived(f, begin_ns_ + f.time_ns));
  }
  const RecordingSession::Done& finish(const recordings::Ending& why = {.reason = "test"}) {
    session_->finish(
        why, [this](double share) { progress_.push_back(share); },
        [this](RecordingSession::Done done) { done_ = std::move(done); });
    EXPECT_TRUE(loop_.run_until([&] { return done_.has_value(); }, kPatience));
    return *done_;
  }
  void send_file(const Member& from, const std::string& name, const std::string& bytes) {
    session_->file_begin(from, {.name = name, .size = bytes.size()});
    session_->file_chunk(from, bytes.substr(0, bytes.size() / 2));
    session_->file_chunk(from, bytes.substr(bytes.size() / 2));
  }

  Loop loop_;
  test::TempFolder folder_;
  pipelines::WriterPool pool_;
  Worker worker_{loop_, 1};
  std::vector<Error> failures_;
  std::vector<TrackId> asked_;
  std::vector<CallTrack> tracks_;
  std::map<std::string, std::string> participants_;
  std::vector<double> progress_;
  std::optional<RecordingSession::Done> done_;
  int64_t begin_ns_ = monotonic_ns();
  std::unique_ptr<RecordingSession> session_ = std::make_unique<RecordingSession>(
      loop_, Log("test"), pool_, worker_,
      SessionConfig{.out = folder_.path(), .facts = {.room = "r"}, .most_file_bytes = 1000},
      [this](const Error& error) { failures_.push_back(error); });
};

std::vector<std::string> names_of(const std::vector<recordings::Event>& events) {
  std::vector<std::string> names;
  for (const auto& event : events) names.push_back(event.name);
  return names;
}

TEST_F(RecordingSessionTest, WritesWhatItIsGivenAndJudgesIt) {
  const auto video = test::make_video({.frames = 30});
  auto& sink = begin();
  session_->member_joined(kAlice);
  sink.add_track(test::video_track(1, "a1"));
  give(sink, 1, video);
  sink.remove_track(1);
  session_->member_left(kAlice);
  const auto& done = finish({.reason = "empty", .by = "recorder"});
  ASSERT_TRUE(done.written) << done.written.error().message;
  ASSERT_TRUE(done.verdict) << done.verdict.error().message;
  ASSERT_EQ(done.verdict->tracks.size(), 1u);
  EXPECT_EQ(done.verdict->tracks[0].marks, 30u);
  EXPECT_EQ(done.folder.parent_path(), folder_.path());
  ASSERT_FALSE(progress_.empty());
  EXPECT_TRUE(std::is_sorted(progress_.begin(), progress_.end()));
  const Recorded recorded(done.folder);
  EXPECT_EQ(test::counters(recorded.lane("a1", MediaKind::kVideo)), test::counting(0, 30));
  EXPECT_EQ(recorded.manifest.ending->reason, "empty");
  EXPECT_TRUE(failures_.empty());
}

TEST_F(RecordingSessionTest, NothingRecordedIsUnmeasured) {
  begin();
  const auto& done = finish();
  EXPECT_TRUE(done.written);
  ASSERT_FALSE(done.verdict);
  EXPECT_EQ(done.verdict.error().code, Code::kUnmeasured);
}

TEST_F(RecordingSessionTest, TheJournalTellsWhatMembersSaidOfThemselves) {
  using State = Member::State;
  begin();
  Member before = kAlice;
  before.audio = State::kOn;
  before.video = State::kOff;
  session_->member_joined(before);
  Member after = before;
  after.name = "Alicia";
  after.may_be_recorded = false;
  after.audio = State::kOff;
  after.video = State::kOn;
  after.video_source = "screen";
  session_->member_changed(before, after);
  session_->member_changed(after, after);  // nothing new
  Member shy{.id = "b1", .name = "Shy", .may_be_recorded = false, .audio = State::kOn};
  session_->member_joined(shy);
  session_->member_joined({.id = "r1", .name = "Rec", .recorder = true, .audio = State::kOn});
  finish();
  const Recorded recorded(done_->folder);
  EXPECT_THAT(names_of(recorded.of_kind(EventKind::kMemberJoined)),
              ElementsAre("Alice", "Shy", "Rec"));
  EXPECT_THAT(names_of(recorded.of_kind(EventKind::kMemberRenamed)), ElementsAre("Alicia"));
  std::vector<std::string> consents, states;
  for (const auto& e : recorded.of_kind(EventKind::kConsent))
    consents.push_back(e.participant + (e.allowed == true ? " yes" : " no"));
  EXPECT_THAT(consents, ElementsAre("a1 no", "b1 no"));
  for (const auto& e : recorded.of_kind(EventKind::kState))
    states.push_back(e.participant + " " + name_of(*e.media) + (e.on == true ? " on" : " off") +
                     (e.source.empty() ? "" : " " + e.source));
  EXPECT_THAT(states, ElementsAre("a1 audio on", "a1 video off", "a1 audio off",
                                  "a1 video on screen", "b1 audio on"));
}

TEST_F(RecordingSessionTest, WhoComesBackIsTheSameParticipant) {
  begin();
  participants_["a2"] = "a1";
  session_->member_joined(kAlice);
  session_->member_left(kAlice);
  session_->member_joined({.id = "a2", .name = "Alice"});
  finish();
  const Recorded recorded(done_->folder);
  ASSERT_EQ(recorded.manifest.participants.size(), 1u);
  EXPECT_EQ(recorded.manifest.participants[0].present.size(), 2u);
}

TEST_F(RecordingSessionTest, ChatOfWhoMayNotBeRecordedIsNot) {
  begin();
  session_->member_joined(kAlice);
  session_->chat(kAlice, "hello");
  Member shy = kAlice;
  shy.may_be_recorded = false;
  session_->chat(shy, "secret");
  send_file(shy, "secret.txt", "secret");
  session_->file_end(shy, nullptr, [](auto) { FAIL(); });
  finish();
  const Recorded recorded(done_->folder);
  ASSERT_EQ(recorded.of_kind(EventKind::kChat).size(), 1u);
  EXPECT_EQ(recorded.of_kind(EventKind::kChat)[0].text, "hello");
  EXPECT_FALSE(fs::exists(done_->folder / "files"));
}

TEST_F(RecordingSessionTest, AFileArrivesWholeUnderItsName) {
  begin();
  session_->member_joined(kAlice);
  std::optional<Result<recordings::ReceivedFile>> got;
  send_file(kAlice, "../notes.txt", "some notes");
  const FileEnd end{sha256_hex("some notes")};
  session_->file_end(kAlice, &end, [&](auto file) { got = std::move(file); });
  ASSERT_TRUE(loop_.run_until([&] { return got.has_value(); }, kPatience));
  ASSERT_TRUE(*got) << got->error().message;
  finish();
  const Recorded recorded(done_->folder);
  ASSERT_EQ(recorded.manifest.received.size(), 1u);
  const auto& file = recorded.manifest.received[0];
  EXPECT_EQ(file.name, "../notes.txt");
  EXPECT_EQ(fs::path(file.path).parent_path(), "files");
  EXPECT_EQ(*read_file(done_->folder / file.path, 100), "some notes");
}

TEST_F(RecordingSessionTest, FilesThatDoNotArriveAsAnnouncedAreSaid) {
  begin();
  for (const Member& m : {kAlice, Member{.id = "b1", .name = "Bob"}}) session_->member_joined(m);
  std::vector<std::string> errors;
  const auto note = [&](const Result<recordings::ReceivedFile>& file) {
    errors.push_back(file ? "none" : file.error().message);
  };
  send_file(kAlice, "wrong.txt", "bytes");
  const FileEnd wrong{std::string(64, '0')};
  session_->file_end(kAlice, &wrong, note);
  ASSERT_TRUE(loop_.run_until([&] { return errors.size() == 1; }, kPatience));
  EXPECT_THAT(errors[0], HasSubstr("checksum"));

  session_->file_begin(kAlice, {.name = "large.txt", .size = 1001});  // most_file_bytes
  session_->file_chunk(kAlice, "ignored");
  const FileEnd end{};
  session_->file_end(kAlice, &end, note);

  session_->file_begin(kAlice, {.name = "more.txt", .size = 3});
  session_->file_chunk(kAlice, "more than announced");
  session_->file_end(kAlice, &end, note);

  const Member bob{.id = "b1", .name = "Bob"};
  send_file(bob, "broken.txt", "half");
  session_->member_left(bob);
  finish();
  EXPECT_EQ(errors.size(), 1u) << "what was refused or broken off has no end";
  const Recorded recorded(done_->folder);
  EXPECT_THAT(names_of(recorded.of_kind(EventKind::kFileRefused)),
              testing::UnorderedElementsAre("wrong.txt", "large.txt", "more.txt", "broken.txt"));
  EXPECT_TRUE(recorded.manifest.received.empty());
}

TEST_F(RecordingSessionTest, LossIsNotedWhenItGrew) {
  auto& sink = begin();
  session_->member_joined(kAlice);
  sink.add_track(test::audio_track(7, "a1"));
  give(sink, 7, test::make_audio({.seconds = 1}));
  CallTrack track{.info = test::audio_track(7, "a1"), .stats = {.track = 7}};
  for (const int64_t lost : {-1, 0, 3, 3, 5}) {
    track.stats.packets_lost = lost;
    track.stats.packets_repaired = 2;
    tracks_ = {track};
    session_->count_loss();
  }
  finish();
  std::vector<int64_t> counts;
  for (const auto& e : Recorded(done_->folder).of_kind(EventKind::kLoss)) {
    counts.push_back(e.count);
    EXPECT_EQ(e.repaired, 2);
  }
  EXPECT_THAT(counts, ElementsAre(3, 5));
}

TEST_F(RecordingSessionTest, TroubleWithPeersSignalingAndPicturesIsNoted) {
  auto& sink = begin();
  session_->member_joined(kAlice);
  session_->peer("a1", true, "ICE failed");
  session_->peer("a1", false, "");
  session_->signaling(true, "server gone");
  session_->signaling(false, "");
  session_->error("a1", {Code::kBadInput, "a bad offer"});
  sink.add_track(test::video_track(1, "a1"));
  give(sink, 1, test::make_video({.frames = 10}));
  ASSERT_TRUE(loop_.run_until([&] { return !session_->stats().tracks.empty(); }, kPatience));
  session_->key_frame(1, std::nullopt);
  session_->key_frame(1, 250ms);
  finish();
  const Recorded recorded(done_->folder);
  EXPECT_EQ(recorded.manifest.participants[0].peers_lost, 1u);
  EXPECT_EQ(recorded.of_kind(EventKind::kPeerFresh).size(), 1u);
  EXPECT_EQ(recorded.manifest.interruptions.size(), 1u);
  ASSERT_EQ(recorded.manifest.failures.size(), 1u);
  EXPECT_EQ(recorded.manifest.failures[0].code, "bad-input");
  ASSERT_EQ(recorded.manifest.tracks.size(), 1u);
  EXPECT_EQ(recorded.manifest.tracks[0].key_frame_waits, 1u);
  EXPECT_EQ(recorded.manifest.tracks[0].key_frame_wait_ns, 250'000'000);
}

// A stretch can only end at a key frame: the writer asks the call for one, on the loop.
TEST_F(RecordingSessionTest, AsksTheSenderForTheKeyFrameThatASecondPictureNeeds) {
  auto& sink = begin();
  session_->member_joined(kAlice);
  sink.add_track(test::video_track(1, "a1"));
  give(sink, 1, test::make_video({.frames = 30}));
  ASSERT_TRUE(loop_.run_until([&] { return !session_->stats().files.empty(); }, kPatience));
  TrackInfo screen = test::video_track(2, "a1");
  screen.mid = "screen";
  sink.add_track(screen);
  begin_ns_ = monotonic_ns();
  give(sink, 2, test::make_video({.frames = 30}));
  EXPECT_TRUE(loop_.run_until([&] { return !asked_.empty(); }, kPatience));
  EXPECT_THAT(asked_, testing::Each(1u));
  finish();
}

TEST_F(RecordingSessionTest, AFolderThatGoesAwayIsSaidOnceAndAgainAtTheEnd) {
  auto& sink = begin();
  session_->member_joined(kAlice);
  sink.add_track(test::audio_track(1, "a1"));
  fs::remove_all(folder_.path());
  give(sink, 1, test::make_audio({.seconds = 1}));
  ASSERT_TRUE(loop_.run_until([&] { return !failures_.empty(); }, kPatience));
  EXPECT_EQ(failures_[0].code, Code::kStorage);
  const auto& done = finish();
  ASSERT_FALSE(done.written);
  EXPECT_EQ(done.written.error().code, Code::kStorage);
  EXPECT_EQ(failures_.size(), 1u);
  EXPECT_FALSE(done.verdict);
}

TEST_F(RecordingSessionTest, AFolderThatCannotBeMadeIsRefused) {
  RecordingSession other(loop_, Log("test"), pool_, worker_, {.out = "/proc/version/x"},
                         [](const Error&) {});
  const auto sink = other.begin({});
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, Code::kStorage);
  EXPECT_FALSE(other.begun());
}

TEST_F(RecordingSessionTest, TheJudgingCanBeAborted) {
  auto& sink = begin();
  session_->member_joined(kAlice);
  sink.add_track(test::video_track(1, "a1"));
  give(sink, 1, test::make_video({.frames = 60}));
  session_->abort_judging();
  const auto& done = finish();
  EXPECT_TRUE(done.written);
  ASSERT_FALSE(done.verdict);
  EXPECT_EQ(done.verdict.error().code, Code::kInterrupted);
  EXPECT_EQ(Recorded(done.folder).manifest.state, "finished");
}

TEST_F(RecordingSessionTest, MayBeDestroyedInTheMiddle) {
  auto& sink = begin();
  session_->member_joined(kAlice);
  session_->file_begin(kAlice, {.name = "half.txt", .size = 10});
  sink.add_track(test::video_track(1, "a1"));
  give(sink, 1, test::make_video({.frames = 30}));
  const fs::path folder = session_->folder();
  session_.reset();
  // What was handed over is still written, behind its back.
  EXPECT_TRUE(loop_.run_until(
      [&] {
        const auto loaded = recordings::load(folder);
        return loaded && loaded->manifest.state == "finished";
      },
      kPatience));
  EXPECT_EQ(test::counters(Recorded(folder).lane("a1", MediaKind::kVideo)), test::counting(0, 30));
}

// Should we die before it is judged, the next one knows.
TEST_F(RecordingSessionTest, AVerdictIsOwedUntilItIsThere) {
  auto& sink = begin();
  const fs::path folder = session_->folder();
  EXPECT_TRUE(recordings::owes_verdict(folder));
  EXPECT_FALSE(recordings::OwedVerdict::take(folder)) << "it is ours";
  session_->member_joined(kAlice);
  sink.add_track(test::video_track(1, "a1"));
  give(sink, 1, test::make_video({.frames = 30}));
  sink.remove_track(1);
  session_->finish(
      {.reason = "test"}, [](double) {},
      [&](RecordingSession::Done done) {
        EXPECT_FALSE(recordings::owes_verdict(folder));
        EXPECT_TRUE(recordings::saved_verdict(folder));
        done_ = std::move(done);
      });
  EXPECT_TRUE(recordings::owes_verdict(folder));
  ASSERT_TRUE(loop_.run_until([&] { return done_.has_value(); }, kPatience));
}

TEST_F(RecordingSessionTest, WhatDiesBeforeItIsJudgedStaysOwed) {
  begin();
  const fs::path folder = session_->folder();
  session_->finish(
      {.reason = "test"}, [](double) {}, [](const RecordingSession::Done&) { FAIL(); });
  session_.reset();
  EXPECT_TRUE(recordings::OwedVerdict::take(folder)) << "nobody is at it any more";
}

TEST_F(RecordingSessionTest, WhatSomebodyElseJudgesIsNotGivenASecondTime) {
  begin();
  const fs::path folder = finish().folder;
  for (const bool still : {false, true}) {
    recordings::owe_verdict(folder);
    auto somebody = recordings::OwedVerdict::take(folder);
    ASSERT_TRUE(somebody);
    done_.reset();
    session_ = std::make_unique<RecordingSession>(loop_, Log("test"), pool_, worker_,
                                                  SessionConfig{.out = folder_.path()},
                                                  [](const Error&) {});
    bool resumed = false;
    session_->resume(folder, [&](const Result<>& done) { resumed = done.has_value(); });
    ASSERT_TRUE(loop_.run_until([&] { return resumed; }, kPatience));
    begin();
    if (!still) somebody.reset();
    EXPECT_EQ(finish().to_give, !still);
  }
}

// The first process took its keys with it, so nobody but the secret key judges the whole.
TEST_F(RecordingSessionTest, AnEncryptedOneThatWasResumedSaysHowItIsJudged) {
  const test::TestKeys keys;
  const auto session = [&] {
    session_ = std::make_unique<RecordingSession>(
        loop_, Log("test"), pool_, worker_,
        SessionConfig{.out = folder_.path(), .seal_to = keys.pair.public_key}, [](const Error&) {});
  };
  const auto part = [&] {
    done_.reset();
    auto& sink = begin();
    session_->member_joined(kAlice);
    sink.add_track(test::audio_track(1, "a1"));
    give(sink, 1, test::make_audio({.seconds = 1}));
    sink.remove_track(1);
    return finish();
  };
  session();
  const auto first = part();
  ASSERT_TRUE(first.verdict) << first.verdict.error().message;
  test::TestKeys::take_none();
  session();
  bool resumed = false;
  session_->resume(first.folder, [&](const Result<>& done) { resumed = done.has_value(); });
  ASSERT_TRUE(loop_.run_until([&] { return resumed; }, kPatience));
  const auto second = part();
  ASSERT_FALSE(second.verdict);
  EXPECT_EQ(second.verdict.error().code, Code::kUnmeasured);
  EXPECT_THAT(second.verdict.error().message,
              HasSubstr("callbot repair '" + first.folder.string() + "' --key FILE"));
  session_.reset();
  keys.take_secret();
  testing::internal::CaptureStdout();
  Console console{false};
  const auto status = run_repair(console, {.dir = first.folder});
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("judged: "));
  EXPECT_EQ(status, kExitGood);
  EXPECT_TRUE(recordings::saved_verdict(first.folder));
}

}  // namespace
}  // namespace callbot::bot
