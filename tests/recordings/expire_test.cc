#include "recordings/expire.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/catalogue.h"
#include "recordings/folder_lock.h"
#include "recordings/trash.h"
#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using namespace std::chrono_literals;
using test::age_journal;
using test::make_recording;
using test::TempFolder;
using test::write;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kDay_ns = 86'400'000'000'000;

class Expire : public testing::Test {
 protected:
  // One that began so many days ago and took a minute.
  fs::path make(const std::string& name, int64_t days_ago, const std::string& state = "finished",
                size_t bytes = 100'000) const {
    return make_recording(out_.path(), {.name = name,
                                        .started_wall_ns = wall_ns() - days_ago * kDay_ns,
                                        .state = state,
                                        .media_bytes = bytes});
  }
  static void keep(const fs::path& folder) {
    ASSERT_TRUE(change_annotations(folder, [](Annotations& a) {
      a.keep = true;
      return Result<>();
    }));
  }
  ExpirePlan plan(const ExpireConfig& config) const {
    auto plan = plan_expire(out_.path(), config);
    EXPECT_TRUE(plan) << plan.error().message;
    return plan ? *plan : ExpirePlan();
  }
  ExpirePlan expire(const ExpireConfig& config) const {
    auto done = plan(config);
    carry_out(out_.path(), done);
    return done;
  }
  static std::vector<std::string> names(const ExpirePlan& plan) {
    std::vector<std::string> names;
    for (const Expired& one : plan.expired) names.push_back(one.name + " " + one.why);
    return names;
  }
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(out_.path())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(".catalogue.sqlite")) names.push_back(name);
    }
    return names;
  }

  TempFolder out_;
};

TEST_F(Expire, APlanDeletesNothing) {
  make("old", 40);
  make("new", 1);
  const auto p = plan({.keep = std::chrono::hours(24 * 30)});
  EXPECT_THAT(names(p), ElementsAre("old age"));
  EXPECT_GE(p.frees, 100'000u);
  EXPECT_EQ(p.recordings, 2u);
  EXPECT_THAT(left(), UnorderedElementsAre("old", "new"));
}

TEST_F(Expire, ByAge) {
  make("old", 40);
  make("older", 50, "failed");
  make("new", 29);
  const auto done = expire({.keep = std::chrono::hours(24 * 30)});
  EXPECT_THAT(names(done), ElementsAre("older age", "old age"));
  for (const Expired& one : done.expired) EXPECT_FALSE(one.failed) << one.failed->message;
  EXPECT_THAT(left(), UnorderedElementsAre("new"));
  EXPECT_THAT(names(expire({.keep = std::chrono::hours(24 * 30)})), IsEmpty());
}

TEST_F(Expire, AgeCountsFromTheEnd) {
  make_recording(
      out_.path(),
      {.name = "long", .started_wall_ns = wall_ns() - 3 * kDay_ns, .length_s = 2.5 * 86400});
  EXPECT_THAT(names(plan({.keep = 24h})), IsEmpty());
  EXPECT_THAT(names(plan({.keep = 11h})), ElementsAre("long age"));
}

TEST_F(Expire, ByCount) {
  for (int i = 1; i <= 5; ++i) make(fmt::format("r{}", i), i);
  keep(out_.path() / "r4");
  const auto done = expire({.keep_count = 2});
  EXPECT_THAT(names(done), ElementsAre("r5 count", "r3 count"));
  EXPECT_EQ(done.kept, 1u);
  EXPECT_THAT(left(), UnorderedElementsAre("r1", "r2", "r4"));
}

TEST_F(Expire, ByFreeSpaceTheOldestGoFirstAndNoMoreThanNeeded) {
  constexpr size_t kBig = 16 << 20;
  for (int i = 1; i <= 3; ++i) make(fmt::format("r{}", i), i, "finished", kBig);
  const uint64_t now = *free_space(out_.path());
  EXPECT_THAT(names(plan({.free_bytes = now / 2})), IsEmpty());
  // Others write on the same disk: until they did not while it was looked at.
  decltype(plan({})) p;
  uint64_t before = 0;
  uint64_t after = kBig;
  while (std::max(before, after) - std::min(before, after) > kBig / 4) {
    before = *free_space(out_.path());
    p = plan({.free_bytes = before + kBig / 2});
    after = *free_space(out_.path());
  }
  EXPECT_THAT(names(p), ElementsAre("r3 free"));
  EXPECT_FALSE(p.short_of_space);
  keep(out_.path() / "r2");
  const auto all = expire({.free_bytes = uint64_t{1} << 60});
  EXPECT_THAT(names(all), ElementsAre("r3 free", "r1 free"));
  EXPECT_TRUE(all.short_of_space);
  EXPECT_THAT(left(), UnorderedElementsAre("r2"));
}

TEST_F(Expire, WhatARuleTakesCountsForTheFreeSpace) {
  make("old", 40, "finished", 16 << 20);
  make("new", 1, "finished", 16 << 20);
  const auto p = plan(
      {.keep = std::chrono::hours(24 * 30), .free_bytes = *free_space(out_.path()) + (8 << 20)});
  EXPECT_THAT(names(p), ElementsAre("old age"));
}

TEST_F(Expire, NeverOneThatRunsOrIsKeptOrCannotBeRead) {
  make("running", 40, "running");
  keep(make("kept", 40));
  write(make("damaged", 40) / "manifest.json", "garbage");
  write(make("mute", 40) / "annotations.json", "garbage");
  const auto later = make("later", 40);
  std::string manifest = *read_file(later / "manifest.json", 1 << 20);
  manifest.replace(manifest.find("\"version\": 2"), 12, "\"version\": 9");
  write(later / "manifest.json", manifest);
  const auto before = left();
  const auto done = expire({.keep = 1h, .keep_count = 0, .free_bytes = uint64_t{1} << 60});
  EXPECT_THAT(done.expired, IsEmpty());
  EXPECT_EQ(done.running, 1u);
  EXPECT_EQ(done.kept, 1u);
  EXPECT_EQ(done.unreadable, 3u);
  EXPECT_TRUE(done.short_of_space);
  EXPECT_EQ(left(), before);
}

TEST_F(Expire, OneThatWasCutOffGoes) {
  age_journal(make("cut", 40, "running"), 24h);
  EXPECT_THAT(names(expire({.keep = 1h})), ElementsAre("cut age"));
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(Expire, WhatIsNoRecordingIsNotTouched) {
  TempFolder elsewhere;
  const auto far = make_recording(elsewhere.path(), {.name = "far", .started_wall_ns = kDay_ns});
  fs::create_directory_symlink(far, out_.path() / "link");
  fs::create_directories(out_.path() / "photos" / "2019");
  write(out_.path() / "notes.txt", "x");
  fs::create_directory(out_.path() / ".hidden");
  const auto before = left();
  const auto done = expire({.keep = 0h, .keep_count = 0, .free_bytes = uint64_t{1} << 60});
  EXPECT_THAT(done.expired, IsEmpty());
  EXPECT_EQ(left(), before);
  EXPECT_TRUE(fs::exists(far / "manifest.json"));
}

TEST_F(Expire, WhatChangedSinceThePlanIsLookedAtAgain) {
  make("a", 40);
  const auto b = make("b", 40);
  const auto c = make("c", 40);
  make("d", 40);
  auto p = plan({.keep = 1h});
  ASSERT_EQ(p.expired.size(), 4u);
  keep(b);
  make("c", 40, "running");
  const auto tagging = lock_folder(out_.path() / "d", false);
  ASSERT_TRUE(tagging);
  carry_out(out_.path(), p);
  EXPECT_THAT(left(), UnorderedElementsAre("b", "c", "d"));
  EXPECT_FALSE(p.expired[0].failed);
  EXPECT_THAT(p.expired[1].failed->message, HasSubstr("marked keep"));
  EXPECT_THAT(p.expired[2].failed->message, HasSubstr("running"));
  EXPECT_THAT(p.expired[3].failed->message, HasSubstr("another process"));
}

TEST_F(Expire, HostileNamesAreOnlyNames) {
  for (const char* name : {"'; DROP TABLE recordings; --", "a\nb", "-rf", "\xff\xfe", "*", "~"})
    make(name, 40);
  make("new", 1);
  EXPECT_EQ(expire({.keep = 24h}).expired.size(), 6u);
  EXPECT_THAT(left(), UnorderedElementsAre("new"));
}

TEST_F(Expire, KilledAtAnyMomentTheNextOneFinishes) {
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 10; ++i) {
      const auto folder = make(fmt::format("old{}", i), 40, "finished", 1000);
      for (int f = 0; f < 20; ++f) write(folder / "media" / fmt::format("f{}", f), "x");
    }
    const auto kept = make("kept", 40);
    keep(kept);
    make("new", 1);
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      auto p = plan_expire(out_.path(), {.keep = 24h});
      carry_out(out_.path(), *p, [&](double) { (void)!::write(pipe_fds[1], ".", 1); });
      for (;;) pause();
    }
    char sign = 0;
    for (int signs = 0; signs < 1 + round % 10; ++signs)
      ASSERT_EQ(::read(pipe_fds[0], &sign, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    const auto there = recording_names(out_.path());
    ASSERT_TRUE(there);
    for (const auto& name : *there)
      EXPECT_EQ(read_entry(out_.path() / name).error, "") << name << " is there, but not whole";
    const auto done = expire({.keep = 24h});
    for (const Expired& one : done.expired) EXPECT_FALSE(one.failed) << one.failed->message;
    EXPECT_THAT(left(), UnorderedElementsAre("kept", "new")) << round;
  }
}

TEST_F(Expire, TwoAtOnceDeleteEachOnce) {
  for (int i = 0; i < 40; ++i) make(fmt::format("old{:02}", i), 40, "finished", 1000);
  make("new", 1);
  std::vector<pid_t> children;
  for (int p = 0; p < 2; ++p) {
    const pid_t pid = fork();
    if (pid == 0) {
      (void)expire({.keep = 24h});
      _exit(0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) waitpid(pid, nullptr, 0);
  EXPECT_THAT(names(expire({.keep = 24h})), IsEmpty());
  EXPECT_THAT(left(), UnorderedElementsAre("new"));
}

// Disks fill up; nothing frees them by space.
TEST(Pain19, ExpireFreesSpaceAndNeverTakesARunningOne) {
  TempFolder out;
  constexpr size_t kBig = 16 << 20;
  const int64_t old_ns = wall_ns() - 10 * kDay_ns;
  make_recording(out.path(), {.name = "old", .started_wall_ns = old_ns, .media_bytes = kBig});
  const auto running = make_recording(
      out.path(),
      {.name = "running", .started_wall_ns = old_ns, .state = "running", .media_bytes = kBig});
  age_journal(running, 24h);  // nobody speaks, but the process is there and holds its journal
  const int writer = open((running / "journal.jsonl").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(flock(writer, LOCK_EX | LOCK_NB), 0);
  auto plan = plan_expire(out.path(), {.free_bytes = uint64_t{1} << 60});
  ASSERT_TRUE(plan);
  EXPECT_GE(plan->frees, kBig);
  carry_out(out.path(), *plan);
  close(writer);
  EXPECT_FALSE(fs::exists(out.path() / "old"));
  EXPECT_EQ(fs::file_size(running / "media" / "alice-1.mkv"), kBig);
  EXPECT_TRUE(plan->short_of_space) << "and it says that this was not enough";
}

}  // namespace
}  // namespace callbot::recordings
