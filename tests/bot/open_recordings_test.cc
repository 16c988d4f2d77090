#include "bot/open_recordings.h"

#include <gmock/gmock.h>

#include <fstream>

#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::HasSubstr;

TEST(OpenRecordings, WhatIsFinishedIsJudgedAndGivenToTheProgram) {
  Loop loop;
  Console console{true};
  Feed feed;
  feed.member("alice");
  feed.add({audio_track(1, "alice"), make_audio({.seconds = 2})});
  ASSERT_TRUE(feed.run(2, false));
  feed.drop();
  TempFolder folder;
  const fs::path script = folder.path() / "finish.sh";
  const fs::path said = folder.path() / "said";
  std::ofstream(script) << "#!/bin/sh\necho \"$1 $2\" > " << said << ".part; mv " << said
                        << ".part " << said << "\n";
  fs::permissions(script, fs::perms::owner_all);
  testing::internal::CaptureStdout();
  OpenRecordings open(loop, console, script);
  open.finish(feed.folder().parent_path());
  const bool done = loop.run_until([&] { return fs::exists(said); }, 60s);
  const std::string output = testing::internal::GetCapturedStdout();
  ASSERT_TRUE(done) << output;
  const auto verdict = recordings::saved_verdict(feed.folder());
  ASSERT_TRUE(verdict) << output;
  EXPECT_EQ(read_file(said, 4096).value_or(""),
            feed.folder().string() + " " + name_of(verdict->severity) + "\n");
  EXPECT_THAT(output, HasSubstr("\"repaired\""));
  EXPECT_THAT(output, HasSubstr("\"judged\""));
}

}  // namespace
}  // namespace callbot::bot
