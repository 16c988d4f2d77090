#include "recordings/trash.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "recordings/folder_lock.h"
#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using test::make_recording;
using test::TempFolder;
using test::write;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Trash : public testing::Test {
 protected:
  Result<std::string> move(const std::string& name) const {
    const auto fd = lock_folder(out_.path() / name, false);
    return fd ? move_to_trash(out_.path(), name, fd->get()) : tl::unexpected(fd.error());
  }
  size_t left() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(out_.path()), fs::directory_iterator()));
  }

  TempFolder out_;
};

TEST_F(Trash, IsEmptiedWhole) {
  const auto folder = make_recording(out_.path(), {.name = "r"});
  fs::create_directories(folder / "files" / "deep" / "er");
  write(folder / "files" / "deep" / "er" / "x", "x");
  ASSERT_EQ(mkfifo((folder / "files" / "pipe").c_str(), 0600), 0);
  const auto trash = move("r");
  ASSERT_TRUE(trash) << trash.error().message;
  EXPECT_THAT(*trash, StartsWith(".trash-r-"));
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_THAT(trash_in(out_.path()), ElementsAre(*trash));
  const auto emptied = empty_trash(out_.path(), *trash);
  EXPECT_TRUE(emptied) << emptied.error().message;
  EXPECT_EQ(left(), 0u);
  EXPECT_TRUE(empty_trash(out_.path(), *trash)) << "another process was faster";
}

TEST_F(Trash, SymlinksAreNotFollowed) {
  TempFolder elsewhere;
  write(elsewhere.path() / "precious", "x");
  const auto folder = make_recording(out_.path(), {.name = "r"});
  fs::create_directory_symlink(elsewhere.path(), folder / "files");
  fs::create_symlink(elsewhere.path() / "precious", folder / "media" / "link");
  fs::create_symlink("/nowhere", folder / "dangling");
  const auto trash = move("r");
  ASSERT_TRUE(trash);
  EXPECT_TRUE(empty_trash(out_.path(), *trash));
  EXPECT_EQ(left(), 0u);
  EXPECT_TRUE(fs::exists(elsewhere.path() / "precious"));
}

TEST_F(Trash, AnotherFileSystemInsideStays) {
  TempFolder elsewhere;
  write(elsewhere.path() / "precious", "x");
  const auto folder = make_recording(out_.path(), {.name = "r"});
  const auto trash = move("r");
  ASSERT_TRUE(trash);
  const pid_t pid = fork();
  if (pid == 0) {  // the mount is this child's alone
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(2);
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(3);
    // A bind mount of the same device, which st_dev does not tell.
    const auto below = out_.path() / *trash / "media";
    if (mount(elsewhere.path().c_str(), below.c_str(), nullptr, MS_BIND, nullptr) != 0) _exit(4);
    const auto emptied = empty_trash(out_.path(), *trash);
    _exit(!emptied && emptied.error().message.find("media") != std::string::npos ? 0 : 5);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(fs::exists(elsewhere.path() / "precious"));
  EXPECT_THAT(trash_in(out_.path()), ElementsAre(*trash)) << "it can still be told what it was";
  EXPECT_TRUE(empty_trash(out_.path(), *trash)) << "without the mount";
}

TEST_F(Trash, OnlyTheFolderThatWasLookedAtIsTaken) {
  const auto folder = make_recording(out_.path(), {.name = "r"});
  const auto looked_at = lock_folder(folder, false);
  ASSERT_TRUE(looked_at);
  fs::rename(folder, out_.path() / "away");
  make_recording(out_.path(), {.name = "r"});
  const auto trash = move_to_trash(out_.path(), "r", looked_at->get());
  ASSERT_FALSE(trash);
  EXPECT_THAT(trash.error().message, HasSubstr("was replaced"));
  EXPECT_TRUE(fs::exists(folder / "manifest.json"));
  EXPECT_TRUE(fs::exists(out_.path() / "away" / "manifest.json"));
}

TEST_F(Trash, WhatOthersCalledTrashIsNotOurs) {
  const std::string digits = "-0123456789abcdef";
  write(out_.path() / (".trash-file" + digits), "x");
  fs::create_directories(out_.path() / (".trash-photos" + digits) / "summer");
  fs::create_directory(out_.path() / ".trash-short-0123");
  make_recording(out_.path(), {.name = ".trash-r-0123456789ABCDEF"});
  make_recording(out_.path(), {.name = ".trashcan" + digits});
  make_recording(out_.path(), {.name = "real"});
  fs::create_directory_symlink(out_.path() / "real", out_.path() / (".trash-link" + digits));
  EXPECT_THAT(trash_in(out_.path()), IsEmpty());
  fs::create_directory(out_.path() / (".trash-empty" + digits));
  make_recording(out_.path(), {.name = ".trash-r" + digits});
  EXPECT_THAT(trash_in(out_.path()), ElementsAre(".trash-empty" + digits, ".trash-r" + digits));
}

TEST_F(Trash, LongNamesFit) {
  const std::string name(255, 'n');
  make_recording(out_.path(), {.name = name});
  const auto trash = move(name);
  ASSERT_TRUE(trash) << trash.error().message;
  EXPECT_THAT(trash_in(out_.path()), ElementsAre(*trash));
  EXPECT_TRUE(empty_trash(out_.path(), *trash));
}

}  // namespace
}  // namespace callbot::recordings
