#include "bot/judge.h"

#include <gmock/gmock.h>

#include "recordings/recording.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const fs::path kGood = fs::path(CALLBOT_SOURCE_DIR) / "tests/golden/v1-two-members";

class JudgeTest : public testing::Test {
 protected:
  fs::path copy(const char* name) {
    const fs::path to = folder_.path() / name;
    fs::copy(kGood, to, fs::copy_options::recursive);
    return to;
  }
  ExitStatus verify(const fs::path& dir, bool json = false) {
    return captured([&] {
      Console console(json);
      return run_verify(console, {.dir = dir, .json = json});
    });
  }
  ExitStatus show(const fs::path& dir) {
    return captured([&] { return run_show({.dir = dir}); });
  }
  ExitStatus captured(const std::function<ExitStatus()>& verb) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const ExitStatus status = verb();
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return status;
  }

  test::TempFolder folder_;
  std::string out_, err_;
};

TEST_F(JudgeTest, AGoodRecordingPasses) {
  EXPECT_EQ(verify(kGood), kExitGood) << err_;
  EXPECT_THAT(out_, StartsWith("PASS"));
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(JudgeTest, TheVerdictAsJsonIsOneValueAndNothingElse) {
  EXPECT_EQ(verify(kGood, true), kExitGood) << err_;
  const auto json = Json::parse(out_);
  ASSERT_TRUE(json) << json.error().message << "\n" << out_;
  EXPECT_EQ(json->at("format").text(), "callbot-verdict");
  EXPECT_EQ(json->at("verdict").text(), "PASS");
  EXPECT_EQ(json->at("tracks").size(), 4u);
}

TEST_F(JudgeTest, ABadRecordingIsOneAndSaysWhatIsMissing) {
  const fs::path bad = copy("bad");
  fs::remove(bad / "media" / "bob-1.mkv");
  EXPECT_EQ(verify(bad), kExitNotGood);
  EXPECT_THAT(out_, StartsWith("FAIL"));
  EXPECT_THAT(out_, HasSubstr("file-missing"));
  EXPECT_THAT(out_, HasSubstr("bob-1.mkv"));
}

TEST_F(JudgeTest, AWarningIsGood) {
  const fs::path extra = copy("extra");
  fs::copy(extra / "media" / "bob-1.mkv", extra / "media" / "stranger.mkv");
  EXPECT_EQ(verify(extra), kExitGood) << err_;
  EXPECT_THAT(out_, StartsWith("WARN"));
  EXPECT_THAT(out_, HasSubstr("file-extra"));
}

TEST_F(JudgeTest, WhatIsNoRecordingIsSaidOnStandardError) {
  for (const fs::path& none : {folder_.path(), folder_.path() / "nowhere"}) {
    EXPECT_EQ(verify(none), kExitUnmeasured) << none;
    EXPECT_THAT(err_, HasSubstr(none.string()));
    EXPECT_THAT(out_, IsEmpty());
    EXPECT_EQ(show(none), kExitUnmeasured) << none;
    EXPECT_THAT(err_, HasSubstr(none.string()));
    EXPECT_THAT(out_, IsEmpty());
  }
}

TEST_F(JudgeTest, ARecordingWithoutMediaIsUnmeasured) {
  auto empty = recordings::Recording::create(Log("test"), folder_.path(), {.room = "empty"});
  ASSERT_TRUE(empty);
  ASSERT_TRUE((*empty)->finish());
  EXPECT_EQ(verify((*empty)->folder()), kExitUnmeasured) << out_;
  EXPECT_EQ(show((*empty)->folder()), kExitGood) << "there is still something to show";
}

TEST_F(JudgeTest, ShowsTheManifestForPeople) {
  EXPECT_EQ(show(kGood), kExitGood) << err_;
  for (const char* word : {"alice", "bob", "alice-1.mkv"}) EXPECT_THAT(out_, HasSubstr(word));
}

}  // namespace
}  // namespace callbot::bot
