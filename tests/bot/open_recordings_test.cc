#include "bot/open_recordings.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "bot/judge.h"
#include "recordings/owed_verdict.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/key_ring.h"
#include "tests/support/killed.h"
#include "tests/support/most_file_size.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class OpenRecordingsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(script_) << "#!/bin/sh\necho \"$1 $2\" >> " << said_ << "\n";
    fs::permissions(script_, fs::perms::owner_all);
  }
  // Two seconds of sound below out_, cut off or finished in order.
  fs::path record(const std::string& name, bool finish, recordings::RecordingConfig config = {}) {
    Feed feed{std::move(config)};
    feed.member("alice");
    feed.add({audio_track(1, "alice"), make_audio({.seconds = 2})});
    EXPECT_TRUE(feed.run(2, finish));
    feed.drop();
    const fs::path folder = out_ / name;
    fs::create_directories(out_);
    fs::copy(feed.folder(), folder, fs::copy_options::recursive);
    return folder;
  }
  // As the next recorder does at its start, until so many verdicts were given.
  std::string open(size_t verdicts) {
    Loop loop;
    Console console{true};
    testing::internal::CaptureStdout();
    OpenRecordings open(loop, console, script_);
    open.finish(out_);
    const bool done = loop.run_until([&] { return said().size() >= verdicts; }, 60s);
    std::string output = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(done) << output;
    return output;
  }
  ExitStatus repair(const fs::path& folder, bool json = false) {
    testing::internal::CaptureStdout();
    Console console{json};
    const auto status = run_repair(console, {.dir = folder, .json = json, .on_finish = script_});
    repaired_ = testing::internal::GetCapturedStdout();
    return status;
  }
  // What --on-finish was given: "FOLDER VERDICT" each.
  std::vector<std::string> said() const {
    std::vector<std::string> lines;
    std::istringstream in(read_file(said_, 1 << 16).value_or(""));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  static std::string line(const fs::path& folder) {
    const auto verdict = recordings::saved_verdict(folder);
    return folder.string() + " " + (verdict ? name_of(verdict->severity) : "(none)");
  }

  TempFolder folder_;
  const fs::path out_ = folder_.path() / "out";
  const fs::path script_ = folder_.path() / "finish.sh";
  const fs::path said_ = folder_.path() / "said";
  std::string repaired_;
  Console console_{true};
};

TEST_F(OpenRecordingsTest, WhatIsFinishedIsJudgedAndGivenToTheProgram) {
  const fs::path cut = record("cut", false);
  const std::string output = open(1);
  ASSERT_TRUE(recordings::saved_verdict(cut)) << output;
  EXPECT_THAT(said(), ElementsAre(line(cut)));
  EXPECT_THAT(output, HasSubstr("\"repaired\""));
  EXPECT_THAT(output, HasSubstr("\"judged\""));
}

// Its recorder, or who repaired it, died before it was judged.
TEST_F(OpenRecordingsTest, WhatWasNotJudgedIsJudgedOnce) {
  const fs::path first = record("1", true);
  const fs::path old = record("2", true);  // of a version that owes nothing
  const fs::path judged = record("3", true);
  recordings::owe_verdict(first);
  ASSERT_TRUE(recordings::save_verdict(judged, *recordings::verify(judged)));
  recordings::owe_verdict(judged);  // it died between these two
  EXPECT_THAT(open(2), Not(HasSubstr("\"repaired\"")));
  EXPECT_THAT(said(), UnorderedElementsAre(line(first), line(judged)));
  EXPECT_TRUE(recordings::saved_verdict(first));
  EXPECT_FALSE(recordings::saved_verdict(old));
  // Those are not given again; whom somebody is at is left to him.
  const fs::path busy = record("4", true);
  recordings::owe_verdict(busy);
  const auto at_it = recordings::OwedVerdict::take(busy);
  ASSERT_TRUE(at_it);
  const fs::path last = record("5", true);
  recordings::owe_verdict(last);
  open(3);
  EXPECT_THAT(said(), UnorderedElementsAre(line(first), line(judged), line(last)));
  EXPECT_FALSE(recordings::saved_verdict(busy));
}

TEST_F(OpenRecordingsTest, RepairJudgesWhatWasNotJudged) {
  const fs::path cut = record("cut", false);
  EXPECT_EQ(repair(cut), kExitGood) << repaired_;
  EXPECT_THAT(said(), ElementsAre(line(cut)));
  EXPECT_THAT(repaired_, HasSubstr("judged: "));
  EXPECT_EQ(repair(cut), kExitGood);
  EXPECT_THAT(said(), ElementsAre(line(cut))) << "once";
  EXPECT_THAT(repaired_, Not(HasSubstr("judged")));

  const fs::path unjudged = record("unjudged", true);
  recordings::owe_verdict(unjudged);
  EXPECT_EQ(repair(unjudged, true), kExitGood);
  const auto json = Json::parse(repaired_);
  ASSERT_TRUE(json) << repaired_;
  EXPECT_EQ(json->at("verdict").text(), name_of(recordings::saved_verdict(unjudged)->severity));
  EXPECT_THAT(said(), ElementsAre(line(cut), line(unjudged)));

  const fs::path old = record("old", true);
  EXPECT_EQ(repair(old), kExitGood);
  EXPECT_TRUE(recordings::saved_verdict(old));
  EXPECT_THAT(said(), ElementsAre(line(cut), line(unjudged)))
      << "nobody knows what an older version gave";
}

TEST_F(OpenRecordingsTest, RepairWithoutTheKeyLeavesTheVerdictOwedForWhoHasIt) {
  const TestKeys keys;
  const fs::path sealed = record("sealed", true, {.seal_to = keys.pair.public_key});
  recordings::owe_verdict(sealed);
  TestKeys::take_none();
  EXPECT_EQ(repair(sealed), kExitUnmeasured);
  EXPECT_THAT(repaired_, HasSubstr("judged: UNMEASURED"));
  EXPECT_THAT(said(), IsEmpty());
  EXPECT_TRUE(recordings::owes_verdict(sealed));
  keys.take_secret();
  EXPECT_EQ(repair(sealed), kExitGood) << repaired_;
  EXPECT_THAT(said(), ElementsAre(line(sealed)));
  EXPECT_FALSE(recordings::owes_verdict(sealed));
  EXPECT_TRUE(recordings::saved_verdict(sealed));
}

// The next recorder has no key either: it does not come back to it at every start.
TEST_F(OpenRecordingsTest, ARecorderAtItsStartGivesWhatItHasNoKeyForAsUnmeasured) {
  const TestKeys keys;
  const fs::path sealed = record("sealed", true, {.seal_to = keys.pair.public_key});
  recordings::owe_verdict(sealed);
  TestKeys::take_none();
  open(1);
  EXPECT_THAT(said(), ElementsAre(sealed.string() + " UNMEASURED"));
  EXPECT_FALSE(recordings::owes_verdict(sealed));
}

TEST_F(OpenRecordingsTest, AVerdictThatCannotBeKeptStaysOwed) {
  const fs::path full = record("full", true);
  recordings::owe_verdict(full);
  {
    const MostFileSize disk(100);
    EXPECT_EQ(run_repair(console_, {.dir = full, .on_finish = script_}), kExitStorage);
    EXPECT_FALSE(judge_owed(full, [](double) { return true; }));
  }
  EXPECT_THAT(said(), IsEmpty());
  EXPECT_TRUE(recordings::owes_verdict(full));
  EXPECT_EQ(repair(full), kExitGood) << repaired_;
  EXPECT_THAT(said(), ElementsAre(line(full)));
  EXPECT_FALSE(recordings::owes_verdict(full));
}

// Who gives up has somebody waiting: he gets it all the same.
TEST_F(OpenRecordingsTest, WhoGivesUpGivesAVerdictThatCannotBeKept) {
  const fs::path full = record("full", true);
  recordings::owe_verdict(full);
  const MostFileSize disk(100);
  const auto go_on = [](double) { return true; };
  EXPECT_NE(judge_owed(full, go_on, Interrupted::kUnmeasured).value_or(""), "");
  EXPECT_FALSE(recordings::owes_verdict(full));
}

// Killed at each of its steps, and done again: a verdict, given once.
TEST_F(OpenRecordingsTest, WhereverItIsKilledTheVerdictIsGivenOnce) {
  const fs::path cut = record("cut", false);
  const fs::path again = out_ / "again";
  const auto work = [&] {
    if (!recordings::repair(again)) _exit(1);
    const auto verdict = judge_owed(again, [](double) { return true; });
    if (!verdict) return;
    const int fd = ::open(said_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const std::string line = *verdict + "\n";
    if (::write(fd, line.data(), line.size()) < 0) _exit(2);
    ::close(fd);
  };
  int steps = 0;
  for (bool killed = true; killed; ++steps) {
    fs::remove_all(again);
    // To be there: what comes after it is settled counts.
    ASSERT_TRUE(std::ofstream(said_, std::ios::trunc).is_open());
    fs::copy(cut, again, fs::copy_options::recursive);
    killed = killed_at_call(steps + 1, work);
    EXPECT_FALSE(killed_at_call(1 << 20, work));
    const auto verdict = recordings::saved_verdict(again);
    ASSERT_TRUE(verdict) << steps;
    EXPECT_THAT(said(), ElementsAre(name_of(verdict->severity))) << steps;
    EXPECT_FALSE(recordings::owes_verdict(again));
  }
  EXPECT_GT(steps, 8);
}

}  // namespace
}  // namespace callbot::bot
