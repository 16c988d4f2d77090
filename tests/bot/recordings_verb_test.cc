#include "bot/recordings_verb.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using test::make_recording;
using test::write;
using ::testing::HasSubstr;
using ::testing::Not;

class RecordingsVerb : public testing::Test {
 protected:
  // Runs it; what it printed is in out_text_ and error_text_.
  template <class Verb>
  ExitStatus run(Verb verb, bool json = false) {
    Console console(false);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const ExitStatus status = run_recordings(console, {out_.path(), json, std::move(verb)});
    fflush(stdout);
    out_text_ = testing::internal::GetCapturedStdout();
    error_text_ = testing::internal::GetCapturedStderr();
    return status;
  }
  Json json() const {
    auto json = Json::parse(out_text_);
    EXPECT_TRUE(json) << out_text_;
    return json ? *json : Json();
  }
  static constexpr int64_t kStart_ns = 1'795'234'842'000'000'000;

  test::TempFolder out_;
  std::string out_text_, error_text_;
};

TEST_F(RecordingsVerb, ListsEveryColumn) {
  const auto folder = make_recording(out_.path(), {.name = "standup-1",
                                                   .room = "standup",
                                                   .length_s = 3723.4,
                                                   .members = {"alice", "bob"},
                                                   .media_bytes = 2'000'000,
                                                   .verdict = "WARN"});
  ASSERT_EQ(run(TagRecording{"standup", {"a", "b"}, {}}), kExitGood);
  EXPECT_EQ(out_text_, "standup-1  tags a,b\n");
  ASSERT_EQ(run(KeepRecording{"standup-1"}), kExitGood);
  EXPECT_EQ(out_text_, "standup-1  tags a,b  keep\n");
  EXPECT_EQ(run(ListRecordings{}), kExitGood);
  for (const char* part : {"NAME", "STARTED (UTC)", "ROOM", "LENGTH", "MEMBERS", "SIZE", "STATE",
                           "VERDICT", "TAGS", "KEEP", "2026-11-21 04:20:42", "standup", "1:02:03.4",
                           "alice,bob", "2.0 MB", "finished", "WARN", "a,b", "keep\n"})
    EXPECT_THAT(out_text_, HasSubstr(part));
  EXPECT_EQ(run(ListRecordings{}, true), kExitGood);
  const Json r = json().at("recordings").at(size_t{0});
  EXPECT_EQ(r.at("folder").text(), folder.string());
  EXPECT_EQ(r.at("members").size(), 2u);
  EXPECT_EQ(r.at("tags").size(), 2u);
  EXPECT_EQ(r.at("keep").boolean(), true);
  EXPECT_EQ(r.at("verdict").text(), "WARN");
  EXPECT_EQ(r.at("length_s").number(), 3723.4);
}

TEST_F(RecordingsVerb, ListsInOrderAndNoMoreThanAsked) {
  make_recording(out_.path(), {.name = "b", .started_wall_ns = kStart_ns});
  make_recording(out_.path(), {.name = "a", .started_wall_ns = kStart_ns + 1'000'000'000});
  make_recording(out_.path(), {.name = "c", .started_wall_ns = kStart_ns + 2'000'000'000});
  run(ListRecordings{.limit = 2}, true);
  EXPECT_EQ(json().at("recordings").size(), 2u);
  EXPECT_EQ(json().at("total").whole(), 3);
  EXPECT_EQ(json().at("recordings").at(size_t{0}).at("name").text(), "c");
  run(ListRecordings{.sort = "name", .reverse = true, .limit = 1}, true);
  EXPECT_EQ(json().at("recordings").at(size_t{0}).at("name").text(), "c");
  run(ListRecordings{.query = {.text = "no such"}}, true);
  EXPECT_EQ(json().at("recordings").size(), 0u);
}

TEST_F(RecordingsVerb, FindsWhatWasWritten) {
  make_recording(out_.path(), {.name = "a", .chat = {"the deadline is Friday"}});
  make_recording(out_.path(), {.name = "b"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run(ListRecordings{.query = {.text = "DEADLINE"}}), kExitGood);
    EXPECT_THAT(out_text_, HasSubstr("\na "));
    EXPECT_THAT(out_text_, Not(HasSubstr("\nb ")));
  }
}

TEST_F(RecordingsVerb, WhatIsHostileIsShownAndNotDone) {
  make_recording(out_.path(), {.name = "a\nb\x1b[2J",
                               .room = "\u202eroom\x07",
                               .members = {"\x1b]0;title\x07"},
                               .label = "\n"});
  EXPECT_EQ(run(ListRecordings{}), kExitGood);
  EXPECT_EQ(std::count(out_text_.begin(), out_text_.end(), '\n'), 2);
  for (const char c : {'\x1b', '\x07'}) EXPECT_EQ(out_text_.find(c), std::string::npos);
  EXPECT_EQ(out_text_.find("\u202e"), std::string::npos);
  EXPECT_EQ(run(ListRecordings{}, true), kExitGood);
  EXPECT_EQ(json().at("recordings").at(size_t{0}).at("name").text(), "a\nb\x1b[2J");
}

TEST_F(RecordingsVerb, SaysWhatCannotBeRead) {
  write(make_recording(out_.path(), {.name = "bad"}) / "manifest.json", "{}");
  EXPECT_EQ(run(ListRecordings{}), kExitGood);
  EXPECT_THAT(out_text_, HasSubstr("unreadable"));
  EXPECT_THAT(error_text_, HasSubstr("note: bad: manifest.json"));
}

TEST_F(RecordingsVerb, ANameThatIsNotOneIsAnError) {
  make_recording(out_.path(), {.name = "room-1"});
  make_recording(out_.path(), {.name = "room-2"});
  EXPECT_EQ(run(ShowRecording{"room"}), kExitUsage);
  EXPECT_THAT(error_text_, HasSubstr("\n  room-1\n  room-2"));
  EXPECT_EQ(run(ShowRecording{"none"}), kExitUnmeasured);
  EXPECT_EQ(run(TagRecording{"room", {"a"}, {}}), kExitUsage);
  EXPECT_EQ(run(KeepRecording{"none"}), kExitUnmeasured);
  EXPECT_EQ(run(ShowRecording{"room-1"}), kExitGood);
  EXPECT_THAT(out_text_, HasSubstr("participants"));
}

TEST_F(RecordingsVerb, ExpirePrintsFirstAndDeletesOnlyIfTold) {
  make_recording(out_.path(), {.name = "old", .started_wall_ns = 0, .media_bytes = 1 << 20});
  make_recording(out_.path(), {.name = "new", .started_wall_ns = wall_ns()});
  ExpireRecordings expire{{.keep = std::chrono::hours(24)}, false};
  EXPECT_EQ(run(expire), kExitGood);
  EXPECT_THAT(out_text_, HasSubstr("would delete   old  1.1 MB  (age)"));
  EXPECT_THAT(out_text_, HasSubstr("1 of 2 recordings"));
  EXPECT_THAT(out_text_, HasSubstr("--yes"));
  EXPECT_EQ(run(expire, true), kExitGood);
  EXPECT_EQ(json().at("deleted").boolean(), false);
  EXPECT_EQ(json().at("expired").at(size_t{0}).at("name").text(), "old");
  EXPECT_GE(json().at("frees_bytes").whole(), 1 << 20);
  EXPECT_TRUE(fs::exists(out_.path() / "old"));
  expire.yes = true;
  EXPECT_EQ(run(expire), kExitGood);
  EXPECT_THAT(out_text_, HasSubstr("deleted        old"));
  EXPECT_FALSE(fs::exists(out_.path() / "old"));
}

TEST_F(RecordingsVerb, ExpireSaysWhatItCouldNot) {
  make_recording(out_.path(), {.name = "run", .started_wall_ns = 0, .state = "running"});
  const ExpireRecordings much{{.free_bytes = uint64_t{1} << 60}, true};
  EXPECT_EQ(run(much), kExitNotGood);
  EXPECT_THAT(error_text_, HasSubstr("--free 1152.9 PB cannot be reached"));
  EXPECT_THAT(out_text_, HasSubstr("1 running"));
  EXPECT_EQ(run(much, true), kExitNotGood);
  EXPECT_EQ(json().at("short_of_space").boolean(), true);
  EXPECT_EQ(json().at("stay").at("running").whole(), 1);
}

TEST_F(RecordingsVerb, AFolderThatIsNotThereIsAnError) {
  Console console(false);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_recordings(console, {"/nowhere/at/all", false, ListRecordings{}}), kExitStorage);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace callbot::bot
