#include "recordings/growing_file.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/support/key_ring.h"
#include "tests/support/most_file_size.h"

namespace callbot::recordings {
namespace {

class GrowingFileTest : public ::testing::TestWithParam<bool> {
 protected:
  GrowingFileConfig config() {
    GrowingFileConfig c{.path = folder_.path() / (GetParam() ? "f.sealed" : "f")};
    if (GetParam()) c.seal_to = keys_.pair.public_key;
    return c;
  }
  static bool write(GrowingFile& f, const std::string& text) {
    return f.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  std::string content() {
    auto file = ReadableFile::open(config().path);
    EXPECT_TRUE(file) << (file ? "" : file.error().message);
    if (!file) return "";
    std::string text((*file)->size(), '\0');
    EXPECT_TRUE((*file)->read(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
    return text;
  }
  test::TempFolder folder_;
  test::TestKeys keys_;
};

TEST_P(GrowingFileTest, WhatIsMarkedWholeCanBeReadByOthersAtOnce) {
  auto file = *GrowingFile::create(config());
  ASSERT_TRUE(write(*file, "abc"));
  ASSERT_TRUE(file->mark_whole());
  EXPECT_EQ(content(), "abc");
  EXPECT_EQ(file->bytes(), fs::file_size(config().path));
  ASSERT_TRUE(write(*file, "def"));
  EXPECT_EQ(file->seek(-5, SEEK_CUR), 1);
  EXPECT_EQ(file->seek(-1, SEEK_SET), -1);
  ASSERT_TRUE(write(*file, "B"));
  ASSERT_TRUE(file->end());
  EXPECT_EQ(content(), "aBcdef");
  EXPECT_EQ(file->size(), 6u);
  EXPECT_EQ(file->bytes(), fs::file_size(config().path));
}

TEST_P(GrowingFileTest, AfterAFailedWriteItIsCutBackAndMayGoOn) {
  auto file = *GrowingFile::create(config());
  const std::string kept(3000, 'k');
  ASSERT_TRUE(write(*file, kept));
  ASSERT_TRUE(file->mark_whole());
  {
    const test::MostFileSize full(file->bytes() + 1000);
    const bool written = write(*file, std::string(2000, 'x'));
    EXPECT_FALSE(written && file->mark_whole());
    EXPECT_TRUE(file->failed());
    EXPECT_FALSE(write(*file, "y"));
    EXPECT_NE(file->failure().message.find("File too large"), std::string::npos);
    file->cut_back();
    EXPECT_EQ(file->size(), kept.size());
    EXPECT_TRUE(write(*file, "index"));
    EXPECT_TRUE(file->end());
  }
  EXPECT_EQ(content(), kept + "index");
}

TEST_P(GrowingFileTest, NothingIsOverwrittenUnlessAsked) {
  { ASSERT_TRUE(write(**GrowingFile::create(config()), "there")); }
  EXPECT_FALSE(GrowingFile::create(config()));
  auto anew = config();
  anew.replace = true;
  auto file = GrowingFile::create(anew);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->end());
  EXPECT_EQ(content(), "");
}

TEST_P(GrowingFileTest, ThatItWasRemovedMeanwhileIsToldAtTheNextMark) {
  auto file = *GrowingFile::create(config());
  fs::remove(config().path);
  ASSERT_TRUE(write(*file, "abc"));
  EXPECT_FALSE(file->mark_whole());
}

INSTANTIATE_TEST_SUITE_P(Files, GrowingFileTest, ::testing::Bool(),
                         [](const auto& p) { return p.param ? "Sealed" : "Plain"; });

}  // namespace
}  // namespace callbot::recordings
