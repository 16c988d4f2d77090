#include "bot/judge.h"

#include <gmock/gmock.h>

#include <fstream>

#include "bot/compose.h"
#include "bot/export.h"
#include "recordings/catalogue_entry.h"
#include "recordings/recording.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
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

TEST_F(JudgeTest, ALaterVersionIsNoWrongUse) {
  const fs::path later = copy("later");
  std::ofstream(later / "manifest.json") << R"({"format": "callbot-recording", "version": 7})";
  EXPECT_EQ(verify(later), kExitUnmeasured);
  EXPECT_THAT(err_, HasSubstr("version 7 of the format"));
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_EQ(show(later), kExitUnmeasured);
  Console console(true);
  EXPECT_EQ(captured([&] { return run_repair(console, {.dir = later}); }), kExitUnmeasured);
  EXPECT_EQ(captured([&] { return run_report(console, {.verify = {.dir = later}}); }),
            kExitUnmeasured);
  EXPECT_EQ(captured([&] { return run_export(console, {.dir = later, .to = "mp4"}); }),
            kExitUnmeasured);
  EXPECT_EQ(captured([&] { return run_compose(console, {.dir = later}); }), kExitUnmeasured);

  EXPECT_EQ(verify(later, true), kExitUnmeasured);
  const auto json = Json::parse(out_);
  ASSERT_TRUE(json) << json.error().message << "\n" << out_;
  EXPECT_EQ(json->at("verdict").text(), "FAIL");
  ASSERT_EQ(json->at("findings").size(), 1u);
  EXPECT_EQ(json->at("findings").at(size_t{0}).at("code").text(), "later-version");
  EXPECT_EQ(json->at("findings").at(size_t{0}).at("file").text(), "manifest.json");
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
  const fs::path file = folder_.path() / "file";
  std::ofstream(file) << "x";
  const std::pair<fs::path, const char*> all[] = {
      {folder_.path(), ": no recording: there is no manifest.json"},
      {folder_.path() / "nowhere", ": no such folder"},
      {file, ": this is no folder"}};
  for (const auto& [none, why] : all) {
    EXPECT_EQ(verify(none), kExitUnmeasured) << none;
    EXPECT_THAT(err_, HasSubstr(none.string() + why));
    EXPECT_THAT(err_, HasSubstr(none.string()));
    EXPECT_THAT(out_, IsEmpty());
    EXPECT_EQ(show(none), kExitUnmeasured) << none;
    EXPECT_THAT(err_, HasSubstr(none.string() + why));
    EXPECT_THAT(out_, IsEmpty());
    Console console(false);
    EXPECT_EQ(captured([&, dir = none] { return run_repair(console, {.dir = dir}); }),
              kExitUnmeasured);
    EXPECT_THAT(err_, HasSubstr(none.string() + why));
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

TEST_F(JudgeTest, RepairSaysByItsStatusWhatWasJudged) {
  test::Feed feed;
  feed.member("alice");
  feed.says("alice", 0, MediaKind::kAudio, true);
  auto sound = test::make_audio({.seconds = 12});
  sound = test::without(std::move(sound), 1'000'000'000, 11'000'000'000);
  feed.add({test::audio_track(1, "alice"), sound});
  ASSERT_TRUE(feed.run(12));
  feed.drop();
  Console console(false);
  const auto repair = [&](const fs::path& dir) {
    return captured([&] { return run_repair(console, {.dir = dir}); });
  };
  EXPECT_EQ(repair(feed.folder()), kExitNotGood) << out_;
  EXPECT_THAT(out_, HasSubstr("judged: FAIL"));
  EXPECT_EQ(repair(feed.folder()), kExitNotGood) << "to do it again changes nothing";
  EXPECT_THAT(out_, HasSubstr("judged before: FAIL"));

  const fs::path good = copy("good");
  EXPECT_EQ(repair(good), kExitGood) << out_ << err_;
  const fs::path warned = copy("warned");
  fs::copy(warned / "media" / "bob-1.mkv", warned / "media" / "stranger.mkv");
  EXPECT_EQ(repair(warned), kExitGood) << out_;
  EXPECT_THAT(out_, HasSubstr("judged: WARN"));

  auto empty = recordings::Recording::create(Log("test"), folder_.path(), {.room = "empty"});
  ASSERT_TRUE(empty);
  ASSERT_TRUE((*empty)->finish());
  const fs::path nobody = (*empty)->folder();
  empty->reset();
  EXPECT_EQ(repair(nobody), kExitUnmeasured) << out_;
}

// The word that the catalogue has for it.
TEST_F(JudgeTest, ShowsWhetherItRunsOrWasCutOff) {
  test::Feed feed;
  feed.member("alice");
  feed.add({test::audio_track(1, "alice"), test::make_audio({.seconds = 1})});
  ASSERT_TRUE(feed.run(1, false));
  EXPECT_EQ(show(feed.folder()), kExitGood) << err_;
  EXPECT_THAT(out_, ContainsRegex("state +running"));
  EXPECT_EQ(recordings::read_entry(feed.folder()).state, "running");
  feed.drop();
  EXPECT_EQ(show(feed.folder()), kExitGood) << err_;
  EXPECT_THAT(out_, ContainsRegex("state +cut-off"));
  EXPECT_EQ(recordings::read_entry(feed.folder()).state, "cut-off");
}

struct Said {
  ExitStatus status;
  std::string out, error;
};

template <class Verb>
Said say(Verb&& verb) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const ExitStatus status = verb();
  return {status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

// Sound that is missing for 0.8 s: a WARN by the usual limits.
class JudgeLimits : public ::testing::Test {
 protected:
  void SetUp() override {
    feed_.member("alice");
    feed_.says("alice", 0, MediaKind::kAudio, true);
    auto sound = test::make_audio({.seconds = 4});
    sound = test::without(std::move(sound), 2'000'000'000, 2'800'000'000);
    feed_.add({test::audio_track(2, "alice"), sound});
    ASSERT_TRUE(feed_.run(4.1));
  }
  Said verify(VerifyOptions options) {
    options.dir = feed_.folder();
    return say([&] { return run_verify(console_, options); });
  }
  fs::path limits(const std::string& text) {
    const auto path = feed_.folder() / "limits.json";
    std::ofstream(path) << text;
    return path;
  }
  test::Feed feed_;
  Console console_{false};
};

TEST_F(JudgeLimits, JudgesByTheLimitsThatAreSet) {
  EXPECT_THAT(verify({}).out, HasSubstr("WARN"));
  EXPECT_THAT(verify({.sets = {"gap_warn=1"}}).out, HasSubstr("PASS"));
  EXPECT_THAT(verify({.thresholds = limits(R"({"gap_warn": 1})")}).out, HasSubstr("PASS"));
  const Said strict = verify(
      {.thresholds = limits(R"({"gap_warn": 1})"), .sets = {"gap_warn=0.2", "gap_fail=0.4"}});
  EXPECT_THAT(strict.out, HasSubstr("FAIL"));
  EXPECT_EQ(strict.status, kExitNotGood);
}

TEST_F(JudgeLimits, WrongLimitsAreWrongUse) {
  const Said unknown = verify({.thresholds = limits(R"({"gap": 1})")});
  EXPECT_EQ(unknown.status, kExitUsage);
  EXPECT_THAT(unknown.error, AllOf(HasSubstr("limits.json"), HasSubstr("gap: unknown")));
  const Said odd = verify({.sets = {"gap_warn=soon"}});
  EXPECT_EQ(odd.status, kExitUsage);
  EXPECT_THAT(odd.error, HasSubstr("--set: gap_warn: expected a number"));
  EXPECT_EQ(verify({.sets = {"gap_warn=9"}}).status, kExitUsage);  // would fail before it warns
}

TEST_F(JudgeLimits, SavesTheVerdictWhenAsked) {
  verify({});
  EXPECT_FALSE(recordings::saved_verdict(feed_.folder()));
  EXPECT_EQ(verify({.save = true}).status, kExitGood);
  const auto saved = recordings::saved_verdict(feed_.folder());
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->severity, recordings::Severity::kWarn);
  EXPECT_EQ(saved->damage.at(0).kind, "gap");
}

TEST_F(JudgeLimits, MakesAReportAndSaysWhere) {
  ReportOptions options;
  options.verify.dir = feed_.folder();
  const Said made = say([&] { return run_report(console_, options); });
  EXPECT_EQ(made.status, kExitGood);
  EXPECT_THAT(made.out, HasSubstr("report.html"));
  EXPECT_TRUE(fs::exists(feed_.folder() / "report.html"));
  options.out = "/no/such/folder/report.html";
  EXPECT_EQ(say([&] { return run_report(console_, options); }).status, kExitStorage);
  options.verify.dir = "/no/such/recording";
  EXPECT_EQ(say([&] { return run_report(console_, options); }).status, kExitUnmeasured);
}

}  // namespace
}  // namespace callbot::bot
