#include "bot/export.h"

#include <gtest/gtest.h>

#include <csignal>

#include "bot/interrupt.h"
#include "tests/support/most_file_size.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

const fs::path kGolden = fs::path(CALLBOT_SOURCE_DIR) / "tests/golden/v1-two-members";

TEST(ExportVerb, MakesFilesAndSaysSo) {
  test::TempFolder out;
  Console console(true);
  testing::internal::CaptureStdout();
  const auto status = run_export(
      console, {.dir = kGolden, .to = "webm", .participant = "alice", .out = out.path()});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_EQ(status, kExitGood);
  EXPECT_TRUE(fs::exists(out.path() / "alice.webm"));
  EXPECT_NE(said.find("\"event\":\"exported\""), std::string::npos) << said;
  EXPECT_NE(said.find("video vp8 copied"), std::string::npos) << said;
  EXPECT_NE(said.find("\"event\":\"progress\""), std::string::npos) << said;
}

TEST(ExportVerb, ItsExitStatusSaysWhatWentWrong) {
  test::TempFolder out;
  Console console(true);
  EXPECT_EQ(run_export(console, {.dir = out.path(), .to = "mp4"}), kExitUnmeasured);
  EXPECT_EQ(run_export(console, {.dir = kGolden, .to = "mp4", .participant = "x"}), kExitUsage);
  {
    const test::MostFileSize full_disk(20'000);
    EXPECT_EQ(run_export(console, {.dir = kGolden, .to = "mp4", .out = out.path()}), kExitStorage);
  }
  EXPECT_TRUE(fs::is_empty(out.path()));
}

TEST(ExportVerb, WhatLacksAPartIsNotGood) {
  test::TempFolder out;
  fs::copy(kGolden, out.path() / "call", fs::copy_options::recursive);
  fs::resize_file(out.path() / "call/media/bob-1.mkv", 10);
  Console console(true);
  testing::internal::CaptureStdout();
  const auto status = run_export(console, {.dir = out.path() / "call", .to = "webm"});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_EQ(status, kExitNotGood) << said;
  EXPECT_NE(said.find("\"event\":\"exported\""), std::string::npos) << said;
  EXPECT_NE(said.find("\"event\":\"not-exported\""), std::string::npos) << said;
  EXPECT_NE(said.find("bob-1.mkv"), std::string::npos) << said;
}

TEST(Interrupt, IsAskedForOnceAndThenAsUsual) {
  std::signal(SIGTERM, SIG_IGN);
  {
    const Interrupt interrupt;
    EXPECT_FALSE(Interrupt::asked());
    raise(SIGTERM);
    EXPECT_TRUE(Interrupt::asked());
    struct sigaction now {};
    sigaction(SIGTERM, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);  // the second one ends the process
  }
  EXPECT_EQ(std::signal(SIGTERM, SIG_DFL), SIG_IGN);
  const Interrupt again;
  EXPECT_FALSE(Interrupt::asked());
}

}  // namespace
}  // namespace callbot::bot
