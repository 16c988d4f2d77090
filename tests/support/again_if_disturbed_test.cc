#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/program.h"

namespace callbot {
namespace {

using test::Program;
using testing::Each;
using testing::EndsWith;
using testing::IsEmpty;
using testing::SizeIs;

// A machine that stands still, as its program sees it.
constexpr const char* kStill = "kill -STOP $PPID; sleep .3; kill -CONT $PPID; ";

class AgainIfDisturbed : public testing::Test {
 protected:
  int run(const std::string& script, const char* seconds = "60") {
    Program program(loop_, {CALLBOT_AGAIN, seconds, notes_.string(), "/bin/sh", "-c",
                            "echo x >>" + runs_.string() + "; " + script});
    return program.wait();
  }
  static std::vector<std::string> lines(const fs::path& path) {
    std::ifstream file(path);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }
  Loop loop_;
  test::TempFolder folder_;
  fs::path notes_ = folder_.path() / "notes", runs_ = folder_.path() / "runs";
};

TEST_F(AgainIfDisturbed, WhatFailsWhileItStandsStillHasThreeAttempts) {
  EXPECT_EQ(run(std::string(kStill) + "exit 7"), 7);
  EXPECT_THAT(lines(runs_), SizeIs(3));
  EXPECT_THAT(lines(notes_), SizeIs(2));
  EXPECT_THAT(lines(notes_), Each(EndsWith(" ms")));
}

TEST_F(AgainIfDisturbed, WhatPassesThenPasses) {
  EXPECT_EQ(run(std::string(kStill) + "test $(wc -l <" + runs_.string() + ") = 2"), 0);
  EXPECT_THAT(lines(runs_), SizeIs(2));
}

TEST_F(AgainIfDisturbed, WhatDiesOfASignalHasFailedToo) {
  EXPECT_EQ(run(std::string(kStill) + "kill -ABRT $$"), 128 + SIGABRT);
  EXPECT_THAT(lines(runs_), SizeIs(3));
}

TEST_F(AgainIfDisturbed, BeginsNoneThatWouldNotEndInTime) {
  EXPECT_EQ(run(std::string(kStill) + "exit 7", "0.5"), 7);
  EXPECT_THAT(lines(runs_), SizeIs(1));
  EXPECT_THAT(lines(notes_), IsEmpty());
}

TEST_F(AgainIfDisturbed, WhatPassesIsRunOnce) {
  EXPECT_EQ(run(std::string(kStill) + "exit 0"), 0);
  EXPECT_THAT(lines(runs_), SizeIs(1));
}

TEST_F(AgainIfDisturbed, AProgramThatIsNotThereIsSaid) {
  Program program(loop_, {CALLBOT_AGAIN, "60", notes_.string(), "/nonexistent"});
  EXPECT_EQ(program.wait(), 125);
  EXPECT_THAT(program.output(), testing::HasSubstr("/nonexistent: No such file"));
}

}  // namespace
}  // namespace callbot
