#include "bot/compose.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/support/program.h"

namespace callbot::bot {
namespace {

const fs::path kGolden = fs::path(CALLBOT_SOURCE_DIR) / "tests/golden/v1-two-members";

TEST(ComposeVerb, MakesAFileAndSaysSo) {
  test::TempFolder out;
  Console console(true);
  testing::internal::CaptureStdout();
  const auto status = run_compose(console, {.dir = kGolden,
                                            .layout = "speaker",
                                            .width = 320,
                                            .height = 180,
                                            .fps = 15,
                                            .out = out.path() / "call.mp4"});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_EQ(status, kExitGood);
  EXPECT_TRUE(fs::exists(out.path() / "call.mp4"));
  EXPECT_NE(said.find("\"event\":\"composed\""), std::string::npos) << said;
  EXPECT_NE(said.find("\"event\":\"progress\""), std::string::npos) << said;
}

TEST(ComposeVerb, ItsExitStatusSaysWhatWentWrong) {
  test::TempFolder out;
  Console console(true);
  const fs::path file = out.path() / "call.mp4";
  EXPECT_EQ(run_compose(console, {.dir = out.path(), .out = file}), kExitUnmeasured);
  EXPECT_EQ(run_compose(console, {.dir = kGolden, .out = out.path() / "call.gif"}), kExitUsage);
  EXPECT_EQ(run_compose(console, {.dir = kGolden, .out = out.path() / "no/call.mp4"}),
            kExitStorage);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit limit = before;
  limit.rlim_cur = 20'000;
  setrlimit(RLIMIT_FSIZE, &limit);
  const auto full = run_compose(console, {.dir = kGolden, .out = file});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(full, kExitStorage);
  EXPECT_TRUE(fs::is_empty(out.path()));
}

TEST(ComposeVerb, CtrlCLeavesNothing) {
  test::TempFolder out;
  Loop loop;
  test::Program composing(
      loop, test::Program::callbot({"compose", kGolden.string(), "--size", "3840x2160", "--fps",
                                    "60", "--out", (out.path() / "call.mp4").string()}));
  ASSERT_FALSE(composing.event("progress").is_null()) << composing.output();
  EXPECT_FALSE(fs::is_empty(out.path()));
  composing.signal(SIGINT);
  EXPECT_EQ(composing.wait(), kExitInterrupted) << composing.output();
  EXPECT_TRUE(fs::is_empty(out.path()));
}

}  // namespace
}  // namespace callbot::bot
