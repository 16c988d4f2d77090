#include "recordings/thresholds.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "base/files.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ThresholdsFile : public ::testing::Test {
 protected:
  Result<VerifyConfig> load(const std::string& text) {
    std::ofstream(path_) << text;
    return load_thresholds(path_);
  }
  std::string complaint(const std::string& text) {
    const auto loaded = load(text);
    if (loaded) return "no error";
    EXPECT_EQ(loaded.error().code, Code::kBadInput);
    return loaded.error().message;
  }
  TempFolder folder_;
  fs::path path_ = folder_.path() / "limits.json";
};

TEST_F(ThresholdsFile, ChangesWhatItNamesAndNothingElse) {
  const auto config = load(R"({"gap_warn": 1, "loss_fail": 0.5, "threads": 2})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->gap_warn, 1);
  EXPECT_EQ(config->loss_fail, 0.5);
  EXPECT_EQ(config->threads, 2);
  EXPECT_EQ(config->gap_fail, VerifyConfig().gap_fail);
}

TEST_F(ThresholdsFile, NamesTheFileTheKeyAndWhatWasExpected) {
  EXPECT_THAT(complaint(R"({"gap_wran": 1})"),
              AllOf(HasSubstr("limits.json"), HasSubstr("gap_wran: unknown")));
  EXPECT_THAT(complaint(R"({"gap_warn": "1"})"),
              AllOf(HasSubstr("limits.json"), HasSubstr("gap_warn: expected a number from 0.05")));
  EXPECT_THAT(complaint(R"({"gap_warn": -1})"), HasSubstr("gap_warn: expected a number"));
  EXPECT_THAT(complaint(R"({"loss_warn": 5})"), HasSubstr("from 0 to 1 (share)"));
  EXPECT_THAT(complaint(R"({"threads": 1.5})"), HasSubstr("threads: expected a whole number"));
  EXPECT_THAT(complaint(R"({"threads": 1000})"), HasSubstr("threads: expected a whole number"));
  EXPECT_THAT(complaint("[1]"), AllOf(HasSubstr("limits.json"), HasSubstr("JSON object")));
  EXPECT_THAT(complaint("{"), HasSubstr("limits.json"));
  const auto missing = load_thresholds(folder_.path() / "none.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kStorage);
}

TEST_F(ThresholdsFile, ALimitDoesNotFailBeforeItWarns) {
  EXPECT_THAT(complaint(R"({"gap_warn": 5})"),
              HasSubstr("gap_fail: expected at least gap_warn (5)"));
  EXPECT_THAT(complaint(R"({"coverage_fail": 0.99})"),
              HasSubstr("coverage_fail: expected at most"));
}

TEST(Thresholds, OneCanBeSetByKeyAndValue) {
  VerifyConfig config;
  ASSERT_TRUE(set_threshold(config, "silence_level_db=-45.5"));
  EXPECT_EQ(config.silence_level_db, -45.5);
  ASSERT_TRUE(set_threshold(config, "threads=3"));
  EXPECT_EQ(config.threads, 3);
  for (const char* wrong : {"gap_warn", "gap_warn=", "gap_warn=1s", "gap_warn=nan", "gap_warn=inf",
                            "gap_warn=-1", "nothing=1", "=1", "", "threads=1.5", "threads=-1"}) {
    const auto set = set_threshold(config, wrong);
    ASSERT_FALSE(set) << wrong;
    EXPECT_EQ(set.error().code, Code::kUsage);
    EXPECT_THAT(set.error().message, AnyOf(HasSubstr("expected"), HasSubstr("unknown"))) << wrong;
  }
}

// Every member of VerifyConfig but `threads` is a double with a row of its own.
TEST(Thresholds, EveryLimitHasARow) {
  EXPECT_EQ(thresholds().size() * sizeof(double), offsetof(VerifyConfig, threads));
  VerifyConfig config;
  std::set<const double*> members;
  for (const Threshold& row : thresholds()) {
    members.insert(&(config.*row.value));
    EXPECT_GE(config.*row.value, row.least) << row.key;
    EXPECT_LE(config.*row.value, row.most) << row.key;
  }
  EXPECT_EQ(members.size(), thresholds().size());
  EXPECT_TRUE(check_thresholds(config));
}

TEST(Thresholds, TheyAreJudgedBy) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, MediaKind::kAudio, true);
  auto sound = make_audio({.seconds = 4});
  sound = without(std::move(sound), 2'000'000'000, 2'800'000'000);
  feed.add({audio_track(2, "alice"), sound});
  ASSERT_TRUE(feed.run(4.1));
  const auto usual = verify(feed.folder());
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->severity, Severity::kWarn) << to_text(*usual);
  EXPECT_TRUE(usual->thresholds.empty());
  VerifyConfig lax;
  ASSERT_TRUE(set_threshold(lax, "gap_warn=1"));
  const auto judged = verify(feed.folder(), lax);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->severity, Severity::kPass) << to_text(*judged);
  EXPECT_EQ(judged->thresholds.at("gap_warn"), 1);
}

TEST(FormatDocument, NamesEveryThresholdWithItsUnitAndDefault) {
  const auto document = read_file(CALLBOT_SOURCE_DIR "/recordings/FORMAT.md", 1u << 20);
  ASSERT_TRUE(document);
  for (const Threshold& row : thresholds()) {
    const auto words =
        fmt::format("| `{}` | {} | {} |", row.key, row.unit, VerifyConfig().*row.value);
    EXPECT_THAT(*document, HasSubstr(words));
  }
}

}  // namespace
}  // namespace callbot::recordings
