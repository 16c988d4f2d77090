// `callbot record --restart` as a user starts it: the worker is killed in the middle of a call.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "bot/control.h"
#include "recordings/manifest.h"
#include "recordings/verify.h"
#include "tests/support/call_room.h"
#include "tests/support/feed.h"

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

  void start_program(std::vector<std::string> more = {}, const std::string& restart = "--restart") {
    std::vector<std::string> words{"callbot", "record", host_.url(),     restart,  "--out",   out_,
                                   "--log",   "json",   "--until-empty", "--name", "recorder"};
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
    // Not yet, or another program: --on-finish.
    const auto words = read_file("/proc/" + std::to_string(child) + "/cmdline", 1 << 16);
    return words && words->starts_with("callbot-recorder") ? child : 0;
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
  // A worker other than this one answers.
  Json status_of_another(pid_t than) {
    Json status;
    const auto request = Json::object().set("do", "status");
    EXPECT_TRUE(loop_.run_until(
        [&] {
          if (worker() <= 0 || worker() == than) return false;
          auto answer = control_request(recordings()[0], request);
          if (answer) status = *answer;
          return answer.has_value();
        },
        kPatience))
        << log();
    return status;
  }
  static bool excluded(const Json& status, const std::string& name) {
    for (size_t i = 0; i < status.at("members").size(); ++i) {
      const Json member = status.at("members").at(i);
      if (member.at("name").text() == name) return member.at("excluded").boolean().value_or(false);
    }
    return false;
  }
  // What --on-finish is given is left beside it.
  std::string program_on_finish() const {
    const fs::path script = folder_.path() / "finish.sh";
    std::ofstream(script) << "#!/bin/sh\nprintf '%s %s\\n' \"$1\" \"$2\" >> \"$0.out\"\n";
    fs::permissions(script, fs::perms::owner_all);
    return script;
  }
  std::string finished() const {
    return read_file(folder_.path() / "finish.sh.out", 1 << 16).value_or("");
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
  start_program({"--on-finish", program_on_finish()});
  ASSERT_TRUE(grows(30'000)) << log();
  for (pid_t last = 0; !recordings().empty();) {
    bool over = false;
    pid_t next = 0;
    ASSERT_TRUE(loop_.run_until(
        [&] {
          over = over || waitpid(parent_, &status_, WNOHANG) == parent_;
          next = worker();
          return over || (next > 0 && next != last);
        },
        kPatience))
        << log();
    if (over) break;
    last = next;
    kill(last, SIGKILL);
  }
  parent_ = 0;
  EXPECT_EQ(WEXITSTATUS(status_), 128 + SIGKILL) << log();
  EXPECT_NE(log().find("\"given-up\""), std::string::npos) << log();
  EXPECT_EQ(recordings::load(recordings()[0])->manifest.state, "finished");
  const auto verdict = recordings::saved_verdict(recordings()[0]);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(finished(), recordings()[0].string() + " " + name_of(verdict->severity) + "\n")
      << log();
}

// Nobody is recorded who was not to be, because a process died.
TEST_F(RestartTest, APauseAndAnExclusionOutliveAKill) {
  start(small("alice"));
  start(small("bot-2"));
  start_program();
  const auto there = [&](const char* file) {
    return loop_.run_until(
        [&] { return !recordings().empty() && fs::exists(recordings()[0] / file); }, kPatience);
  };
  ASSERT_TRUE(there("media/alice-1.mkv") && there("media/bot-2-1.mkv")) << log();
  const fs::path folder = recordings()[0];
  const auto ask = [&](const Json& request) {
    const auto answer = control_request(folder, request);
    EXPECT_TRUE(answer) << answer.error().message;
  };
  ask(Json::object().set("do", "pause"));
  ask(Json::object().set("do", "exclude").set("pattern", "bot-2"));
  const auto files = [&] {
    const auto all = entries_in(folder / "media");
    return std::set<fs::path>(all.begin(), all.end());
  };
  const auto before = files();  // a track that came late may have a file of its own
  const pid_t first = worker();
  ASSERT_GT(first, 0);
  ASSERT_EQ(kill(first, SIGKILL), 0);
  Json status = status_of_another(first);
  EXPECT_TRUE(status.at("paused").boolean().value_or(false)) << status.dump();
  ASSERT_TRUE(loop_.run_until(
      [&] {
        status = control_request(folder, Json::object().set("do", "status")).value_or(Json());
        return status.at("members").size() == 2;
      },
      kPatience))
      << log();
  EXPECT_TRUE(excluded(status, "bot-2")) << status.dump();
  EXPECT_FALSE(excluded(status, "alice")) << status.dump();
  ask(Json::object().set("do", "resume"));
  ASSERT_TRUE(loop_.run_until([&] { return files() != before; }, kPatience)) << log();
  ASSERT_TRUE(grows(60'000)) << log();
  kill(parent_, SIGTERM);
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  const auto loaded = recordings::load(folder);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const recordings::Manifest& m = loaded->manifest;
  ASSERT_EQ(m.pauses.size(), 1u);
  ASSERT_TRUE(m.pauses[0].to_ns);
  for (const auto& file : m.media) {
    if (before.contains(folder / file.path)) continue;
    EXPECT_THAT(file.path, testing::StartsWith("media/alice"));
    EXPECT_GE(file.offset_ns, *m.pauses[0].to_ns);
  }
}

// However soon after the answer it dies.
TEST_F(RestartTest, WhatWasAnsweredOutlivesAKillAtOnce) {
  start(small("alice"));
  start_program({}, "--restart=false");
  const auto asked = [](const char* what) { return Json::object().set("do", what); };
  bool paused = false;
  for (int round = 0; round < 30; ++round) {
    Json status;
    ASSERT_TRUE(loop_.run_until(
        [&] {
          if (recordings().empty()) return false;
          status = control_request(recordings()[0], asked("status")).value_or(Json());
          return !status.is_null();
        },
        kPatience))
        << log();
    ASSERT_EQ(status.at("paused").boolean(), paused) << "round " << round;
    paused = !paused;
    const auto answer = control_request(recordings()[0], asked(paused ? "pause" : "resume"));
    kill(parent_, SIGKILL);
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_TRUE(ended());
    start_program({"--resume", recordings()[0].string()}, "--restart=false");
  }
}

TEST_F(RestartTest, WhoGoesOnInARecordingIsStartedAgainToo) {
  start(small("alice"));
  start_program();
  ASSERT_TRUE(grows(30'000)) << log();
  kill(parent_, SIGTERM);
  ASSERT_TRUE(ended()) << log();
  start_program({"--resume", recordings()[0].string()}, "--restart=true");
  ASSERT_TRUE(grows(30'000)) << log();
  const pid_t first = worker();
  ASSERT_GT(first, 0);
  ASSERT_EQ(kill(first, SIGKILL), 0);
  status_of_another(first);
  ASSERT_TRUE(grows(30'000)) << log();
  kill(parent_, SIGTERM);
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  EXPECT_EQ(WEXITSTATUS(status_), kExitGood) << log();
  ASSERT_EQ(recordings().size(), 1u);
  const auto loaded = recordings::load(recordings()[0]);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->manifest.state, "finished");
  EXPECT_EQ(loaded->manifest.interruptions.size(), 2u);
}

// Whoever comes now is the next recorder's.
TEST_F(RestartTest, WhoHasLeftTheCallIsNotStartedAgain) {
  start(small("alice"));
  const fs::path script = program_on_finish();
  const std::string gate = script.string() + ".gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const Descriptor opened(open(gate.c_str(), O_RDWR | O_CLOEXEC));
  std::ofstream(script, std::ios::app) << "read go < \"$0.gate\"\n";
  start_program({"--max-size", "100K", "--on-finish", script});
  ASSERT_TRUE(loop_.run_until([&] { return !finished().empty(); }, kPatience)) << log();
  kill(worker(), SIGKILL);
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  ASSERT_TRUE(write_all(opened.get(), "go\n"));
  EXPECT_EQ(WEXITSTATUS(status_), 128 + SIGKILL);
  EXPECT_EQ(log().find("\"restarting\""), std::string::npos) << log();
  ASSERT_EQ(recordings().size(), 1u);
  const auto loaded = recordings::load(recordings()[0]);
  ASSERT_TRUE(loaded && loaded->manifest.ending);
  EXPECT_EQ(loaded->manifest.ending->reason, "size");
  EXPECT_TRUE(loaded->manifest.interruptions.empty());
  const std::string told = finished();
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
}

// However its last worker ended, and before it had joined.
TEST_F(RestartTest, WhatLiesOpenAtItsEndIsFinished) {
  test::Feed feed;
  feed.member("alice");
  feed.add({test::audio_track(1, "alice"), test::make_audio({.seconds = 2})});
  ASSERT_TRUE(feed.run(2, false));
  feed.drop();
  host_.kill();
  start_program({"--resume", feed.folder().string(), "--on-finish", program_on_finish(),
                 "--reserve", "1000000G"});
  ASSERT_TRUE(ended()) << log();
  parent_ = 0;
  EXPECT_EQ(WEXITSTATUS(status_), kExitStorage) << log();
  EXPECT_EQ(recordings::load(feed.folder())->manifest.state, "finished");
  EXPECT_NE(finished(), "") << log();
  EXPECT_NE(log().find("\"out\":\"" + feed.folder().string() + "\""), std::string::npos)
      << "which disk is watched: " << log();
  EXPECT_FALSE(fs::exists(out_)) << "nothing is to be recorded there";
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
