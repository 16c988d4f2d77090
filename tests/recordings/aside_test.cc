#include "recordings/aside.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

class AsideTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folder(file_.parent_path()));
    write(file_, "original");
  }
  static void write(const fs::path& path, const std::string& text) {
    ASSERT_TRUE(write_atomically(path, text));
  }
  static std::string text_of(const fs::path& path) { return read_file(path, 100).value_or("none"); }

  test::TempFolder out_;
  const fs::path folder_ = out_.path();
  const fs::path file_ = folder_ / "media/alice-1.mkv";
};

TEST_F(AsideTest, TheOriginalStaysWhileAnotherTakesItsPlace) {
  write(part_of(file_), "mended");
  ASSERT_TRUE(keep_original(file_));
  ASSERT_TRUE(put_back(part_of(file_), file_));
  EXPECT_EQ(text_of(file_), "mended");
  EXPECT_EQ(text_of(original_of(file_)), "original");
  ASSERT_TRUE(put_back(original_of(file_), file_));
  EXPECT_EQ(text_of(file_), "original");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "media"), {}), 1);
}

TEST_F(AsideTest, WhatCannotBeMovedIsAnErrorThatNamesIt) {
  for (const auto& failed : {keep_original(folder_ / "none"), put_back(folder_ / "none", file_)}) {
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::kStorage);
    EXPECT_EQ(failed.error().message.find((folder_ / "none").string() + ": cannot be "), 0U);
  }
  EXPECT_EQ(move_aside(folder_, "none"), "");
  EXPECT_EQ(text_of(file_), "original");
}

TEST_F(AsideTest, NothingInDamagedIsReplaced) {
  EXPECT_EQ(move_aside(folder_, "media/alice-1.mkv"), "damaged/alice-1.mkv");
  write(file_, "second");
  EXPECT_EQ(move_aside(folder_, "media/alice-1.mkv"), "damaged/alice-1-2.mkv");
  EXPECT_EQ(free_name_in_damaged(folder_, "media/alice-1.mkv"), "damaged/alice-1-3.mkv");
  EXPECT_EQ(text_of(folder_ / "damaged/alice-1.mkv"), "original");
  EXPECT_EQ(text_of(folder_ / "damaged/alice-1-2.mkv"), "second");
}

TEST_F(AsideTest, AnOriginalThatWasMovedAwayIsFoundWhereItsPlaceIsEmpty) {
  move_aside(folder_, "media/alice-1.mkv");
  EXPECT_EQ(moved_by_a_killed_one(folder_, file_), "") << "nothing was to take its place";
  write(part_of(file_), "half");
  EXPECT_EQ(moved_by_a_killed_one(folder_, file_), folder_ / "damaged/alice-1.mkv");
  write(folder_ / "damaged/alice-1-2.mkv", "later");
  EXPECT_EQ(moved_by_a_killed_one(folder_, file_), folder_ / "damaged/alice-1-2.mkv");
  write(file_, "mended");
  EXPECT_EQ(moved_by_a_killed_one(folder_, file_), "");
  remove_part(file_);
  EXPECT_FALSE(fs::exists(part_of(file_)));
}

}  // namespace
}  // namespace callbot::recordings
