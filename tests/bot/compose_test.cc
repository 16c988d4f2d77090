#include "bot/compose.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "tests/support/feed.h"
#include "tests/support/most_file_size.h"
#include "tests/support/pidfd.h"
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
  {
    const test::MostFileSize full_disk(20'000);
    EXPECT_EQ(run_compose(console, {.dir = kGolden, .out = file}), kExitStorage);
  }
  EXPECT_TRUE(fs::is_empty(out.path()));
}

TEST(ComposeVerb, WhatLacksAPartIsNotGood) {
  test::TempFolder out;
  fs::copy(kGolden, out.path() / "call", fs::copy_options::recursive);
  fs::resize_file(out.path() / "call/media/bob-1.mkv", 10);
  Console console(true);
  testing::internal::CaptureStdout();
  const auto status = run_compose(
      console, {.dir = out.path() / "call", .layout = "audio", .out = out.path() / "mix.opus"});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_EQ(status, kExitNotGood) << said;
  EXPECT_NE(said.find("bob-1.mkv"), std::string::npos) << said;
}

// Its highest resident memory in kB, from /proc as long as it runs: what wait4() says counts that
// of the process that started it, and when it has ended nothing else is known of it.
long watch_memory(pid_t pid, int* status) {
  constexpr int kLookEveryMs = 5;
  const Descriptor process = test::pidfd_of(pid);
  pollfd ended{process.get(), POLLIN, 0};
  long most = 0;
  while (process && poll(&ended, 1, kLookEveryMs) == 0) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string key; in >> key;) {
      long kb = 0;
      if (key == "VmHWM:" && in >> kb) most = std::max(most, kb);
    }
  }
  EXPECT_EQ(waitpid(pid, status, 0), pid);
  return most;
}

// What it holds at a time does not grow with the recording.
TEST(ComposeVerb, ALongCallTakesNoMoreMemoryThanAShortOne) {
  // AddressSanitizer would keep up to 256 MB of what was freed, to find who uses it again.
  const char* asan = getenv("ASAN_OPTIONS");
  setenv("ASAN_OPTIONS", fmt::format("{}:quarantine_size_mb=1", asan ? asan : "").c_str(), 1);
  const auto peak_kb = [](double seconds) {
    test::Feed feed;
    TrackId track = 0;
    for (const char* id : {"alice", "bob"}) {
      feed.member(id);
      feed.says(id, 0, MediaKind::kVideo, true);
      feed.add({test::video_track(++track, id),
                test::make_video({.width = 96,
                                  .height = 54,
                                  .fps = 5,
                                  .frames = static_cast<int>(seconds * 5),
                                  .key_every = 25})});
      feed.add({test::audio_track(++track, id), test::make_audio({.seconds = seconds})});
    }
    EXPECT_TRUE(feed.run(seconds));
    test::TempFolder out;
    const std::string file = (out.path() / "call.mp4").string();
    const std::string folder = feed.folder().string();
    pid_t pid = 0;
    const char* words[] = {CALLBOT_PROGRAM, "compose", folder.c_str(), "--size", "320x180",
                           "--fps",         "10",      "--threads",    "2",      "--out",
                           file.c_str(),    nullptr};
    EXPECT_EQ(posix_spawn(&pid, words[0], nullptr, nullptr, const_cast<char**>(words), environ), 0);
    int status = 0;
    const long most = watch_memory(pid, &status);
    EXPECT_EQ(status, 0);
    return most;
  };
  const long brief = peak_kb(5);
  const long lengthy = peak_kb(150);
  // All its sound would be 28 MB more (a second of 48 kHz stereo is 0.2 MB), all pictures 125 MB.
  EXPECT_LT(lengthy - brief, 14'000) << brief << " kB and " << lengthy << " kB";
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
