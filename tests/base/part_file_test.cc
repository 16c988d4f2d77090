#include "base/part_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/support/most_file_size.h"
#include "tests/support/temp_folder.h"

namespace callbot {
namespace {

class PartFileTest : public testing::Test {
 protected:
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(out_.path()), {}));
  }
  test::TempFolder out_;
  fs::path target_ = out_.path() / "a";
};

// Each makes its own; the last one stays, and whichever it is, it is whole.
TEST_F(PartFileTest, ManyMakeTheSameFileAtOnceAndAllAreWhole) {
  constexpr int kThreads = 8, kTimes = 20, kBytes = 100'000;
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0, torn = 0;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kTimes; ++n) {
        failed +=
            write_atomically(target_, std::string(kBytes, static_cast<char>('a' + i))) ? 0 : 1;
        const auto read = read_file(target_, 2 * kBytes);
        torn += read && *read == std::string(kBytes, read->front()) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(files(), 1u);
}

TEST_F(PartFileTest, OneThatIsNotPutInPlaceIsGone) {
  {
    auto part = PartFile::create(target_);
    ASSERT_TRUE(part) << part.error().message;
    EXPECT_EQ(part->path().extension(), ".part");
    EXPECT_TRUE(fs::exists(part->path()));
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(PartFileTest, WhatAKilledProcessLeftIsRemovedByTheNextButNotWhatIsBeingMade) {
  const pid_t pid = fork();
  if (pid == 0) {
    const auto part = PartFile::create(target_);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(files(), 1u);
  // Another file's, and what only looks like one, are nobody's business here.
  ASSERT_TRUE(write_atomically(out_.path() / "a.0123456789abcdef.b.part", "x"));
  ASSERT_TRUE(write_atomically(out_.path() / "a.part", "x"));
  auto made = PartFile::create(target_);
  ASSERT_TRUE(made);
  EXPECT_EQ(files(), 3u);
  ASSERT_TRUE(write_atomically(target_, "quick"));
  EXPECT_EQ(files(), 4u);
  ASSERT_TRUE(write_all(made->fd(), "slow"));
  ASSERT_TRUE(made->put_in_place());
  EXPECT_EQ(*read_file(target_, 100), "slow");
  EXPECT_EQ(files(), 3u);
}

TEST_F(PartFileTest, ErrorsNameTheFileThatWasAskedFor) {
  const fs::path nowhere = out_.path() / "no" / "x.html";
  const auto made = write_atomically(nowhere, "x");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().message.starts_with(nowhere.string() + ": ")) << made.error().message;
  const test::MostFileSize disk(10);
  const auto written = write_atomically(target_, "longer than that");
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().message.starts_with(target_.string() + ": "))
      << written.error().message;
  EXPECT_EQ(files(), 0u);
}

TEST_F(PartFileTest, ALongNameFits) {
  const fs::path target = out_.path() / std::string(255, 'x');
  ASSERT_TRUE(write_atomically(target, "x"));
  EXPECT_EQ(*read_file(target, 100), "x");
}

}  // namespace
}  // namespace callbot
