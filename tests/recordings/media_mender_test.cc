// A repair that is killed itself: wherever that happens, the next one finishes, and nothing is
// lost.
#include "recordings/media_mender.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "base/files.h"
#include "recordings/aside.h"
#include "recordings/repair.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/killed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::Contains;
using ::testing::Not;

constexpr const char* kAlice = "media/alice-1.mkv";
constexpr const char* kBob = "media/bob-1.mkv";

std::string bytes_of(const fs::path& path) { return read_file(path, 1u << 30).value_or(""); }

std::map<std::string, std::string> tree_of(const fs::path& folder) {
  std::map<std::string, std::string> tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      tree[fs::relative(entry.path(), folder).string()] = bytes_of(entry.path());
  return tree;
}

// Two seconds of a call with picture and sound, and a sound alone.
class KilledRepair : public ::testing::Test {
 protected:
  fs::path folder() const { return out_.path() / "room-20261121T042042Z"; }
  void record(bool finish) {
    Feed feed;
    feed.member("alice");
    feed.member("bob");
    feed.add({video_track(1, "alice"),
              make_video({.width = 128, .height = 96, .frames = 60, .key_every = 10})});
    feed.add({audio_track(2, "alice"), make_audio({.seconds = 2})});
    feed.add({audio_track(3, "bob"), make_audio({.seconds = 2})});
    ASSERT_TRUE(feed.run(2.1, finish));
    feed.drop();
    fs::copy(feed.folder(), harmed_, fs::copy_options::recursive);
  }
  void start_over() {
    fs::remove_all(folder());
    fs::copy(harmed_, folder(), fs::copy_options::recursive);
  }
  std::vector<std::string> findings() const {
    std::vector<std::string> codes;
    const auto verdict = verify(folder(), {.threads = 1});
    EXPECT_TRUE(verdict);
    for (const Finding& f : verdict ? verdict->findings : std::vector<Finding>())
      codes.push_back(f.code);
    return codes;
  }
  std::vector<int64_t> pictures() const {
    return counters(Recorded(folder()).lane("alice", MediaKind::kVideo));
  }
  // After a repair that was finished: this file is kept, and nothing is lying about.
  void expect_whole(const std::string& kept_aside, size_t pictures_at_least) {
    EXPECT_EQ(Recorded(folder()).manifest.state, "finished");
    EXPECT_GE(pictures().size(), pictures_at_least);
    EXPECT_THAT(findings(),
                ::testing::AllOf(Not(Contains("file-missing")), Not(Contains("checksum")),
                                 Not(Contains("file-extra")), Not(Contains("file-damaged"))));
    if (kept_aside.empty()) return;
    std::vector<std::string> kept;
    for (const auto& [name, bytes] : tree_of(folder()))
      if (name.starts_with("damaged/alice-1")) kept.push_back(bytes);
    EXPECT_EQ(kept.size(), 1u);
    EXPECT_THAT(kept, Contains(kept_aside));
  }
  void kill_everywhere(const std::string& kept_aside) {
    start_over();
    ASSERT_TRUE(repair(folder()));
    const size_t as_many = pictures().size();
    ASSERT_GT(as_many, 20u);
    int n = 1;
    for (bool killed = true; killed && !HasFailure(); ++n) {
      SCOPED_TRACE(testing::Message() << "killed at call " << n);
      start_over();
      killed = killed_at_call(n, [&] {
        if (!repair(folder())) _exit(1);
      });
      const auto again = repair(folder());
      ASSERT_TRUE(again) << again.error().message;
      expect_whole(kept_aside, as_many);
      const auto once = tree_of(folder());
      EXPECT_FALSE(repair(folder())->changed);
      EXPECT_TRUE(tree_of(folder()) == once);
    }
    EXPECT_GT(n, 10);
  }

  TempFolder out_;
  const fs::path harmed_ = out_.path() / "harmed";
};

TEST_F(KilledRepair, OfAFinishedRecordingWithACutFile) {
  record(true);
  fs::resize_file(harmed_ / kAlice, fs::file_size(harmed_ / kAlice) - 2000);
  const std::string cut = bytes_of(harmed_ / kAlice);
  // Of this one only the index is gone.
  fs::resize_file(harmed_ / kBob, fs::file_size(harmed_ / kBob) - 10);
  kill_everywhere(cut);
}

TEST_F(KilledRepair, OfOneThatWasCutOff) {
  record(false);
  std::ofstream(harmed_ / kAlice, std::ios::app) << std::string(5000, '\0');
  kill_everywhere(bytes_of(harmed_ / kAlice));
}

// Before, the original was moved into damaged/ first.
TEST_F(KilledRepair, WhatAnOlderOneLeftIsTakenUp) {
  record(false);
  std::ofstream(harmed_ / kAlice, std::ios::app) << std::string(5000, '\0');
  const std::string original = bytes_of(harmed_ / kAlice);
  start_over();
  fs::create_directory(folder() / "damaged");
  fs::rename(folder() / kAlice, folder() / "damaged/alice-1.mkv");
  std::ofstream(folder() / "media/alice-1.mkv.part") << original.substr(0, 1000);
  ASSERT_TRUE(repair(folder()));
  expect_whole(original, 50);
}

TEST_F(KilledRepair, WhatGoesOnInTheFolderFinishesItToo) {
  record(true);
  fs::resize_file(harmed_ / kAlice, fs::file_size(harmed_ / kAlice) - 2000);
  const std::string cut = bytes_of(harmed_ / kAlice);
  start_over();
  fs::rename(folder() / kAlice, original_of(folder() / kAlice));
  auto made = Recording::resume(Log("test"), folder(), "restarted");
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE((*made)->finish());
  expect_whole(cut, 20);
}

}  // namespace
}  // namespace callbot::recordings
