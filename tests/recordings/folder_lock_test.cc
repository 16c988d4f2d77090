#include "recordings/folder_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using namespace std::chrono_literals;
using test::age_journal;
using test::make_recording;
using test::TempFolder;

TEST(FolderLock, OneAtATime) {
  TempFolder folder;
  {
    const auto first = lock_folder(folder.path(), false);
    ASSERT_TRUE(first);
    const auto second = lock_folder(folder.path(), false);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kDenied);
  }
  EXPECT_TRUE(lock_folder(folder.path(), false));
}

TEST(FolderLock, ASymlinkIsNoFolder) {
  TempFolder folder;
  std::filesystem::create_directory(folder.path() / "real");
  std::filesystem::create_directory_symlink(folder.path() / "real", folder.path() / "link");
  EXPECT_TRUE(lock_folder(folder.path() / "real", false));
  EXPECT_EQ(lock_folder(folder.path() / "link", false).error().code, Code::kStorage);
  EXPECT_EQ(lock_folder(folder.path() / "none", false).error().code, Code::kStorage);
}

TEST(FolderLock, AJournalThatNobodyHasIsNotWrittenHoweverYoung) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "r", .state = "running"});
  EXPECT_FALSE(is_written(folder));
  EXPECT_TRUE(lock_journal(folder));
}

TEST(FolderLock, AJournalThatIsLockedIsBeingWrittenHoweverOld) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "r", .state = "running"});
  age_journal(folder, 24h);
  const int writer = open((folder / "journal.jsonl").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(flock(writer, LOCK_EX | LOCK_NB), 0);
  EXPECT_TRUE(is_written(folder));
  EXPECT_EQ(lock_journal(folder).error().code, Code::kDenied);
  close(writer);
  EXPECT_FALSE(is_written(folder));
}

TEST(FolderLock, WhoeverHasTheJournalKeepsWritersOut) {
  TempFolder out;
  const auto folder = make_recording(out.path(), {.name = "r", .state = "running"});
  age_journal(folder, 24h);
  const auto lock = lock_journal(folder);
  ASSERT_TRUE(lock && *lock);
  EXPECT_TRUE(is_written(folder)) << "seen by the others";
}

TEST(FolderLock, WithoutAJournalNobodyWrites) {
  TempFolder folder;
  EXPECT_FALSE(is_written(folder.path()));
  const auto lock = lock_journal(folder.path());
  ASSERT_TRUE(lock);
  EXPECT_FALSE(*lock);
  // A journal that is no file must not make anybody wait.
  ASSERT_EQ(mkfifo((folder.path() / "journal.jsonl").c_str(), 0600), 0);
  (void)is_written(folder.path());
}

}  // namespace
}  // namespace callbot::recordings
