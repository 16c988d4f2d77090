// A recording that is steered while it runs: real calls, and the control socket.
#include "bot/record_control.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <future>

#include "base/clock.h"
#include "bot/ctl.h"
#include "recordings/journal.h"
#include "tests/support/call_room.h"
#include "tests/support/recorded.h"
#include "tests/support/small_disk.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using recordings::EventKind;
using recordings::Severity;
using test::Recorded;
using testing::HasSubstr;
using testing::SizeIs;

class RecordControlTest : public test::CallRoom {
 protected:
  // As the verb ctl does it, from another thread.
  Result<Json> ctl(const Recorder& recorder, CtlOptions options, const std::string& pattern = "") {
    const fs::path folder = folder_of(recorder);
    auto answer = std::async(
        std::launch::async, [&] { return control_request(folder, ctl_request(options, pattern)); });
    EXPECT_TRUE(loop_.run_until([&] { return answer.wait_for(0s) == std::future_status::ready; },
                                kPatience));
    return answer.get();
  }
  fs::path folder_of(const Recorder&) const {
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (fs::exists(entry.path() / "manifest.json")) return entry.path();
    return {};
  }
  static uint64_t frames_of(Recorder& recorder, const std::string& name) {
    uint64_t n = 0;
    for (const auto& track : recorder.record->stats().tracks)
      if (track.info.name == name) n += track.frames;
    return n;
  }
  // Until so many frames more of this member are recorded.
  bool more(Recorder& recorder, const std::string& name, uint64_t frames) {
    const uint64_t before = frames_of(recorder, name);
    return loop_.run_until(
        [&] { return frames_of(recorder, name) >= before + frames || recorder.done; }, kPatience);
  }
  // Time passes in the call: the senders make so many packets more.
  bool pass(std::chrono::milliseconds time) {
    const int64_t until = monotonic_ns() + std::chrono::nanoseconds(time).count();
    return loop_.run_until([&] { return monotonic_ns() >= until; }, time + 10s);
  }
  static const recordings::Participant& participant(const Recorded& r, const std::string& name) {
    for (const auto& p : r.manifest.participants)
      if (p.name == name) return p;
    ADD_FAILURE() << "no " << name;
    static const recordings::Participant nobody;
    return nobody;
  }
  // Packets inside the span, less what jitter may move over its edges.
  static size_t inside(const std::vector<double>& times, double from, double to) {
    constexpr double kJitter = 0.25;
    return static_cast<size_t>(std::count_if(times.begin(), times.end(), [&](double t) {
      return t > from + kJitter && t < to - kJitter;
    }));
  }
};

TEST_F(RecordControlTest, WhatComesWhilePausedIsNotWritten) {
  start(small("alice"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  ASSERT_TRUE(more(recorder, "alice", 60));
  ASSERT_TRUE(ctl(recorder, {.command = "pause", .policy = "slate"}));
  const auto already = ctl(recorder, {.command = "pause"});
  ASSERT_FALSE(already);
  EXPECT_EQ(already.error().message, "paused already");
  EXPECT_EQ(exit_status(already.error()), kExitUsage);
  ASSERT_TRUE(pass(2500ms));
  ASSERT_TRUE(ctl(recorder, {.command = "resume"}));
  EXPECT_FALSE(ctl(recorder, {.command = "resume"})) << "not paused";
  ASSERT_TRUE(more(recorder, "alice", 60));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  const Recorded r(done.folder);
  ASSERT_THAT(r.manifest.pauses, SizeIs(1));
  const auto& pause = r.manifest.pauses[0];
  EXPECT_EQ(pause.policy, "slate");
  EXPECT_EQ(pause.participant, "");
  ASSERT_TRUE(pause.to_ns);
  const double from = static_cast<double>(pause.from_ns) / 1e9;
  const double to = static_cast<double>(*pause.to_ns) / 1e9;
  EXPECT_GE(to - from, 2.5);
  for (const auto kind : {MediaKind::kVideo, MediaKind::kAudio}) {
    const auto lane = r.lane(participant(r, "alice").id, kind);
    EXPECT_EQ(inside(lane.packet_times(), from, to), 0u);
    EXPECT_EQ(test::undecodable_count(lane), 0u);
  }
  const auto lane = r.lane(participant(r, "alice").id, MediaKind::kVideo);
  const auto all = test::pictures(lane);
  const auto first =
      std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.time > from + 0.5; });
  ASSERT_NE(first, all.end());
  ASSERT_TRUE(first->mark && (first - 1)->mark);
  EXPECT_GT(first->mark->counter - (first - 1)->mark->counter, 2.2 * 15) << "frames of the pause";
  EXPECT_THAT(lane.pieces, SizeIs(1)) << "the file goes on";
}

TEST_F(RecordControlTest, OneMemberIsPausedAndTheOtherGoesOn) {
  start(small("alice"));
  start(small("bob"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 4));
  ASSERT_TRUE(ctl(recorder, {.command = "pause", .member = "bob"}));
  const auto nobody = ctl(recorder, {.command = "pause", .member = "carol"});
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message, HasSubstr("\"carol\""));
  EXPECT_EQ(exit_status(nobody.error()), kExitUsage);
  ASSERT_TRUE(pass(1000ms));  // what came before the pause is written
  const uint64_t bobs = frames_of(recorder, "bob");
  ASSERT_TRUE(more(recorder, "alice", 100));
  EXPECT_EQ(frames_of(recorder, "bob"), bobs);
  const auto status = ctl(recorder, {.command = "status"});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_THAT(status_text(*status), HasSubstr("bob     paused"));
  ASSERT_TRUE(ctl(recorder, {.command = "resume", .member = "bob"}));
  ASSERT_TRUE(more(recorder, "bob", 60));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  for (const auto& track : done.verdict->tracks) {
    if (track.name == "alice") {
      EXPECT_EQ(track.marks_missing, 0u) << text(done);
    }
  }
}

TEST_F(RecordControlTest, SplitLosesAndDoublesNothing) {
  start(small("alice"));
  start(small("bob"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 4));
  for (size_t files = 4; files <= 6; files += 2) {
    ASSERT_TRUE(more(recorder, "alice", 60));
    ASSERT_TRUE(ctl(recorder, {.command = "split"}));
    ASSERT_TRUE(
        loop_.run_until([&] { return recorder.record->stats().files.size() == files; }, kPatience));
  }
  ASSERT_TRUE(more(recorder, "alice", 60));
  ASSERT_TRUE(more(recorder, "bob", 60));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  for (const auto& track : done.verdict->tracks) {
    EXPECT_EQ(track.marks_missing + track.marks_duplicated + track.marks_reordered, 0u)
        << text(done);
    EXPECT_EQ(track.undecodable, 0u) << text(done);
  }
  const Recorded r(done.folder);
  for (const char* name : {"alice", "bob"}) {
    const auto lane = r.lane(participant(r, name).id, MediaKind::kVideo);
    const auto seen = test::counters(lane);
    EXPECT_EQ(seen, test::counting(seen.front(), static_cast<int64_t>(seen.size()))) << name;
    EXPECT_THAT(lane.pieces, SizeIs(3)) << name;
  }
}

TEST_F(RecordControlTest, SegmentsBeginByThemselves) {
  start(small("alice"));
  auto options = into_folder();
  options.rules.segment_duration = 2s;
  auto& recorder = start(options);
  ASSERT_TRUE(loop_.run_until(
      [&] { return recorder.record->stats().files.size() >= 3 || recorder.done; }, kPatience));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  for (const auto& track : done.verdict->tracks) EXPECT_EQ(track.marks_missing, 0u) << text(done);
  EXPECT_EQ(Recorded(done.folder).manifest.media[0].reason, "limit");
}

TEST_F(RecordControlTest, MarkersAndSpeechAreInTheManifest) {
  start(small("alice"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  const auto marked = ctl(recorder, {.command = "mark", .text = "Decision: \u00fc \"x\""});
  ASSERT_TRUE(marked) << marked.error().message;
  EXPECT_FALSE(ctl(recorder, {.command = "mark"})) << "without a text";
  ASSERT_TRUE(more(recorder, "alice", 60));
  const auto& done = stopped(recorder);
  const Recorded r(done.folder);
  ASSERT_THAT(r.manifest.markers, SizeIs(1));
  EXPECT_EQ(r.manifest.markers[0].text, "Decision: \u00fc \"x\"");
  EXPECT_NEAR(static_cast<double>(r.manifest.markers[0].at_ns),
              static_cast<double>(*marked->at("at_ns").whole()), 1e8);
  // The pattern's sound is never quiet, and our sender says how loud it is.
  const auto& spoke = participant(r, "alice").spoke;
  ASSERT_THAT(spoke, SizeIs(1)) << "from the beginning to the end";
  EXPECT_GT(*spoke[0].to_ns - spoke[0].from_ns, 1'000'000'000);
  EXPECT_TRUE(fs::exists(done.folder / "speakers.json"));
  EXPECT_THAT(*read_file(done.folder / "speakers.vtt", 10000), HasSubstr("<v alice>alice</v>"));
  EXPECT_FALSE(fs::exists(done.folder / kControlSocket));
}

TEST_F(RecordControlTest, WhoIsExcludedHasNotOneFrame) {
  start(small("alice"));
  start(small("bob"));
  auto options = into_folder();
  options.rules.exclude = {"BO*"};
  auto& recorder = start(options);
  ASSERT_TRUE(tracks(recorder, 2));
  ASSERT_TRUE(more(recorder, "alice", 60));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  const Recorded r(done.folder);
  for (const auto& track : r.manifest.tracks)
    EXPECT_EQ(track.participant, participant(r, "alice").id);
  ASSERT_THAT(participant(r, "bob").excluded, SizeIs(1));
  EXPECT_EQ(participant(r, "bob").excluded[0].reason, "BO*");
}

TEST_F(RecordControlTest, MembersAreExcludedAndIncludedWhileItRuns) {
  start(small("alice"));
  start(small("bob"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 4));
  ASSERT_TRUE(ctl(recorder, {.command = "exclude"}, "b*"));
  ASSERT_TRUE(tracks(recorder, 2));
  const uint64_t bobs = frames_of(recorder, "bob");
  ASSERT_TRUE(more(recorder, "alice", 60));
  EXPECT_EQ(frames_of(recorder, "bob"), bobs);
  ASSERT_TRUE(ctl(recorder, {.command = "include"}, "bob"));
  ASSERT_TRUE(tracks(recorder, 4));
  ASSERT_TRUE(more(recorder, "bob", 60));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  const Recorded r(done.folder);
  ASSERT_THAT(participant(r, "bob").excluded, SizeIs(1));
  const auto& span = participant(r, "bob").excluded[0];
  const auto times = r.lane(participant(r, "bob").id, MediaKind::kAudio).packet_times();
  EXPECT_EQ(inside(times, static_cast<double>(span.from_ns) / 1e9,
                   static_cast<double>(*span.to_ns) / 1e9),
            0u);
}

TEST_F(RecordControlTest, LimitsEndItWithTheirReason) {
  auto& alice = start(small("alice"));
  auto options = into_folder();
  options.rules.most_bytes = 150'000;
  const auto& done = finished(start(options));
  EXPECT_EQ(done.status, kExitGood) << text(done);
  EXPECT_EQ(Recorded(done.folder).manifest.ending->reason, "size");
  ASSERT_TRUE(left(alice));
}

TEST_F(RecordControlTest, SilenceEndsItAndSpeechDoesNot) {
  for (const bool speaks : {true, false}) {
    auto alice = small("alice");
    alice.audio = speaks;  // otherwise she says that her sound is off
    auto& sender = start(alice);
    auto options = into_folder();
    options.rules.until_silent = 500ms;
    options.duration = 4s;
    const auto& done = finished(start(options));
    EXPECT_EQ(Recorded(done.folder).manifest.ending->reason, speaks ? "duration" : "silent");
    ASSERT_TRUE(left(sender));
  }
}

TEST_F(RecordControlTest, WhatIsNoCommandIsRefused) {
  auto& recorder = start(into_folder());
  ASSERT_TRUE(loop_.run_until([&] { return recorder.record->joined(); }, kPatience));
  for (const char* what : {"", "stop", "Pause"}) {
    const auto answer = ctl(recorder, {.command = what});
    ASSERT_FALSE(answer) << what;
    EXPECT_EQ(answer.error().code, Code::kUsage);
  }
  const auto policy = ctl(recorder, {.command = "pause", .policy = "delete"});
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().message, HasSubstr("policy: expected cut or slate"));
  EXPECT_FALSE(ctl(recorder, {.command = "exclude"}, ""));
  const auto pattern = ctl(recorder, {.command = "exclude"}, "[a");
  ASSERT_FALSE(pattern);
  EXPECT_EQ(exit_status(pattern.error()), kExitUsage);
  EXPECT_THAT(pattern.error().message, HasSubstr("\"[a\""));
  const fs::path folder = folder_of(recorder);
  stopped(recorder);
  const auto over = control_request(folder, ctl_request({.command = "status"}));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::kConnect);
}

// Whoever hears "ok" may rely on it: a kill at that moment would forget what is not written.
TEST(RecordControlOnAFullDisk, WhatCannotBeWrittenIsNotSaidToBeDone) {
  Loop loop;
  Console console{false};
  test::SmallDisk disk("size=4m");
  ASSERT_TRUE(disk.mounted()) << disk.needs();
  pipelines::WriterPool pool;
  Worker worker{loop, 1};
  RecordingSession session(loop, Log("test"), pool, worker,
                           {.out = disk.path(), .facts = {.room = "r"}}, [](const Error&) {});
  ASSERT_TRUE(session.begin({.request_key_frame = [](TrackId) {},
                             .participant_of = [](const std::string& m) { return m; },
                             .tracks = [] { return std::vector<CallTrack>(); }}));
  RecordControl control(Log("test"), console, session,
                        {.members = [] { return std::vector<signaling::Member>(); },
                         .participant_of = [](const std::string& m) { return m; },
                         .choose = nullptr});
  ASSERT_TRUE(control.open());
  const auto mark = [&] {
    const auto request = Json::object().set("do", "mark").set("text", std::string(1000, 'x'));
    auto answer =
        std::async(std::launch::async, [&] { return control_request(session.folder(), request); });
    EXPECT_TRUE(
        loop.run_until([&] { return answer.wait_for(0s) == std::future_status::ready; }, 20s));
    return answer.get();
  };
  const auto written = [&] {
    return recordings::read_journal(session.folder() / "journal.jsonl").events.size();
  };
  ASSERT_TRUE(mark());  // what the journal begins with is before it
  size_t before = written();
  for (int n = 0; n < 30; ++n) {
    ASSERT_TRUE(mark());
    ASSERT_EQ(written(), before + 1) << "when it was answered";
    before = written();
  }
  disk.fill();
  // Where a page has room the next lines still are.
  for (Result<Json> answer = mark();; answer = mark()) {
    if (!answer) {
      EXPECT_EQ(answer.error().code, Code::kStorage) << answer.error().message;
      break;
    }
    ASSERT_EQ(written(), ++before) << "nothing that was answered is missing";
  }
}

}  // namespace
}  // namespace callbot::bot
