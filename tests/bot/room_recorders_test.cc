#include "bot/room_recorders.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/files.h"
#include "bot/control.h"
#include "bot/send.h"
#include "recordings/asked.h"
#include "recordings/verify.h"
#include "tests/support/media_on_disk.h"
#include "tests/support/recorded.h"
#include "tests/support/room_host.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using test::RawMember;
using test::Recorded;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::milliseconds kPatience{60000};
constexpr uintmax_t kSomeMedia = 60'000;  // bytes

// A room server in this process; the recorders are processes of the built program.
class RoomRecordersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(script_) << "#!/bin/sh\nprintf '%s %s\\n' \"$1\" \"$2\" >> \"$0.out\"\n";
    fs::permissions(script_, fs::perms::owner_all);
    recorders_ =
        std::make_unique<RoomRecorders>(loop_, console_, recorder_command(), uint64_t{1} << 40);
  }
  void TearDown() override { stop(); }

  RecorderCommand recorder_command() const {
    RecorderCommand command;
    command.program = CALLBOT_PROGRAM;
    command.out = out_;
    command.base_url = "ws://127.0.0.1:" + std::to_string(host_.port());
    command.on_finish = script_.string();
    return command;
  }
  void stop() {
    if (!recorders_) return;
    bool stopped = false;
    recorders_->stop([&] { stopped = true; });
    EXPECT_TRUE(loop_.run_until([&] { return stopped; }, kPatience));
    recorders_.reset();
  }
  Send& send(const std::string& room, const std::string& name) {
    SendOptions o;
    o.join.url = host_.url(room);
    o.join.name = name;
    o.width = 320;
    o.height = 180;
    o.fps = 15;
    o.bitrate = 300'000;
    o.seed = ++seeds_;
    senders_.push_back(std::make_unique<Send>(loop_, console_, o, [](auto) {}));
    senders_.back()->start();
    return *senders_.back();
  }
  void leave(Send& sender) {
    sender.interrupt();
    EXPECT_EQ(sender.connected_legs(), 0u);
  }
  size_t recorders_in(const std::string& room) {
    size_t n = 0;
    for (const auto& member : host_.rooms().members(room)) n += member.recorder ? 1 : 0;
    return n;
  }
  // Of this room: the process that records, or its supervisor, our child; 0: there is none.
  enum Which { kSupervisor, kWorker };
  pid_t process(const std::string& room, Which which) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string pid = entry.path().filename().string();
      const auto words = read_file(entry.path() / "cmdline", 1 << 16);
      if (words && words->find(host_.url(room)) != std::string::npos &&
          words->starts_with("callbot-recorder") == (which == kWorker))
        return static_cast<pid_t>(std::stol(pid));
    }
    return 0;
  }
  bool until_recorders(const std::string& room, size_t n) {
    return loop_.run_until([&] { return recorders_in(room) == n; }, kPatience);
  }
  std::vector<fs::path> recordings(const std::string& room) {
    std::vector<fs::path> found;
    std::error_code none_yet;
    for (const auto& folder : fs::directory_iterator(out_, none_yet))
      if (folder.path().filename().string().starts_with(room + "-")) found.push_back(folder.path());
    return found;
  }
  bool until_recorded(const std::string& room, const std::string& name) {
    return loop_.run_until(
        [&] {
          for (const fs::path& folder : recordings(room))
            if (test::media_on_disk(folder, name) >= kSomeMedia) return true;
          return false;
        },
        kPatience);
  }
  // What --on-finish was given: "FOLDER VERDICT" each.
  std::vector<std::string> finished() {
    std::vector<std::string> lines;
    std::istringstream in(read_file(script_.string() + ".out", 1 << 16).value_or(""));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  bool until_finished(size_t n) {
    return loop_.run_until([&] { return finished().size() >= n; }, kPatience);
  }

  Loop loop_;
  Console console_{false};
  test::TempFolder folder_;
  const fs::path out_ = folder_.path() / "out";
  const fs::path script_ = folder_.path() / "finish.sh";
  std::unique_ptr<RoomRecorders> recorders_;
  test::RoomHost host_{loop_,
                       {},
                       {},
                       {.opened =
                            [this](const std::string& room) {
                              if (recorders_) recorders_->opened(room);
                            },
                        .emptied =
                            [this](const std::string& room) {
                              if (recorders_) recorders_->emptied(room);
                            },
                        .changed = {}}};
  int seeds_ = 0;
  std::vector<std::unique_ptr<Send>> senders_;
};

std::set<std::string> participants_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& p : Recorded(folder).manifest.participants)
    if (!p.recorder) names.insert(p.name);
  return names;
}

// What --on-finish is to get: what anybody would find who judges the recording.
std::string finish_line(const fs::path& folder) {
  const auto verdict = recordings::verify(folder);
  return folder.string() + " " + (verdict ? name_of(verdict->severity) : "UNMEASURED");
}

TEST_F(RoomRecordersTest, ARoomHasOneRecorderForAsLongAsItHasMembers) {
  Send& alice = send("one", "alice");
  ASSERT_TRUE(until_recorders("one", 1));
  Send& bob = send("one", "bob");
  ASSERT_TRUE(until_recorded("one", "bob"));
  EXPECT_EQ(recorders_in("one"), 1u);
  leave(alice);
  ASSERT_TRUE(loop_.run_until([&] { return host_.rooms().members("one").size() == 2; }, kPatience));
  EXPECT_EQ(recorders_in("one"), 1u) << "bob is still there";
  leave(bob);
  ASSERT_TRUE(until_recorders("one", 0));
  ASSERT_TRUE(until_finished(1));
  const auto folders = recordings("one");
  ASSERT_EQ(folders.size(), 1u);
  EXPECT_THAT(finished(), ElementsAre(finish_line(folders[0])));
  EXPECT_THAT(participants_in(folders[0]), ElementsAre("alice", "bob"));
  EXPECT_EQ(Recorded(folders[0]).manifest.ending->reason, "empty");
}

TEST_F(RoomRecordersTest, ARoomThatFillsAgainGetsARecordingOfItsOwn) {
  Send& alice = send("again", "alice");
  ASSERT_TRUE(until_recorded("again", "alice"));
  leave(alice);
  ASSERT_TRUE(until_recorders("again", 0));
  ASSERT_TRUE(until_finished(1));
  Send& bob = send("again", "bob");
  ASSERT_TRUE(until_recorded("again", "bob"));
  leave(bob);
  ASSERT_TRUE(until_finished(2));
  ASSERT_EQ(recordings("again").size(), 2u);
  std::set<std::set<std::string>> sets;
  for (const fs::path& folder : recordings("again")) sets.insert(participants_in(folder));
  EXPECT_EQ(sets, (std::set<std::set<std::string>>{{"alice"}, {"bob"}}));
}

TEST_F(RoomRecordersTest, WhoComesWhileTheLastRecordingIsJudgedIsRecordedAtOnce) {
  // --on-finish of the first waits until we say so.
  const std::string gate = script_.string() + ".gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  std::ofstream(script_, std::ios::app) << "[ -p \"$0.gate\" ] && read go < \"$0.gate\"\nexit 0\n";
  Send& alice = send("busy", "alice");
  ASSERT_TRUE(until_recorded("busy", "alice"));
  leave(alice);
  ASSERT_TRUE(until_finished(1));
  send("busy", "bob");
  ASSERT_TRUE(until_recorded("busy", "bob"));
  EXPECT_EQ(finished().size(), 1u);
  const Descriptor opened(open(gate.c_str(), O_RDWR | O_CLOEXEC));
  fs::remove(gate);
  ASSERT_TRUE(write_all(opened.get(), "go\n"));
  stop();
  EXPECT_EQ(finished().size(), 2u);
  std::set<std::set<std::string>> sets;
  for (const fs::path& folder : recordings("busy")) sets.insert(participants_in(folder));
  EXPECT_EQ(sets, (std::set<std::set<std::string>>{{"alice"}, {"bob"}}));
}

TEST_F(RoomRecordersTest, AtALimitTheNextRecordingGoesOnWithWhatWasAsked) {
  RecorderCommand command = recorder_command();
  command.rules = {"--max-size", "400k"};
  command.empty_for = kPatience;
  recorders_ = std::make_unique<RoomRecorders>(loop_, console_, command, uint64_t{1} << 40);
  Send& alice = send("long", "alice");
  ASSERT_TRUE(until_recorded("long", "alice"));
  const fs::path first = recordings("long")[0];
  ASSERT_TRUE(control_request(first, Json::object().set("do", "exclude").set("pattern", "bot-*")));
  // Empty for a moment, which does not end the call.
  leave(alice);
  ASSERT_TRUE(
      loop_.run_until([&] { return host_.rooms().members("long").size() == 1; }, kPatience));
  send("long", "bob");
  ASSERT_TRUE(loop_.run_until([&] { return recordings("long").size() == 2; }, kPatience));
  const auto folders = recordings("long");
  const fs::path second = folders[0] == first ? folders[1] : folders[0];
  ASSERT_TRUE(loop_.run_until([&] { return test::media_on_disk(second, "bob") > 0; }, kPatience));
  stop();
  EXPECT_EQ(Recorded(first).manifest.ending->reason, "size");
  const auto asked = recordings::asked_by(Recorded(second).events);
  ASSERT_EQ(asked.rules.size(), 1u);
  EXPECT_EQ(asked.rules[0].pattern, "bot-*");
}

// A recorder that says what it was given, and does as it is told here.
TEST_F(RoomRecordersTest, AnEmptyRoomEndsTheCallHoweverItsRecordingWasJudged) {
  RecorderCommand command = recorder_command();
  command.program = (folder_.path() / "recorder").string();
  std::ofstream(command.program) << "#!/bin/sh\n"
                                    "echo \"asked in: $CALLBOT_ASKED_IN\" >> \"$0.out\"\n"
                                    "echo \"folder $0.$$\" >&3\n"
                                    "read reason < \"$0.fifo\"\n"
                                    "echo \"left $reason\" >&3\n"
                                    "exit 5\n";
  fs::permissions(command.program, fs::perms::owner_all);
  const std::string fifo = command.program + ".fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const Descriptor says(open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  RoomRecorders others(loop_, console_, command, uint64_t{1} << 40);
  const auto asked_in = [&] { return read_file(command.program + ".out", 1 << 16).value_or(""); };
  const auto until_started = [&](int n) {
    return loop_.run_until(
        [&] {
          const auto text = asked_in();
          return std::count(text.begin(), text.end(), '\n') == n;
        },
        kPatience);
  };
  others.opened("r");
  ASSERT_TRUE(until_started(1));
  ASSERT_TRUE(write_all(says.get(), "duration\n"));
  ASSERT_TRUE(until_started(2));
  ASSERT_TRUE(write_all(says.get(), "empty\n"));
  ASSERT_TRUE(until_started(3));
  others.emptied("r");
  ASSERT_TRUE(write_all(says.get(), "empty\n"));
  bool stopped = false;
  others.stop([&] { stopped = true; });
  EXPECT_TRUE(loop_.run_until([&] { return stopped; }, kPatience));
  EXPECT_THAT(asked_in(),
              testing::MatchesRegex("asked in: \nasked in: /.*recorder.[0-9]+\nasked in: \n"));
}

TEST_F(RoomRecordersTest, TwoRoomsDoNotMix) {
  Send& alice = send("red", "alice");
  Send& bob = send("blue", "bob");
  ASSERT_TRUE(until_recorded("red", "alice") && until_recorded("blue", "bob"));
  EXPECT_EQ(recorders_in("red"), 1u);
  EXPECT_EQ(recorders_in("blue"), 1u);
  leave(alice);
  ASSERT_TRUE(until_recorders("red", 0));
  EXPECT_EQ(recorders_in("blue"), 1u) << "the other room goes on";
  leave(bob);
  ASSERT_TRUE(until_finished(2));
  ASSERT_EQ(recordings("red").size(), 1u);
  ASSERT_EQ(recordings("blue").size(), 1u);
  EXPECT_THAT(participants_in(recordings("red")[0]), ElementsAre("alice"));
  EXPECT_THAT(participants_in(recordings("blue")[0]), ElementsAre("bob"));
  EXPECT_THAT(finished(), UnorderedElementsAre(finish_line(recordings("red")[0]),
                                               finish_line(recordings("blue")[0])));
}

TEST_F(RoomRecordersTest, StopLetsEveryRecordingEndAndBeJudged) {
  send("red", "alice");
  send("blue", "bob");
  ASSERT_TRUE(until_recorded("red", "alice") && until_recorded("blue", "bob"));
  stop();
  EXPECT_EQ(finished().size(), 2u) << "both had their verdict before stop() was done";
  for (const char* room : {"red", "blue"}) {
    ASSERT_EQ(recordings(room).size(), 1u);
    const Recorded recorded(recordings(room)[0]);
    EXPECT_EQ(recorded.manifest.state, "finished");
    EXPECT_EQ(recorded.manifest.ending->reason, "signal");
  }
}

TEST_F(RoomRecordersTest, ARecordingGoesOnInItsFolderWhenItsWorkerIsKilled) {
  send("hurt", "alice");
  ASSERT_TRUE(until_recorded("hurt", "alice"));
  const pid_t worker = process("hurt", kWorker);
  ASSERT_GT(worker, 0);
  kill(worker, SIGKILL);
  const fs::path folder = recordings("hurt")[0];
  const auto before = test::media_on_disk(folder, "alice");
  ASSERT_TRUE(loop_.run_until(
      [&] { return test::media_on_disk(folder, "alice") >= before + kSomeMedia; }, kPatience));
  stop();
  ASSERT_EQ(recordings("hurt").size(), 1u);
  const Recorded recorded(folder);
  EXPECT_EQ(recorded.manifest.state, "finished");
  EXPECT_EQ(recorded.manifest.interruptions.size(), 1u);
}

TEST_F(RoomRecordersTest, ARecorderThatIsKilledIsStartedAgain) {
  send("hurt", "alice");
  ASSERT_TRUE(until_recorded("hurt", "alice"));
  // Its process is our child, the supervisor of the one that records.
  const pid_t recorder = process("hurt", kSupervisor);
  ASSERT_GT(recorder, 0);
  testing::internal::CaptureStdout();
  kill(recorder, SIGKILL);
  const bool again = loop_.run_until([&] { return recordings("hurt").size() == 2; }, kPatience);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("recorder-died"));
  ASSERT_TRUE(again);
  ASSERT_TRUE(loop_.run_until(
      [&] {
        size_t running = 0;
        for (const fs::path& folder : recordings("hurt")) {
          running += test::media_on_disk(folder, "alice") >= kSomeMedia ? 1 : 0;
        }
        return running == 2;
      },
      kPatience));
  stop();
}

// A supervisor gives up after five quick deaths; nobody is recorded because of that who was not to
// be.
TEST_F(RoomRecordersTest, WhatWasAskedForHoldsInTheRecordingAfterQuickDeaths) {
  send("hurt", "alice");
  send("hurt", "bot-2");
  ASSERT_TRUE(until_recorded("hurt", "alice") && until_recorded("hurt", "bot-2"));
  const fs::path first = recordings("hurt")[0];
  const auto ask = [](const fs::path& folder, const Json& request) {
    return control_request(folder, request);
  };
  const Json status = Json::object().set("do", "status");
  ASSERT_TRUE(ask(first, Json::object().set("do", "pause").set("member", "alice")));
  ASSERT_TRUE(ask(first, Json::object().set("do", "exclude").set("pattern", "bot-*")));
  const pid_t supervisor = process("hurt", kSupervisor);
  for (pid_t last = 0;;) {
    pid_t next = 0;
    ASSERT_TRUE(loop_.run_until(
        [&] {
          next = process("hurt", kWorker);
          return kill(supervisor, 0) != 0 || (next > 0 && next != last);
        },
        kPatience));
    if (kill(supervisor, 0) != 0) break;
    kill(next, SIGKILL);
    last = next;
  }
  ASSERT_TRUE(loop_.run_until([&] { return recordings("hurt").size() == 2; }, kPatience));
  const auto folders = recordings("hurt");
  const fs::path second = folders[0] == first ? folders[1] : folders[0];
  Json said;
  ASSERT_TRUE(loop_.run_until(
      [&] {
        said = ask(second, status).value_or(Json());
        return said.at("members").size() == 2;
      },
      kPatience));
  for (size_t i = 0; i < 2; ++i) {
    const Json member = said.at("members").at(i);
    const bool alice = member.at("name").text() == "alice";
    EXPECT_EQ(member.at("paused").boolean(), alice) << said.dump();
    EXPECT_EQ(member.at("excluded").boolean(), !alice) << said.dump();
  }
  // It is asked of the new one from now on.
  ASSERT_TRUE(ask(second, Json::object().set("do", "resume").set("member", "alice")));
  ASSERT_TRUE(loop_.run_until([&] { return test::media_on_disk(second, "alice") >= kSomeMedia; },
                              kPatience));
  stop();
  EXPECT_EQ(test::media_on_disk(second, "bot-2"), 0u);
  const Recorded recorded(second);
  ASSERT_EQ(recorded.manifest.pauses.size(), 1u);
  const auto asked = recordings::asked_by(recorded.events);
  EXPECT_EQ(asked.rules.size(), 1u);
}

TEST_F(RoomRecordersTest, AProgramThatCannotBeStartedIsTriedAgainAndHoldsNothingUp) {
  RecorderCommand command;
  command.program = (folder_.path() / "recorder").string();
  command.out = out_;
  command.base_url = "ws://127.0.0.1:1";
  RoomRecorders others(loop_, console_, command, uint64_t{1} << 40);
  others.opened("r");
  std::ofstream(command.program) << "#!/bin/sh\necho \"$*\" > \"$0.out\"\n";
  fs::permissions(command.program, fs::perms::owner_all);
  ASSERT_TRUE(loop_.run_until([&] { return fs::exists(command.program + ".out"); }, kPatience));
  others.emptied("r");
  bool stopped = false;
  others.stop([&] { stopped = true; });
  EXPECT_TRUE(loop_.run_until([&] { return stopped; }, kPatience));
  others.opened("r2");  // too late: nothing is started any more
}

}  // namespace
}  // namespace callbot::bot
