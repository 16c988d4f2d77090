#include "bot/judge.h"

#include <gmock/gmock.h>

#include <fstream>

#include "recordings/verify.h"
#include "tests/support/feed.h"

namespace callbot::bot {
namespace {

using namespace callbot::test;
using ::testing::AllOf;
using ::testing::HasSubstr;

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
class Judge : public ::testing::Test {
 protected:
  void SetUp() override {
    feed_.member("alice");
    feed_.says("alice", 0, MediaKind::kAudio, true);
    auto sound = make_audio({.seconds = 4});
    std::erase_if(sound, [](const EncodedFrame& f) {
      return f.time_ns >= 2'000'000'000 && f.time_ns < 2'800'000'000;
    });
    feed_.add({audio_track(2, "alice"), sound});
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
  Feed feed_;
  Console console_{false};
};

TEST_F(Judge, JudgesByTheLimitsThatAreSet) {
  EXPECT_THAT(verify({}).out, HasSubstr("WARN"));
  EXPECT_THAT(verify({.sets = {"gap_warn=1"}}).out, HasSubstr("PASS"));
  EXPECT_THAT(verify({.thresholds = limits(R"({"gap_warn": 1})")}).out, HasSubstr("PASS"));
  const Said strict = verify(
      {.thresholds = limits(R"({"gap_warn": 1})"), .sets = {"gap_warn=0.2", "gap_fail=0.4"}});
  EXPECT_THAT(strict.out, HasSubstr("FAIL"));
  EXPECT_EQ(strict.status, kExitNotGood);
}

TEST_F(Judge, WrongLimitsAreWrongUse) {
  const Said unknown = verify({.thresholds = limits(R"({"gap": 1})")});
  EXPECT_EQ(unknown.status, kExitUsage);
  EXPECT_THAT(unknown.error, AllOf(HasSubstr("limits.json"), HasSubstr("gap: unknown")));
  const Said odd = verify({.sets = {"gap_warn=soon"}});
  EXPECT_EQ(odd.status, kExitUsage);
  EXPECT_THAT(odd.error, HasSubstr("--set: gap_warn: expected a number"));
  EXPECT_EQ(verify({.sets = {"gap_warn=9"}}).status, kExitUsage);  // would fail before it warns
}

TEST_F(Judge, SavesTheVerdictWhenAsked) {
  verify({});
  EXPECT_FALSE(recordings::saved_verdict(feed_.folder()));
  EXPECT_EQ(verify({.save = true}).status, kExitGood);
  const auto saved = recordings::saved_verdict(feed_.folder());
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->severity, recordings::Severity::kWarn);
  EXPECT_EQ(saved->damage.at(0).kind, "gap");
}

TEST_F(Judge, MakesAReportAndSaysWhere) {
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
