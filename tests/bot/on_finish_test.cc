#include "bot/on_finish.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "base/loop.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

class OnFinish : public testing::Test {
 protected:
  bool done() {
    return loop_.run_until([&] { return done_; }, 60s);
  }
  std::function<void()> then() {
    return [&] { done_ = true; };
  }

  Loop loop_;
  test::TempFolder folder_;
  bool done_ = false;
};

TEST_F(OnFinish, GetsFolderAndVerdictAndIsWaitedFor) {
  const auto program = folder_.path() / "program";
  std::ofstream(program) << "#!/bin/sh\necho \"$#: $1: $2\" > \"$0.out\"\n";
  fs::permissions(program, fs::perms::owner_all);
  run_on_finish(program.string(), "/a folder", "PASS", then());
  EXPECT_FALSE(done_);
  ASSERT_TRUE(done());
  EXPECT_EQ(*read_file(program.string() + ".out", 100), "2: /a folder: PASS\n");
}

TEST_F(OnFinish, NoneIsDoneAtOnce) {
  run_on_finish("", "/a", "PASS", then());
  EXPECT_TRUE(done_);
}

TEST_F(OnFinish, OneThatCannotBeStartedHoldsNothingUp) {
  run_on_finish((folder_.path() / "none").string(), "/a", "PASS", then());
  EXPECT_TRUE(done());
  run_on_finish((folder_.path() / "none").string(), "/a", "PASS");
}

}  // namespace
}  // namespace callbot::bot
