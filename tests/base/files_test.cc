#include "base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "tests/support/file_kinds.h"

namespace callbot {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/callbot-files-XXXXXX";
    dir_ = mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(dir_); }
  fs::path dir_;
};

TEST_F(Files, AreReplacedWholeAndLeaveNothingBehind) {
  ASSERT_TRUE(write_atomically(dir_ / "a", "one"));
  ASSERT_TRUE(write_atomically(dir_ / "a", "two"));
  EXPECT_EQ(*read_file(dir_ / "a", 100), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 1);
}

TEST_F(Files, SayWhichPathAndWhy) {
  const auto missing = read_file(dir_ / "none", 100);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kStorage);
  EXPECT_EQ(missing.error().message,
            (dir_ / "none").string() + ": cannot open: No such file or directory");
  EXPECT_FALSE(write_atomically(dir_ / "none" / "a", "x"));
  std::ofstream(dir_ / "file") << "x";
  EXPECT_FALSE(make_folder(dir_ / "file" / "sub"));
}

TEST_F(Files, AreNotReadBeyondTheLimit) {
  ASSERT_TRUE(write_atomically(dir_ / "big", std::string(200'000, 'x')));
  EXPECT_FALSE(read_file(dir_ / "big", 199'999));
  EXPECT_EQ(read_file(dir_ / "big", 200'000)->size(), 200'000u);
}

TEST_F(Files, HaveASizeAndWhatIsNoFileHasNone) {
  ASSERT_TRUE(write_atomically(dir_ / "a", std::string(70'000, 'x')));
  EXPECT_EQ(size_of(dir_ / "a"), 70'000u);
  EXPECT_EQ(size_of(dir_ / "none"), 0u);
  EXPECT_EQ(size_of(dir_), 0u);
}

TEST_F(Files, UniqueFoldersAreNobodyElses) {
  const auto one = make_unique_folder(dir_ / "page"), other = make_unique_folder(dir_ / "page");
  ASSERT_TRUE(one && other);
  EXPECT_NE(*one, *other);
  for (const auto& made : {*one, *other}) {
    EXPECT_TRUE(fs::is_empty(made));
    EXPECT_TRUE(made.filename().string().starts_with("page-"));
  }
  EXPECT_FALSE(make_unique_folder(dir_ / "none" / "page"));
}

TEST_F(Files, AreWrittenInTheMiddleToo) {
  const fs::path path = dir_ / "a";
  ASSERT_TRUE(write_atomically(path, "0123456789"));
  Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  const std::vector<uint8_t> bytes = {'x', 'y', 'z'};
  EXPECT_TRUE(write_all_at(file.get(), bytes, 4));
  EXPECT_TRUE(write_all_at(file.get(), bytes, 9));
  EXPECT_TRUE(write_all(file.get(), "-"));  // its own position is where it was
  EXPECT_EQ(*read_file(path, 100), "-123xyz78xyz");
  Descriptor for_reading(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(write_all_at(for_reading.get(), bytes, 0));
  EXPECT_EQ(errno, EBADF);
}

TEST_F(Files, AreLockedByOneAtATime) {
  const fs::path path = dir_ / "a";
  ASSERT_TRUE(write_atomically(path, "x"));
  Descriptor one(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(lock_file(one.get(), LOCK_EX));
  EXPECT_FALSE(lock_file(other.get(), LOCK_EX | LOCK_NB));
  EXPECT_EQ(errno, EWOULDBLOCK);
  one = Descriptor();
  EXPECT_TRUE(lock_file(other.get(), LOCK_EX | LOCK_NB));
}

// A FIFO would wait for a writer, a device never ends.
TEST_F(Files, WhatIsNoFileIsRefusedAtOnce) {
  for (const std::string kind : test::kNoFiles) {
    const fs::path path = dir_ / "x";
    ASSERT_TRUE(write_atomically(path, "abc"));
    test::put_no_file(kind, path);
    const bool link = kind == "symbolic link";
    const auto text = read_file(path, 100);
    EXPECT_EQ(text.has_value(), link) << kind;
    if (!text) {
      EXPECT_EQ(text.error().message, path.string() + ": is a " + kind + ", expected a file");
    }
    for (const auto& sum : {sha256_file(path), sha256_file(path, Links::kRefuse)}) {
      if (sum) continue;
      EXPECT_EQ(sum.error().code, Code::kBadInput) << kind;
      EXPECT_EQ(sum.error().message.find(path.string() + ": is a "), 0u) << sum.error().message;
    }
    EXPECT_FALSE(sha256_file(path, Links::kRefuse)) << kind;
    test::put_back(path);
  }
}

TEST_F(Files, AFolderThatIsALinkIsNotFollowedEither) {
  ASSERT_TRUE(make_folder(dir_ / "real"));
  ASSERT_TRUE(write_atomically(dir_ / "real/x", "abc"));
  fs::create_directory_symlink("real", dir_ / "link");
  EXPECT_TRUE(open_file(dir_ / "link/x"));
  EXPECT_TRUE(open_file(dir_ / "real/x", Links::kRefuse));
  const auto refused = open_file(dir_ / "link/x", Links::kRefuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            (dir_ / "link/x").string() + ": its folder is a symbolic link");
}

TEST_F(Files, ChecksumsAgree) {
  ASSERT_TRUE(write_atomically(dir_ / "a", "abc"));
  EXPECT_EQ(*sha256_file(dir_ / "a"), sha256_hex("abc"));
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SafeName, IsOneHarmlessPathComponent) {
  EXPECT_EQ(safe_name("alice"), "alice");
  EXPECT_EQ(safe_name("../../etc/passwd"), "_._.._etc_passwd");
  EXPECT_EQ(safe_name(".."), "_.");
  EXPECT_EQ(safe_name(""), "_");
  EXPECT_EQ(safe_name("a b\n"), "a_b_");
  EXPECT_EQ(safe_name(std::string(10'000, 'x')).size(), 64u);
}

TEST(Numbered, KeepsTheExtension) {
  EXPECT_EQ(numbered("report.pdf", 1), "report.pdf");
  EXPECT_EQ(numbered("report.pdf", 2), "report-2.pdf");
  EXPECT_EQ(numbered("a.tar.gz", 3), "a.tar-3.gz");
  EXPECT_EQ(numbered("README", 10), "README-10");
}

TEST(Printable, ShowsWhatWouldDeceive) {
  EXPECT_EQ(printable("a\u202eb\n"), "a\\u202eb\\u000a");
  EXPECT_EQ(printable("é日本"), "é日本");
  EXPECT_EQ(printable("aaaa", 2), "aa…");
  EXPECT_EQ(printable("a\xff"), "a\uFFFD");
}

TEST_F(Files, AreKnownByWhatTheyAreNotByTheirName) {
  std::ofstream(dir_ / "a") << "one";
  const Descriptor a(open((dir_ / "a").c_str(), O_RDONLY));
  EXPECT_TRUE(is_at(a.get(), dir_ / "a"));
  fs::create_symlink("a", dir_ / "link");
  EXPECT_TRUE(is_at(a.get(), dir_ / "link"));
  EXPECT_FALSE(is_at(a.get(), dir_ / "link", Links::kRefuse));
  ASSERT_TRUE(write_atomically(dir_ / "a", "two"));
  EXPECT_FALSE(is_at(a.get(), dir_ / "a")) << "another file has its name";
  EXPECT_FALSE(is_at(a.get(), dir_ / "none"));
}

TEST_F(Files, EntriesAreSortedAndOfWhatIsNoFolderNone) {
  for (const char* name : {"b", "a", ".c"}) std::ofstream(dir_ / name) << name;
  EXPECT_EQ(entries_in(dir_), (std::vector<fs::path>{dir_ / ".c", dir_ / "a", dir_ / "b"}));
  EXPECT_TRUE(entries_in(dir_ / "a").empty());
  EXPECT_TRUE(entries_in(dir_ / "none").empty());
}

}  // namespace
}  // namespace callbot
