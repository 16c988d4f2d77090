#include "recordings/recording_folder.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

TEST(RecordingFolder, IsNamedByItsTimeInUtc) {
  EXPECT_EQ(compact_time(1'795'234'842'000'000'001), "20261121T042042Z");
}

TEST(RecordingFolder, IsAFreshOne) {
  test::TempFolder out;
  const fs::path below = out.path() / "new";
  EXPECT_EQ(*make_fresh_folder(below, "r"), below / "r");
  EXPECT_EQ(*make_fresh_folder(below, "r"), below / "r-2");
  EXPECT_EQ(*make_fresh_folder(below, "r"), below / "r-3");
  const auto none = make_fresh_folder("/proc/none", "r");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kStorage);
}

TEST(RecordingFolder, MediaFilesAreCountedByParticipant) {
  EXPECT_EQ(to_path({"alice", 12}, false), "media/alice-12.mkv");
  EXPECT_EQ(to_path({"anna-lena", 1}, true), "media/anna-lena-1.mkv.sealed");
  const auto expect = [](const char* path, const char* stem, int number) {
    const MediaName name = parse_media_name(path);
    EXPECT_EQ(name.stem, stem) << path;
    EXPECT_EQ(name.number, number) << path;
  };
  expect("media/alice-12.mkv", "alice", 12);
  expect("media/anna-lena-1.mkv.sealed", "anna-lena", 1);
  expect("media/alice.mkv", "alice", 0);
  expect("media/anna-lena.mkv", "anna-lena", 0);
  expect("media/anna-lena.mkv.sealed", "anna-lena", 0);
  expect("media/alice-3.mkv.sealed.part", "alice", 3);
  expect("media/j.doe-3.mkv", "j.doe", 3);
  for (const char* odd : {"99999999999999999999", "2147483647", "4294967297", "+1", "1x", ""})
    expect((std::string("media/alice-") + odd + ".mkv").c_str(),
           ("alice-" + std::string(odd)).c_str(), 0);
}

TEST(RecordingFolder, UrlsLoseTheirSecretsAndNothingElse) {
  EXPECT_EQ(without_secrets("wss://u:p@h:1/rooms/r?token=abc&x=1#pin=2"),
            "wss://h:1/rooms/r?token=***&x=1#pin=2");
  EXPECT_EQ(without_secrets("janus+ws://h/janus?room=1&pin=77&secret=s"),
            "janus+ws://h/janus?room=1&pin=***&secret=***");
  for (const char* url : {"", "ws://h/rooms/r", "not a url", "ws://h/@r?a=b"})
    EXPECT_EQ(without_secrets(url), url);
}

TEST(RecordingFolder, WhatIsWrittenQuicklyIsThereWhole) {
  test::TempFolder out;
  ASSERT_TRUE(write_quickly(out.path() / "f", "one"));
  ASSERT_TRUE(write_quickly(out.path() / "f", "two"));
  EXPECT_EQ(*read_file(out.path() / "f", 10), "two");
  EXPECT_EQ(write_quickly(out.path() / "none" / "f", "x").error().code, Code::kStorage);
}

TEST(RecordingFolder, HoldsSpaceBack) {
  test::TempFolder out;
  ASSERT_TRUE(reserve(out.path()));
  EXPECT_EQ(fs::file_size(out.path() / kReserve), 256u << 10);
  ASSERT_TRUE(reserve(out.path())) << "again, when it goes on";
  EXPECT_EQ(reserve(out.path() / "none").error().code, Code::kStorage);
}

}  // namespace
}  // namespace callbot::recordings
