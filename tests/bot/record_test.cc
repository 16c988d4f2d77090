#include "bot/record.h"

#include <fstream>
#include <set>

#include "recordings/manifest.h"
#include "tests/support/call_room.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using recordings::Severity;

class RecordTest : public test::CallRoom {};
// The pains of recorder users, by their numbers in CONTRIBUTING.md.
using Pain10 = RecordTest;
using Pain22 = RecordTest;

class RecordCodec : public RecordTest, public testing::WithParamInterface<const char*> {};

TEST_P(RecordCodec, EveryFrameThatWasSentIsRecordedAndPasses) {
  auto options = small("alice");
  options.codec = GetParam();
  start(options);
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  ASSERT_TRUE(recorded_frames(recorder, 150));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  const auto saved = recordings::saved_verdict(done.folder);
  ASSERT_TRUE(saved);
  EXPECT_EQ(to_json(*saved).dump(), to_json(*done.verdict).dump());
  std::set<std::string> codecs;
  for (const auto& track : done.verdict->tracks) codecs.insert(track.codec);
  EXPECT_EQ(codecs, (std::set<std::string>{GetParam(), "opus"}));
}

INSTANTIATE_TEST_SUITE_P(Codecs, RecordCodec, testing::Values("vp8", "vp9", "h264"),
                         [](const auto& codec) { return std::string(codec.param); });

TEST_F(RecordTest, EachMemberGetsItsOwnFile) {
  start(small("alice"));
  start(small("bob"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 4));
  ASSERT_TRUE(recorded_frames(recorder, 200));
  EXPECT_EQ(recorder.record->stats().files.size(), 2u);
  const auto& done = stopped(recorder);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  EXPECT_TRUE(fs::exists(done.folder / "media" / "alice-1.mkv"));
  EXPECT_TRUE(fs::exists(done.folder / "media" / "bob-1.mkv"));
}

TEST_F(Pain10, AMemberThatComesBackIsTheSameParticipant) {
  auto& first = start(small("alice"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  ASSERT_TRUE(left(first));
  ASSERT_TRUE(tracks(recorder, 0));
  start(small("alice"));
  ASSERT_TRUE(tracks(recorder, 2));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  std::set<std::string> participants;
  for (const auto& track : done.verdict->tracks) participants.insert(track.participant);
  EXPECT_EQ(participants.size(), 1u) << text(done);
  const auto manifest = Json::parse(*read_file(done.folder / "manifest.json", 1 << 20));
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->at("participants").at(size_t{0}).at("present").size(), 2u)
      << manifest->dump(true);
  EXPECT_EQ(manifest->at("tracks").size(), 4u);
}

TEST_F(Pain10, NoFrameIsMissingWhenTheRoomServerIsKilledAndRestarted) {
  start(small("alice"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  host_.kill();
  ASSERT_TRUE(recorded_frames(recorder, 120));
  host_.start();
  ASSERT_TRUE(
      loop_.run_until([&] { return host_.rooms().members("demo").size() == 2; }, kPatience));
  ASSERT_TRUE(recorded_frames(recorder, 250));
  const auto& done = stopped(recorder);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  ASSERT_TRUE(done.verdict);
  EXPECT_EQ(done.verdict->severity, Severity::kPass) << text(done);
  for (const auto& track : done.verdict->tracks) EXPECT_EQ(track.marks_missing, 0u) << text(done);
  EXPECT_FALSE(fs::exists(done.folder / "media" / "alice-2.mkv"));
}

// Somebody was killed here before: his recording is finished while this one runs.
TEST_F(RecordTest, WhatLiesOpenBelowTheFolderIsFinishedMeanwhile) {
  recordings::Facts facts;
  facts.room = "killed";
  auto killed = recordings::Recording::create(Log("killed"), folder_.path(), facts);
  ASSERT_TRUE(killed);
  const auto folder = (*killed)->folder();
  killed->reset();
  start(small("alice"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(loop_.run_until(
      [&] { return recordings::load(folder)->manifest.state == "finished"; }, kPatience));
  ASSERT_TRUE(tracks(recorder, 2));
  const auto& done = stopped(recorder);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  EXPECT_NE(done.folder, folder);
}

TEST_F(Pain22, AudioOnlyTakesNoVideo) {
  start(small("alice"));
  auto options = into_folder();
  options.audio_only = true;
  auto& recorder = start(options);
  ASSERT_TRUE(tracks(recorder, 1));
  ASSERT_TRUE(recorded_frames(recorder, 100));
  const auto& done = stopped(recorder);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  ASSERT_TRUE(done.verdict);
  ASSERT_EQ(done.verdict->tracks.size(), 1u) << text(done);
  EXPECT_EQ(done.verdict->tracks[0].media, "audio");
}

TEST_F(RecordTest, UntilEmptyEndsWithTheLastMember) {
  auto& alice = start(small("alice"));
  auto options = into_folder();
  options.until_empty = true;
  auto& recorder = start(options);
  ASSERT_TRUE(tracks(recorder, 2));
  ASSERT_TRUE(left(alice));
  const auto& done = finished(recorder);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  const auto manifest = Json::parse(*read_file(done.folder / "manifest.json", 1 << 20));
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->at("end").at("reason").text(), "empty") << manifest->dump(true);
}

TEST_F(RecordTest, DurationEndsIt) {
  start(small("alice"));
  auto options = into_folder();
  options.duration = 3s;
  const auto& done = finished(start(options));
  EXPECT_EQ(done.status, kExitGood) << text(done);
}

TEST_F(RecordTest, OnFinishGetsTheFolderAndTheVerdict) {
  const fs::path script = folder_.path() / "finish.sh";
  std::ofstream(script) << "#!/bin/sh\nprintf '%s %s' \"$1\" \"$2\" > \"$0.out\"\n";
  fs::permissions(script, fs::perms::owner_all);
  start(small("alice"));
  auto options = into_folder();
  options.on_finish = script.string();
  auto& recorder = start(options);
  ASSERT_TRUE(tracks(recorder, 2));
  const auto& done = stopped(recorder);
  EXPECT_EQ(*read_file(script.string() + ".out", 1000), done.folder.string() + " PASS")
      << text(done);
}

TEST_F(RecordTest, WhoAskedNotToBeRecordedIsNot) {
  start(small("alice"));
  // bob is a browser's worth of signaling only: what counts is that no file of his appears.
  test::RawMember bob(loop_, host_.url());
  bob.join(test::RawMember::join_message("bob").set("recording", "refused"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  const std::string journal = *read_file(done.folder / "journal.jsonl", 1 << 20);
  EXPECT_NE(journal.find("\"consent\""), std::string::npos) << journal;
  for (const auto& track : done.verdict->tracks) EXPECT_EQ(track.name, "alice");
}

TEST_F(RecordTest, AHostileMemberDisturbsNobody) {
  start(small("alice"));
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 2));
  test::RawMember mallory(loop_, host_.url());
  const Json joined = mallory.join("mallory");
  std::string recorder_id;
  for (size_t i = 0; i < joined.at("members").size(); ++i) {
    const Json member = joined.at("members").at(i);
    if (member.at("recorder").boolean().value_or(false)) recorder_id = *member.at("id").text();
  }
  ASSERT_FALSE(recorder_id.empty());
  int generation = 0;
  const auto offer = [&](const std::string& sdp) {
    mallory.send(Json::object()
                     .set("type", "offer")
                     .set("to", recorder_id)
                     .set("generation", ++generation)
                     .set("sdp", sdp));
  };
  offer("");
  offer("v=0\r\n");
  offer(std::string(900'000, 'x'));
  std::string lines = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
  std::string many = lines;
  for (int i = 0; i < 300; ++i)
    many += "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:" + std::to_string(i) +
            "\r\na=rtpmap:111 opus/48000/2\r\n";
  offer(many);
  offer(lines + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n");
  mallory.send(Json::object()
                   .set("type", "answer")
                   .set("to", recorder_id)
                   .set("generation", generation)
                   .set("sdp", "nonsense"));
  for (int i = 0; i < 50; ++i)
    mallory.send(Json::object()
                     .set("type", "candidate")
                     .set("to", recorder_id)
                     .set("generation", generation)
                     .set("candidate", "candidate:\x01garbage " + std::to_string(i))
                     .set("sdpMid", "0")
                     .set("sdpMLineIndex", 70000));
  EXPECT_TRUE(mallory.ping());
  ASSERT_TRUE(recorded_frames(recorder, 250));
  mallory.drop();
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  for (const auto& track : done.verdict->tracks) {
    if (track.name == "alice") {
      EXPECT_EQ(track.marks_missing, 0u) << text(done);
    }
  }
  const std::string journal = *read_file(done.folder / "journal.jsonl", 8 << 20);
  EXPECT_NE(journal.find("bad-input"), std::string::npos) << "the journal says what was refused";
}

TEST_F(RecordTest, NobodyThereIsUnmeasured) {
  auto options = into_folder();
  options.duration = 500ms;
  const auto& done = finished(start(options));
  EXPECT_EQ(done.status, kExitUnmeasured) << text(done);
}

TEST_F(RecordTest, AFolderThatCannotBeWrittenIsSaidBeforeJoining) {
  std::ofstream(folder_.path() / "file") << "x";
  auto options = into_folder();
  options.out = folder_.path() / "file" / "below";
  const auto& done = finished(start(options));
  EXPECT_EQ(done.status, kExitStorage);
  EXPECT_NE(text(done).find((folder_.path() / "file").string()), std::string::npos) << text(done);
  EXPECT_TRUE(host_.rooms().members("demo").empty());
}

TEST_F(RecordTest, AFolderThatDisappearsEndsThisRecordingAlone) {
  start(small("alice"));
  auto lost_options = into_folder();
  lost_options.join.name = "lost";
  lost_options.out = folder_.path() / "lost";
  auto& lost = start(lost_options);
  auto kept_options = into_folder();
  kept_options.out = folder_.path() / "kept";
  auto& kept = start(kept_options);
  ASSERT_TRUE(tracks(lost, 2) && tracks(kept, 2));
  fs::remove_all(folder_.path() / "lost");
  const auto& done = finished(lost);
  EXPECT_EQ(done.status, kExitStorage) << text(done);
  const auto& good = stopped(kept);
  EXPECT_EQ(good.status, kExitGood) << text(good);
}

struct Refusal {
  const char* name;
  std::string url;
  ExitStatus status;
  const char* words;
};

TEST_F(RecordTest, WhatCannotBeJoinedIsSaidWithItsReason) {
  const std::string port = std::to_string(host_.port());
  const Refusal refusals[] = {
      {"not a URL", "standup", kExitUsage, "standup"},
      {"unknown scheme", "ftp://127.0.0.1/rooms/r", kExitUsage, "known: ws, wss"},
      {"refused", "ws://127.0.0.1:1/rooms/r", kExitConnect, "Connection refused"},
      {"no such page", "ws://127.0.0.1:" + port + "/nowhere/r", kExitUsage, "/rooms/NAME"},
      {"room with dots", "ws://127.0.0.1:" + port + "/rooms/..%2Fx", kExitUsage,
       "cannot have a '/'"},
  };
  for (const Refusal& refusal : refusals) {
    auto options = into_folder();
    options.join.url = refusal.url;
    const auto& done = finished(start(options));
    EXPECT_EQ(done.status, refusal.status) << refusal.name << ": " << text(done);
    EXPECT_NE(text(done).find(refusal.words), std::string::npos)
        << refusal.name << ": " << text(done);
    EXPECT_TRUE(done.folder.empty()) << refusal.name;
  }
}

}  // namespace
}  // namespace callbot::bot
