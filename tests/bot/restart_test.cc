// `callbot record --restart` as a user starts it: the worker is killed in the middle of a call.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "recordings/manifest.h"
#include "recordings/verify.h"
#include "tests/support/call_room.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

// The program under --restart; its standard output goes to a file.
class RestartTest : public test::CallRoom {
 protected:
  ~RestartTest() override {
    if (parent_ <= 0) return;
    kill(parent_, SIGTERM);
    int status = 0;
    waitpid(parent_, &status, 0);
  }

  void start_program(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"callbot",       "record", host_.url(), "--restart",
                                   "--out",         out_,     "--log",     "json",
                                   "--until-empty", "--name", "recorder"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    parent_ = fork();
    if (parent_ == 0) {
      const int log = open((folder_.path() / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      dup2(log, 1);
      dup2(log, 2);
      execv(CALLBOT_PROGRAM, argv.data());
      _exit(127);
    }
  }

  pid_t worker() const {
    const std::string pid = std::to_string(parent_);
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    pid_t child = 0;
    children >> child;
    return child;
  }
  std::string log() const { return read_file(folder_.path() / "log", 1u << 20).value_or(""); }
  std::vector<fs::path> recordings() const {
    std::vector<fs::path> all;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(out_, ignored)) all.push_back(entry.path());
    return all;
  }
  uint64_t media_bytes() const {
    uint64_t bytes = 0;
    std::error_code ignored;
    for (const auto& folder : recordings()) {
      for (const auto& entry : fs::directory_iterator(folder / "media", ignored))
        bytes += entry.file_size(ignored);
    }
    return bytes;
  }
  bool grows(uint64_t by) {
    const uint64_t before = media_bytes();
    return loop_.run_until([&] { return media_bytes() > before + by; }, kPatience);
  }
  bool ended() {
    return loop_.run_until([&] { return waitpid(parent_, &status_, WNOHANG) == parent_; },
                           kPatience);
  }

  const std::string out_ = (folder_.path() / "out").string();
  pid_t parent_ = 0;
  int status_ = 0;
};

TEST_F(RestartTest, AKilledWorkerGoesOnInTheSameRecording) {
  auto& alice = start(small("alice"));
  start_program();
  ASSERT_TRUE(grows(60'000)) << log();
  const pid_t first = worker();
  ASSERT_GT(first, 0);
  ASSERT_EQ(kill(first, SIGKILL), 0);
  ASSERT_TRUE(loop_.run_until([&] { return worker() > 0 && worker() != first; }, kPatience))
      << log();
  ASSERT_TRUE(
      loop_.run_until([&] { return fs::exists(recordings()[0] / "media/alice-2.mkv"); }, kPatience))
      << log();
  ASSERT_TRUE(grows(60'000)) << log();
  ASSERT_TRUE(left(alice));
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  EXPECT_TRUE(WIFEXITED(status_));
  EXPECT_NE(log().find("\"restarting\""), std::string::npos) << log();

  ASSERT_EQ(recordings().size(), 1u);
  const auto loaded = recordings::load(recordings()[0]);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const recordings::Manifest& m = loaded->manifest;
  EXPECT_EQ(m.state, "finished");
  ASSERT_EQ(m.participants.size(), 1u);
  EXPECT_EQ(m.participants[0].present.size(), 2u);
  ASSERT_EQ(m.interruptions.size(), 1u);
  EXPECT_EQ(m.interruptions[0].reason, "restarted");
  EXPECT_EQ(m.media.size(), 2u);
  const auto verdict = recordings::verify(recordings()[0]);
  ASSERT_TRUE(verdict) << verdict.error().message;
  for (const auto& track : verdict->tracks) EXPECT_EQ(track.undecodable, 0u);
  for (const auto& finding : verdict->findings)
    EXPECT_NE(finding.severity, recordings::Severity::kFail) << to_text(*verdict);
  EXPECT_EQ(WEXITSTATUS(status_), kExitGood) << log();
}

TEST_F(RestartTest, ASignalIsPassedOnAndEndsBoth) {
  start(small("alice"));
  start_program();
  ASSERT_TRUE(grows(30'000)) << log();
  kill(parent_, SIGTERM);
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  EXPECT_TRUE(WIFEXITED(status_)) << log();
  EXPECT_EQ(WEXITSTATUS(status_), kExitGood) << log();
  EXPECT_EQ(recordings::load(recordings()[0])->manifest.ending->reason, "signal");
}

TEST_F(RestartTest, AfterQuickDeathsItGivesUpAndFinishesTheRecording) {
  start(small("alice"));
  start_program();
  ASSERT_TRUE(grows(30'000)) << log();
  for (pid_t last = 0; !recordings().empty();) {
    bool over = false;
    ASSERT_TRUE(loop_.run_until(
        [&] {
          over = over || waitpid(parent_, &status_, WNOHANG) == parent_;
          return over || (worker() > 0 && worker() != last);
        },
        kPatience))
        << log();
    if (over) break;
    last = worker();
    kill(last, SIGKILL);
  }
  parent_ = 0;
  EXPECT_EQ(WEXITSTATUS(status_), 128 + SIGKILL) << log();
  EXPECT_NE(log().find("\"given-up\""), std::string::npos) << log();
  EXPECT_EQ(recordings::load(recordings()[0])->manifest.state, "finished");
}

TEST_F(RestartTest, WhatCannotBeJoinedAtAllIsNotTriedAgain) {
  host_.kill();
  start_program();
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  EXPECT_EQ(WEXITSTATUS(status_), kExitConnect) << log();
  EXPECT_EQ(log().find("\"restarting\""), std::string::npos) << log();
}

}  // namespace
}  // namespace callbot::bot
