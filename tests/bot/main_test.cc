// The program as it is started and stopped: signals, exit statuses, what is left on disk.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recordings/verify.h"
#include "tests/support/call_room.h"
#include "tests/support/media_on_disk.h"
#include "tests/support/program.h"
#include "tests/support/recorded.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using test::Program;
using test::Recorded;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class MainTest : public test::CallRoom, public testing::WithParamInterface<int> {
 protected:
  std::vector<std::string> record(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"record", host_.url(), "--out", folder_.path().string()};
    words.insert(words.end(), more.begin(), more.end());
    return Program::callbot(words);
  }
  // Until this much media of the sender is on disk; gives the recording's folder.
  fs::path recording_with(const fs::path& out, const std::string& name, uintmax_t bytes) {
    fs::path found;
    EXPECT_TRUE(loop_.run_until(
        [&] {
          std::error_code none_yet;
          for (const auto& folder : fs::directory_iterator(out, none_yet)) {
            if (test::media_on_disk(folder.path(), name) < bytes) continue;
            found = folder.path();
            return true;
          }
          return false;
        },
        kPatience))
        << "no recording with " << bytes << " bytes of " << name << " in " << out;
    return found;
  }
};

constexpr uintmax_t kSomeMedia = 100'000;  // bytes; over a second of small()

void expect_whole(const fs::path& folder) {
  const Recorded recorded(folder);
  EXPECT_EQ(recorded.manifest.state, "finished");
  for (const auto& lane : recorded.lanes) {
    EXPECT_GT(test::packet_count(lane), 0u);
    EXPECT_EQ(test::undecodable_count(lane), 0u);
  }
  for (const auto& file : recorded.manifest.media) EXPECT_TRUE(file.duration_ns) << file.path;
  EXPECT_FALSE(fs::exists(folder / ".reserve"));
}

TEST_P(MainTest, ASignalEndsARecordingThatIsThenWholeAndJudged) {
  start(small("alice"));
  Program recorder(loop_, record());
  const fs::path folder = recording_with(folder_.path(), "alice", kSomeMedia);
  ASSERT_TRUE(recorder.running()) << recorder.output();
  recorder.signal(GetParam());
  EXPECT_EQ(recorder.wait(kPatience), kExitGood) << recorder.output();
  expect_whole(folder);
  EXPECT_EQ(Recorded(folder).manifest.ending->reason, "signal");
  EXPECT_TRUE(recorder.event("verdict").at("verdict").is_object()) << recorder.output();
}

TEST_P(MainTest, ASignalEndsAServerAndItsRecordingsAreWhole) {
  const fs::path out = folder_.path() / "recordings";
  Program server(loop_, Program::callbot({"serve", "--listen", "127.0.0.1:0", "--record", out}));
  const auto url = server.event("serving").at("url").text();
  ASSERT_TRUE(url) << server.output();
  auto alice = small("alice");
  alice.join.url = "ws" + url->substr(4) + "/rooms/signal";
  start(alice);
  const fs::path folder = recording_with(out, "alice", kSomeMedia);
  server.signal(GetParam());
  EXPECT_EQ(server.wait(kPatience), kExitGood) << server.output();
  expect_whole(folder);
  const auto verdict = recordings::verify(folder);
  ASSERT_TRUE(verdict) << verdict.error().message;
  for (const auto& track : verdict->tracks)
    EXPECT_EQ(track.marks_missing, 0u) << recordings::to_text(*verdict);
}

TEST_P(MainTest, ASignalBeforeTheCallIsJoinedInterrupts) {
  // A port that takes connections and says nothing.
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 8), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string url = "ws://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/rooms/r";
  Program recorder(loop_, Program::callbot({"record", url, "--out", folder_.path().string()}));
  int connection = -1;
  ASSERT_TRUE(loop_.run_until(
      [&] { return (connection = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; }, kPatience))
      << recorder.output();
  recorder.signal(GetParam());
  EXPECT_EQ(recorder.wait(kPatience), kExitInterrupted) << recorder.output();
  EXPECT_THAT(recorder.output(), HasSubstr("before the call was joined"));
  close(connection);
  close(fd);
}

INSTANTIATE_TEST_SUITE_P(Signals, MainTest, testing::Values(SIGINT, SIGTERM),
                         [](const auto& number) {
                           return std::string(number.param == SIGINT ? "INT" : "TERM");
                         });

// Who reads the events may go, and the disk of the log may fill up.
class MainOutput : public MainTest {
 protected:
  Program shell(const std::string& script, const std::vector<std::string>& words) {
    std::vector<std::string> all{"/bin/sh", "-c", script};
    all.insert(all.end(), words.begin(), words.end());
    return Program(loop_, all);
  }
};

TEST_F(MainOutput, AReportThatDoesNotFitIsAFailure) {
  Program program = shell("exec \"$0\" test --schema >/dev/full", {Program::callbot({}).front()});
  EXPECT_EQ(program.wait(kPatience), kExitStorage) << program.output();
  EXPECT_THAT(program.output(), HasSubstr("standard output: No space left on device"));
}

TEST_F(MainOutput, WhoReadsOnlyTheBeginningHearsOfNoFailure) {
  Program program = shell("{ \"$0\" test --schema; echo status $? >&2; } | head -n 1",
                          {Program::callbot({}).front()});
  EXPECT_EQ(program.wait(kPatience), 0) << program.output();
  EXPECT_THAT(program.output(), HasSubstr("status 0"));
}

TEST_F(MainOutput, ARecordingGoesOnWhenNobodyReadsItsEvents) {
  // The event of their verdict is more than standard output's buffer holds.
  for (int i = 0; i < 16; ++i) {
    auto member = small(fmt::format("member-{}-{}", i, std::string(40, 'x')));
    member.video = i == 0;
    start(member);
  }
  Program program =
      shell("{ \"$0\" \"$@\"; echo status $? >&2; } | head -n 1", record({"--until-empty", "1s"}));
  const fs::path folder = recording_with(folder_.path(), "member-0", kSomeMedia);
  senders_.clear();
  EXPECT_EQ(program.wait(kPatience), 0) << program.output();
  // Judged: on a slow machine so many members were not there from the beginning.
  EXPECT_THAT(program.output(), AnyOf(HasSubstr("status 0"), HasSubstr("status 1")));
  EXPECT_TRUE(fs::exists(folder / "verdict.json"));
  expect_whole(folder);
}

class MainTwice : public MainTest {
 protected:
  // As often as the loop turns, so that some come while the recording is judged.
  int signalled_until_it_ends(int number) {
    start(small("alice"));
    Program recorder(loop_, record());
    folder = recording_with(folder_.path(), "alice", kSomeMedia);
    loop_.run_until(
        [&] {
          recorder.signal(number);
          return !recorder.running();
        },
        kPatience);
    output = recorder.output();
    return recorder.wait(kPatience);
  }
  fs::path folder;
  std::string output;
};

TEST_F(MainTwice, ASecondInterruptSkipsTheJudgingAndNothingElse) {
  EXPECT_EQ(signalled_until_it_ends(SIGINT), kExitInterrupted) << output;
  expect_whole(folder);
}

// Whoever supervises it may say so more than once, and still wants a verdict.
TEST_F(MainTwice, HoweverOftenItIsTerminatedTheRecordingIsJudged) {
  EXPECT_EQ(signalled_until_it_ends(SIGTERM), kExitGood) << output;
  EXPECT_THAT(output, HasSubstr("callbot-verdict"));
  expect_whole(folder);
}

class MainStatus : public MainTest {};

TEST_F(MainStatus, SaysWhatIsWrongOnStandardErrorAndInItsExitStatus) {
  const struct {
    std::vector<std::string> words;
    int status;
    const char* says;
  } cases[] = {
      {{"--help"}, kExitGood, "Exit status"},
      {{"--version"}, kExitGood, CALLBOT_VERSION},
      {{"nonsense"}, kExitUsage, "nonsense: no such command"},
      {{"record"}, kExitUsage, "URL"},
      {{"record", "ws://127.0.0.1:1/rooms/r", "--out", folder_.path()}, kExitConnect, "refused"},
      {{"send", "ws://127.0.0.1:1/rooms/r"}, kExitConnect, "refused"},
      {{"serve", "--listen", "127.0.0.1:" + std::to_string(host_.port())}, kExitConnect, "in use"},
      {{"serve", "--listen", "0.0.0.0:0"}, kExitUsage, "--token SECRET"},
      {{"verify", folder_.path()}, kExitUnmeasured, "manifest.json"},
      {{"show", folder_.path()}, kExitUnmeasured, "manifest.json"},
      {{"record", host_.url(), "--out", "/proc/version/x"}, kExitStorage, "/proc/version"},
  };
  for (const auto& one : cases) {
    std::vector<std::string> words{CALLBOT_PROGRAM};
    words.insert(words.end(), one.words.begin(), one.words.end());
    Program program(loop_, words);
    EXPECT_EQ(program.wait(kPatience), one.status) << one.words[0] << ": " << program.output();
    EXPECT_THAT(program.output(), HasSubstr(one.says)) << one.words[0];
  }
}

TEST_F(MainStatus, SaysWhatIsWrongAmongItsEvents) {
  for (const auto& words :
       {std::vector<std::string>{"record", "ws://127.0.0.1:1/rooms/r", "--out", folder_.path()},
        {"send", "ws://127.0.0.1:1/rooms/r"}}) {
    Program program(loop_, Program::callbot(words));
    EXPECT_EQ(program.wait(kPatience), kExitConnect) << program.output();
    const auto errors = program.events("error");
    ASSERT_EQ(errors.size(), 1u) << program.output();
    EXPECT_EQ(errors[0].at("code").text(), "connect");
    EXPECT_THAT(errors[0].at("message").text().value_or(""), HasSubstr("refused"));
  }
}

}  // namespace
}  // namespace callbot::bot
