#include "recordings/annotations.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using test::TempFolder;
using test::write;
using ::testing::HasSubstr;

Result<Annotations> add(const fs::path& folder, const std::string& tag) {
  return change_annotations(folder, [&](Annotations& a) {
    a.tags.insert(tag);
    return Result<>();
  });
}

TEST(Annotations, StandInTheFolderAndComeBack) {
  TempFolder folder;
  EXPECT_EQ(*load_annotations(folder.path()), Annotations());
  const auto said = change_annotations(folder.path(), [](Annotations& a) {
    a.tags = {"wichtig", "größe/✓", "\"quoted\""};
    a.keep = true;
    return Result<>();
  });
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(*load_annotations(folder.path()), *said);
  EXPECT_TRUE(said->keep);
  EXPECT_EQ(said->tags.size(), 3u);
}

TEST(Annotations, WhatIsRefusedChangesNothing) {
  TempFolder folder;
  ASSERT_TRUE(add(folder.path(), "a"));
  const auto no = change_annotations(folder.path(), [](Annotations& a) -> Result<> {
    a.tags.clear();
    return fail(Code::kUsage, "no");
  });
  ASSERT_FALSE(no);
  EXPECT_EQ(load_annotations(folder.path())->tags, std::set<std::string>{"a"});
  for (size_t i = 0; i < kMostTags - 1; ++i)
    ASSERT_TRUE(add(folder.path(), "t" + std::to_string(i)));
  const auto full = add(folder.path(), "one-more");
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("at most 64 tags"));
  EXPECT_EQ(load_annotations(folder.path())->tags.size(), kMostTags);
}

TEST(Annotations, ATagIsOneWord) {
  for (const char* tag : {"a", "important", "Q3/2026", "größe", "a-b+c", "#1"})
    EXPECT_TRUE(check_tag(tag)) << tag;
  for (const std::string tag : {"", " ", "two words", "a,b", "-a", "+a", "a\nb", "a\x1b[31m",
                                "\xff\xfe", "\u202e", "a\u00a0b", "a\tb"}) {
    const auto fine = check_tag(tag);
    ASSERT_FALSE(fine) << tag;
    EXPECT_THAT(fine.error().message, HasSubstr("expected"));
  }
  EXPECT_FALSE(check_tag(std::string(65, 'a')));
  EXPECT_FALSE(check_tag(std::string("a\0b", 3)));
}

TEST(Annotations, AFileThatIsWrongNamesItselfAndTheKey) {
  TempFolder folder;
  const fs::path file = folder.path() / "annotations.json";
  const auto complaint = [&](const std::string& text) {
    write(file, text);
    const auto loaded = load_annotations(folder.path());
    return loaded ? "fine" : loaded.error().message;
  };
  const std::string head = R"({"format":"callbot-annotations","version":1,)";
  EXPECT_EQ(complaint(head + R"("tags":["a"],"keep":true})"), "fine");
  EXPECT_EQ(complaint(head + R"("tags":[]})"), "fine");
  for (const std::string text : {"", "{", "[]", "null", "{\"tags\":[]}"})
    EXPECT_THAT(complaint(text), HasSubstr(file.string())) << text;
  EXPECT_THAT(complaint(head + R"("tags":["two words"]})"), HasSubstr("tags: expected"));
  EXPECT_THAT(complaint(head + R"("tags":[1]})"), HasSubstr("tags: expected"));
  EXPECT_THAT(complaint(head + R"("keep":"yes"})"), HasSubstr("keep: expected"));
  EXPECT_THAT(complaint(head + R"("stars":5})"), HasSubstr("stars"));
  EXPECT_THAT(complaint(R"({"format":"callbot-annotations","version":2,"keep":true})"),
              HasSubstr("version 2: this build reads up to 1"));
  const auto changed = add(folder.path(), "a");
  EXPECT_FALSE(changed) << "what cannot be read must not be written over";
}

TEST(Annotations, ProcessesThatTagAtOnceLoseNothing) {
  TempFolder folder;
  constexpr int kProcesses = 4;
  constexpr int kTags = 12;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t pid = fork();
    if (pid == 0) {
      for (int t = 0; t < kTags; ++t) {
        if (!add(folder.path(), "p" + std::to_string(p) + "-" + std::to_string(t))) _exit(1);
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
  EXPECT_EQ(load_annotations(folder.path())->tags.size(), size_t{kProcesses * kTags});
}

TEST(Annotations, AFolderThatIsNotThereIsSaid) {
  TempFolder folder;
  EXPECT_EQ(add(folder.path() / "none", "a").error().code, Code::kStorage);
  fs::create_directory_symlink(folder.path(), folder.path() / "link");
  EXPECT_EQ(add(folder.path() / "link", "a").error().code, Code::kStorage);
}

}  // namespace
}  // namespace callbot::recordings
