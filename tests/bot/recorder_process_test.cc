#include "bot/recorder_process.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <fstream>

#include "base/files.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kPatience = 20s;

class RecorderProcessTest : public testing::Test {
 protected:
  // Runs these lines of a shell instead of callbot, until it has ended.
  void run(const std::string& script) {
    const fs::path program = folder_.path() / "recorder";
    std::ofstream(program) << "#!/bin/sh\n" << script;
    fs::permissions(program, fs::perms::owner_all);
    command_.program = program.string();
    auto started =
        RecorderProcess::start(command_, "a room", "/before",
                               {.left =
                                    [&](RecorderProcess& p, const std::string& reason) {
                                      left_.push_back(p.folder().string() + " " + reason);
                                    },
                                .ended = [&](RecorderProcess&, int status) { status_ = status; }});
    ASSERT_TRUE(started) << started.error().message;
    process_ = std::move(*started);
  }
  bool until_ended() {
    return loop_.run_until([&] { return status_.has_value(); }, kPatience);
  }

  Loop loop_;
  test::TempFolder folder_;
  RecorderCommand command_;
  std::unique_ptr<RecorderProcess> process_;
  std::vector<std::string> left_;
  std::optional<int> status_;
};

TEST_F(RecorderProcessTest, TellsWhatItIsToldBeforeTheEnd) {
  run("echo 'folder /r/1' >&3; echo 'left size' >&3; echo 'left empty' >&3; exit 5");
  ASSERT_TRUE(until_ended());
  EXPECT_THAT(left_, ElementsAre("/r/1 size"));
  EXPECT_EQ(process_->folder(), "/r/1");
  EXPECT_EQ(WEXITSTATUS(*status_), 5);
}

TEST_F(RecorderProcessTest, SaysThatItDiedOfASignal) {
  run("kill -9 $$");
  ASSERT_TRUE(until_ended());
  EXPECT_TRUE(WIFSIGNALED(*status_) && WTERMSIG(*status_) == SIGKILL);
  EXPECT_TRUE(left_.empty());
}

TEST_F(RecorderProcessTest, IsACallbotThatRecordsThisRoom) {
  command_.base_url = "wss://127.0.0.1:1";
  command_.out = "/out";
  command_.token = "secret";
  command_.rules = {"--duration", "3s"};
  command_.on_finish = "/finish";
  run("echo \"$*\" > $0.out; echo \"$CALLBOT_TOKEN $CALLBOT_ASKED_IN\" >> $0.out");
  ASSERT_TRUE(until_ended());
  const auto out = read_file(folder_.path() / "recorder.out", 4096).value_or("");
  EXPECT_THAT(out, HasSubstr("record wss://127.0.0.1:1/rooms/a%20room --no-repair --restart "
                             "--until-empty 0ms --duration 3s --out /out --log text"));
  EXPECT_THAT(out, HasSubstr("--insecure --on-finish /finish\nsecret /before\n"));
}

TEST_F(RecorderProcessTest, EndsWithItsOwner) {
  const fs::path told = folder_.path() / "told";
  run("trap 'echo ended > " + told.string() + "; exit' TERM; echo 'folder /r' >&3; mkfifo $0.f; " +
      "read x < $0.f");
  ASSERT_TRUE(loop_.run_until([&] { return process_->folder() == "/r"; }, kPatience));
  process_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return fs::exists(told); }, kPatience));
}

TEST_F(RecorderProcessTest, WhatIsNoProgramIsSaid) {
  command_.program = (folder_.path() / "none").string();
  const auto started = RecorderProcess::start(command_, "r", "", {});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("none"));
}

}  // namespace
}  // namespace callbot::bot
