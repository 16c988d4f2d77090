#include "browsers/process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "base/files.h"
#include "base/loop.h"

namespace callbot::browsers {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kPatience = 20s;

// Gone, or a zombie that its parent has yet to take.
bool gone(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  return !stat || stat->find(") Z ") != std::string::npos;
}

TEST(Process, TellsItsLinesAndItsEnd) {
  Loop loop;
  std::vector<std::string> lines;
  std::optional<std::string> ended;
  ProcessHandlers handlers{[&](const std::string& line) { lines.push_back(line); },
                           [&](const std::string& how) { ended = how; }};
  const auto process = Process::start(
      {{"/bin/sh", "-c", "echo $WORD >&2; echo two >&2; exit 3"}, {{"WORD", "one"}}}, handlers);
  ASSERT_TRUE(process) << process.error().message;
  ASSERT_TRUE(loop.run_until([&] { return ended && lines.size() == 2; }, kPatience));
  EXPECT_EQ(*ended, "exit status 3");
  EXPECT_EQ((*process)->last_lines(), "one\ntwo");
  EXPECT_FALSE((*process)->running());
  EXPECT_EQ((*process)->pid(), 0);
}

TEST(Process, OneThatIsNotThereIsUnsupported) {
  Loop loop;
  const auto process = Process::start({{"/nowhere/browser"}}, {});
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, Code::kUnsupported);
  EXPECT_THAT(process.error().message, HasSubstr("/nowhere/browser"));
}

TEST(Process, IsKilledWithAllItStarted) {
  Loop loop;
  std::optional<pid_t> child;
  ProcessHandlers handlers{[&](const std::string& line) { child = std::stoi(line); }, {}};
  auto process = Process::start({{"/bin/sh", "-c", "sleep 1000 & echo $! >&2; wait"}}, handlers);
  ASSERT_TRUE(process);
  ASSERT_TRUE(loop.run_until([&] { return child.has_value(); }, kPatience));
  const pid_t leader = (*process)->pid();
  process->reset();
  EXPECT_TRUE(loop.run_until([&] { return gone(leader) && gone(*child); }, kPatience));
}

TEST(Process, WhatALeaderLeavesBehindGoesToo) {
  Loop loop;
  std::optional<pid_t> child;
  std::optional<std::string> ended;
  ProcessHandlers handlers{[&](const std::string& line) { child = std::stoi(line); },
                           [&](const std::string& how) { ended = how; }};
  auto process = Process::start(
      {{"/bin/sh", "-c", "sleep 1000 2>/dev/null & echo $! >&2; kill -9 $$"}}, handlers);
  ASSERT_TRUE(process);
  ASSERT_TRUE(loop.run_until([&] { return child && ended; }, kPatience));
  EXPECT_EQ(*ended, "signal 9");
  EXPECT_TRUE(loop.run_until([&] { return gone(*child); }, kPatience));
}

// What starts it is killed without a chance to say anything.
TEST(Process, EndsWithWhoStartedIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    Loop loop;
    const auto process = Process::start({{"/bin/sleep", "1000"}}, {});
    const pid_t pid = process ? (*process)->pid() : 0;
    if (write(ends[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    loop.run();
    _exit(0);
  }
  pid_t pid = 0;
  ASSERT_EQ(read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  EXPECT_FALSE(gone(pid));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  Loop loop;
  EXPECT_TRUE(loop.run_until([&] { return gone(pid); }, kPatience));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace callbot::browsers
