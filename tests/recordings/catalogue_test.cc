#include "recordings/catalogue.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "base/files.h"
#include "recordings/catalogue_index.h"
#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using namespace std::chrono_literals;
using test::make_recording;
using test::TempFolder;
using test::write;
using test::Writing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kDay_ns = 86'400'000'000'000;
constexpr int64_t kStart_ns = 1'795'234'842'000'000'000;

class CatalogueTest : public testing::Test {
 protected:
  // Marks count from the first moment on: nothing changes here while it is read.
  Catalogue read(bool rebuild = false) const {
    auto catalogue =
        read_catalogue(out_.path(), {.with_chat = true, .rebuild = rebuild, .settled = 0ns});
    EXPECT_TRUE(catalogue) << catalogue.error().message;
    return catalogue ? *catalogue : Catalogue();
  }
  static std::vector<std::string> names(const std::vector<CatalogueEntry>& entries) {
    std::vector<std::string> names;
    for (const CatalogueEntry& e : entries) names.push_back(e.name);
    return names;
  }
  fs::path make(const test::MadeRecording& made) const { return make_recording(out_.path(), made); }
  fs::path index() const { return out_.path() / kCatalogueFile; }

  TempFolder out_;
};

TEST_F(CatalogueTest, ListsRecordingsNewestFirst) {
  EXPECT_THAT(read().entries, IsEmpty());
  make({.name = "old", .started_wall_ns = kStart_ns});
  make({.name = "new", .started_wall_ns = kStart_ns + 2 * kDay_ns});
  make({.name = "middle", .started_wall_ns = kStart_ns + kDay_ns});
  EXPECT_THAT(names(read().entries), ElementsAre("new", "middle", "old"));
  EXPECT_THAT(names(read().entries), ElementsAre("new", "middle", "old")) << "from the index";
  EXPECT_TRUE(fs::exists(index()));
}

TEST_F(CatalogueTest, OnlyRecordingsAreListed) {
  make({.name = "one"});
  fs::create_directory(out_.path() / "empty");
  make({.name = ".trash-one-0123456789abcdef"});
  write(out_.path() / "file", "x");
  fs::create_directory_symlink(out_.path() / "one", out_.path() / "link");
  EXPECT_THAT(names(read().entries), ElementsAre("one"));
}

TEST_F(CatalogueTest, AFolderThatIsNotThereIsSaid) {
  const auto none = read_catalogue(out_.path() / "none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kStorage);
  EXPECT_THAT(none.error().message, HasSubstr("none"));
}

TEST_F(CatalogueTest, ReadsOnlyWhatHasChanged) {
  const auto a = make({.name = "a", .verdict = "PASS"});
  const auto b = make({.name = "b", .verdict = "PASS"});
  (void)read();
  // In place, which FORMAT.md forbids: no mark sees it, so it shows who was read again.
  for (const auto& folder : {a, b}) write(folder / "verdict.json", "{\"verdict\":\"FAIL\"}");
  for (const CatalogueEntry& e : read().entries) EXPECT_EQ(e.verdict, "PASS") << e.name;
  ASSERT_TRUE(change_annotations(b, [](Annotations& x) {
    x.tags = {"t"};
    return Result<>();
  }));
  const auto after = read().entries;
  ASSERT_EQ(after.size(), 2u);
  for (const CatalogueEntry& e : after) EXPECT_EQ(e.verdict, e.name == "a" ? "PASS" : "FAIL");
  for (const CatalogueEntry& e : read(true).entries) EXPECT_EQ(e.verdict, "FAIL") << e.name;
}

TEST_F(CatalogueTest, WhatIsJustBeingChangedIsReadAgain) {
  const auto a = make({.name = "a", .verdict = "PASS"});
  const auto catalogue = [&] { return read_catalogue(out_.path(), {.settled = 1h})->entries; };
  ASSERT_EQ(catalogue().at(0).verdict, "PASS");
  write(a / "verdict.json", "{\"verdict\":\"FAIL\"}");
  EXPECT_EQ(catalogue().at(0).verdict, "FAIL");
}

TEST_F(CatalogueTest, ARecordingThatIsGoneIsGone) {
  make({.name = "a"});
  const auto b = make({.name = "b"});
  (void)read();
  fs::remove_all(b);
  EXPECT_THAT(names(read().entries), ElementsAre("a"));
  EXPECT_EQ(CatalogueIndex(out_.path()).rows(false).size(), 1u);
}

TEST_F(CatalogueTest, OneThatRunsIsFollowed) {
  const auto a = make({.name = "a", .length_s = 5, .state = "running"});
  {
    const Writing writer(a);
    EXPECT_EQ(read().entries.at(0).state, "running");
  }
  make({.name = "a", .length_s = 9, .state = "running"});
  EXPECT_EQ(read().entries.at(0).length_ns, 9'000'000'000);
  EXPECT_EQ(read().entries.at(0).state, "cut-off");
  EXPECT_EQ(read().entries.at(0).state, "cut-off") << "from the index";
  {
    const Writing writer(a);
    EXPECT_EQ(read().entries.at(0).state, "running") << "somebody goes on with it";
  }
  make({.name = "a", .length_s = 20});
  EXPECT_EQ(read().entries.at(0).state, "finished");
  EXPECT_EQ(read().entries.at(0).length_ns, 20'000'000'000);
}

TEST_F(CatalogueTest, WhatCannotBeReadIsListedAll) {
  const auto bad = make({.name = "bad"});
  make({.name = "good"});
  write(bad / "manifest.json", "garbage");
  for (int i = 0; i < 2; ++i) {
    const auto entries = read().entries;
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[1].name, "bad");
    EXPECT_EQ(entries[1].state, "unreadable");
    EXPECT_THAT(entries[1].error, HasSubstr("manifest.json"));
  }
}

TEST_F(CatalogueTest, HostileNamesAreNames) {
  const std::vector<std::string> hostile{"'; DROP TABLE recordings; --",
                                         "a\nb",
                                         "\xff\xfe",
                                         "-rf",
                                         "--out",
                                         "a b\t",
                                         "\x1b[31mred",
                                         "\u202eevil",
                                         "%n%s",
                                         "..a",
                                         std::string(200, 'x')};
  for (const std::string& name : hostile)
    make({.name = name, .room = name == "\xff\xfe" ? "bytes" : name});
  const auto first = read().entries;
  EXPECT_EQ(first.size(), hostile.size() - 1) << "\"..a\" begins with a dot";
  EXPECT_EQ(read().entries, first);
  for (const CatalogueEntry& e : first) {
    const auto found = find_recording(out_.path(), e.name);
    ASSERT_TRUE(found) << e.name;
    EXPECT_EQ(found->filename(), e.name);
  }
}

TEST_F(CatalogueTest, NoDatabaseHidesARecording) {
  for (int i = 0; i < 20; ++i) make({.name = fmt::format("r{:02}", i)});
  const auto truth = read().entries;
  ASSERT_EQ(truth.size(), 20u);
  const std::string good = *read_file(index(), 1 << 26);
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    std::string bad = good.substr(0, random() % 4 == 0 ? random() % good.size() : good.size());
    for (int i = 0; i < 20 && !bad.empty(); ++i)
      bad[random() % bad.size()] = static_cast<char>(random());
    for (const char* end : {"-wal", "-shm"}) fs::remove(fs::path(index()).concat(end));
    write(index(), bad);
    ASSERT_EQ(read().entries, truth) << round;
    ASSERT_EQ(read().entries, truth) << round;
  }
  fs::remove(index());
  fs::create_directory(index());
  EXPECT_EQ(read().entries, truth);
  EXPECT_NE(read().note, "");
}

TEST_F(CatalogueTest, ProcessesThatRefreshAtOnceAgree) {
  constexpr size_t kRecordings = 300;
  for (size_t i = 0; i < kRecordings; ++i) make({.name = fmt::format("r{:03}", i)});
  std::vector<pid_t> children;
  for (int p = 0; p < 4; ++p) {
    const pid_t pid = fork();
    if (pid == 0) {
      for (int i = 0; i < 4; ++i) {
        const auto catalogue = read_catalogue(out_.path(), {.rebuild = i % 2 == 0, .settled = 0ns});
        if (!catalogue || catalogue->entries.size() != kRecordings) _exit(1);
      }
      _exit(0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(CatalogueIndex(out_.path()).rows(false).size(), kRecordings);
  EXPECT_EQ(read().note, "");
}

TEST_F(CatalogueTest, AKillWhileItIsRefreshedHarmsNothing) {
  constexpr size_t kRecordings = 100;
  for (size_t i = 0; i < kRecordings; ++i) make({.name = fmt::format("r{:03}", i)});
  const auto truth = read().entries;
  for (int round = 0; round < 20; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      for (int i = 0;; ++i) {
        (void)read_catalogue(out_.path(),
                             {.rebuild = true, .settled = 0ns, .progress = [&](double) {
                                (void)!::write(pipe_fds[1], ".", 1);
                              }});
      }
    }
    // After so many signs of life, not after a time: somewhere in the middle of the work.
    char sign = 0;
    for (int signs = 0; signs < 1 + round * 13; ++signs)
      ASSERT_EQ(::read(pipe_fds[0], &sign, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    const auto after = read();
    ASSERT_EQ(after.entries, truth) << round;
    ASSERT_EQ(after.note, "") << round;
  }
}

// In memory where the machine has that: a disk takes a minute to make them and to take them away.
TEST(CatalogueOfTenThousand, IsTheSameFromTheIndexAsFromTheFolders) {
  constexpr size_t kRecordings = 10'000;
  test::TempFolder out(test::in_memory());
  make_recording(out.path(), {.name = "0"});
  const std::string manifest = *read_file(out.path() / "0" / "manifest.json", 1 << 20);
  for (size_t i = 1; i < kRecordings; ++i) {
    const fs::path folder = out.path() / std::to_string(i);
    fs::create_directory(folder);
    std::ofstream(folder / "manifest.json") << manifest;
  }
  const auto read = [&] { return read_catalogue(out.path(), {.with_chat = true, .settled = 0ns}); };
  const auto truth = read();
  ASSERT_TRUE(truth);
  EXPECT_EQ(truth->entries.size(), kRecordings);
  EXPECT_EQ(CatalogueIndex(out.path()).rows(false).size(), kRecordings);
  const auto again = read();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->entries == truth->entries);
}

// --- names

TEST_F(CatalogueTest, ANameIsFoundByABeginningThatOnlyOneHas) {
  make({.name = "standup-20261121T042042Z"});
  make({.name = "standup-20261121T042042Z-2"});
  make({.name = "retro-20261121T042042Z"});
  EXPECT_EQ(find_recording(out_.path(), "ret")->filename(), "retro-20261121T042042Z");
  EXPECT_EQ(find_recording(out_.path(), "retro-20261121T042042Z/")->filename(),
            "retro-20261121T042042Z");
  EXPECT_EQ(find_recording(out_.path(), "standup-20261121T042042Z")->filename(),
            "standup-20261121T042042Z")
      << "the whole name of one, though another begins so";
  const auto ambiguous = find_recording(out_.path(), "stand");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code, Code::kUsage);
  EXPECT_THAT(ambiguous.error().message, HasSubstr("\n  standup-20261121T042042Z-2"));
  for (const char* name : {"x", "", "../", ".", "retro-20261121T042042Z/media", "/etc"}) {
    const auto none = find_recording(out_.path(), name);
    ASSERT_FALSE(none) << name;
    EXPECT_EQ(none.error().code, Code::kBadInput);
  }
}

}  // namespace
}  // namespace callbot::recordings
