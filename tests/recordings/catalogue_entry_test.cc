#include "recordings/catalogue_entry.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/files.h"
#include "recordings/folder_lock.h"
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

TEST(CatalogueEntry, SaysWhatTheFolderSays) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "standup-1",
                                                  .room = "standup",
                                                  .length_s = 90.5,
                                                  .members = {"alice", "bob", "alice"},
                                                  .chat = {"hello", "see you"},
                                                  .media_bytes = 5000,
                                                  .verdict = "WARN",
                                                  .label = "monday"});
  write(folder / "exports" / "all.mp4", std::string(700, 'e'));
  ASSERT_TRUE(change_annotations(folder, [](Annotations& a) {
    a.tags = {"x"};
    a.keep = true;
    return Result<>();
  }));
  const CatalogueEntry e = read_entry(folder);
  EXPECT_EQ(e.name, "standup-1");
  EXPECT_EQ(e.state, "finished");
  EXPECT_EQ(e.room, "standup");
  EXPECT_EQ(e.label, "monday");
  EXPECT_EQ(e.length_ns, 90'500'000'000);
  EXPECT_THAT(e.members, ElementsAre("alice", "bob"));
  EXPECT_EQ(e.verdict, "WARN");
  EXPECT_THAT(e.annotations.tags, ElementsAre("x"));
  EXPECT_TRUE(e.annotations.keep);
  EXPECT_EQ(e.chat, "hello\nsee you\n");
  EXPECT_EQ(e.error, "");
  uint64_t bytes = 0;
  for (const auto& f : fs::recursive_directory_iterator(folder))
    bytes += f.is_regular_file() ? f.file_size() : 0;
  EXPECT_EQ(e.bytes, bytes);
  EXPECT_GT(e.bytes, 5700u);
}

TEST(CatalogueEntry, OneThatNobodyWritesWasCutOff) {
  TempFolder out;
  const auto folder =
      make_recording(out.path(), {.name = "r", .length_s = 12, .state = "running", .chat = {"hi"}});
  {
    const Writing writer(folder);
    EXPECT_EQ(read_entry(folder).state, "running");
  }
  const CatalogueEntry e = read_entry(folder);
  EXPECT_EQ(e.state, "cut-off");
  EXPECT_EQ(e.length_ns, 12'000'000'000) << "as far as its journal goes";
  EXPECT_THAT(e.members, ElementsAre("alice"));
  EXPECT_EQ(e.chat, "hi\n");
}

TEST(CatalogueEntry, AVerdictIsOldOnceAFileIsLost) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "r", .verdict = "PASS"});
  EXPECT_EQ(read_entry(folder).verdict, "PASS");
  fs::remove(folder / "media" / "alice-1.mkv");
  // Times of files go in steps of some ms.
  while (read_entry(folder).verdict == "PASS") {
    write(folder / "media" / "x", "");
    fs::remove(folder / "media" / "x");
  }
  EXPECT_EQ(read_entry(folder).verdict, "old");
}

TEST(CatalogueEntry, WhatCannotBeReadSaysWhy) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "r"});
  write(folder / "annotations.json", "{}");
  EXPECT_THAT(read_entry(folder).error, HasSubstr("annotations.json"));
  EXPECT_EQ(read_entry(folder).state, "finished");
  write(folder / "verdict.json", "{\"verdict\":\"SPLENDID\"}");
  EXPECT_EQ(read_entry(folder).verdict, "?");
  std::string manifest = *read_file(folder / "manifest.json", 1 << 20);
  manifest.replace(manifest.find("\"version\": 2"), 12, "\"version\": 9");
  write(folder / "manifest.json", manifest);
  EXPECT_EQ(read_entry(folder).state, "unreadable");
  EXPECT_THAT(read_entry(folder).error, HasSubstr("version 9"));
  write(folder / "manifest.json", "");
  EXPECT_EQ(read_entry(folder).state, "unreadable");
  EXPECT_THAT(read_entry(folder).error, HasSubstr("manifest.json"));
}

class FolderMarks : public testing::Test {
 protected:
  Marked mark(bool with_journal = false) const { return mark_of(fd_.get(), "r", with_journal); }

  TempFolder out_;
  fs::path folder_ = make_recording(out_.path(), {.name = "r"});
  Descriptor fd_{open(out_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
};

TEST_F(FolderMarks, ChangeWithWhatAnEntrySays) {
  const std::vector<std::function<void()>> changes{
      [&] { (void)write_atomically(folder_ / "manifest.json", "{}"); },
      [&] { write(folder_ / "manifest.json", "{ }"); },
      [&] { (void)write_atomically(folder_ / "verdict.json", "{}"); },
      [&] { (void)write_atomically(folder_ / "annotations.json", "{}"); },
      [&] { fs::remove(folder_ / "annotations.json"); },
      [&] { touch_recording(folder_); },
      [&] {
        fs::rename(folder_, out_.path() / "q");
        fs::rename(out_.path() / "q", folder_);
      },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto before = mark();
    // The kernel's clock for files goes in steps of some ms: until it has gone one.
    do {
      changes[i]();
    } while (mark().mark == before.mark && mark().newest_ns == before.newest_ns);
    EXPECT_NE(mark().mark, before.mark) << i;
  }
  EXPECT_EQ(mark().mark, mark().mark);
}

TEST_F(FolderMarks, LookAtTheJournalOnlyIfAsked) {
  const auto without = mark(false);
  const auto with = mark(true);
  write(folder_ / "journal.jsonl", "longer or shorter, but other");
  EXPECT_EQ(mark(false).mark, without.mark);
  EXPECT_NE(mark(true).mark, with.mark);
}

TEST_F(FolderMarks, OnlyFoldersWithAManifestAreRecordings) {
  EXPECT_TRUE(mark().is_recording);
  fs::create_directory(out_.path() / "empty");
  fs::create_directory_symlink(folder_, out_.path() / "link");
  write(out_.path() / "file", "x");
  fs::create_directories(out_.path() / "odd" / "manifest.json");
  fs::create_directory(out_.path() / "sly");
  fs::create_symlink(folder_ / "manifest.json", out_.path() / "sly" / "manifest.json");
  for (const char* name : {"empty", "link", "file", "odd", "sly", "none"})
    EXPECT_FALSE(mark_of(fd_.get(), name, false).is_recording) << name;
}

TEST(FreedBy, CountsBlocksOfFilesWithoutAnotherName) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "r", .media_bytes = 1 << 20});
  const uint64_t freed = freed_by(folder);
  EXPECT_GE(freed, 1u << 20);
  write(folder / "media" / "linked", std::string(1 << 20, 'x'));
  fs::create_hard_link(folder / "media" / "linked", out.path() / "other-name");
  fs::create_symlink("/usr", folder / "media" / "symlink");
  EXPECT_LT(freed_by(folder), freed + (64 << 10)) << "deleting it frees none of these";
}

}  // namespace
}  // namespace callbot::recordings
