#include <gmock/gmock.h>

#include <fstream>

#include "base/files.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;

// A recording with findings and damage of its own.
class SavedVerdict : public ::testing::Test {
 protected:
  void SetUp() override {
    feed_.member("alice");
    feed_.says("alice", 0, MediaKind::kAudio, true);
    feed_.says("alice", 0, MediaKind::kVideo, true);
    feed_.add({audio_track(2, "alice"), make_audio({.seconds = 3})});
    feed_.add({video_track(1, "alice"), make_video(small_video(90))});
    ASSERT_TRUE(feed_.run(6));
    verdict_ = *verify(folder());
    ASSERT_FALSE(verdict_.findings.empty());
  }
  const fs::path& folder() const { return feed_.folder(); }
  // As if the file had been changed an hour later.
  void change(const std::string& name) const {
    fs::last_write_time(folder() / name, fs::file_time_type::clock::now() + std::chrono::hours(1));
  }
  Feed feed_;
  Verdict verdict_;
};

TEST_F(SavedVerdict, IsReadAsItWas) {
  verdict_.damage.push_back({.kind = "loss", .participant = "alice", .media = "video"});
  verdict_.thresholds["gap_warn"] = 1;
  ASSERT_TRUE(save_verdict(folder(), verdict_));
  const auto saved = saved_verdict(folder());
  ASSERT_TRUE(saved);
  EXPECT_EQ(to_json(*saved).dump(true), to_json(verdict_).dump(true));
}

TEST_F(SavedVerdict, ThereIsNoneBeforeItIsSaved) { EXPECT_FALSE(saved_verdict(folder())); }

TEST_F(SavedVerdict, DoesNotOutliveAChangeOfTheRecording) {
  for (const char* name : {"manifest.json", "journal.jsonl", "media/alice-1.mkv", "media"}) {
    ASSERT_TRUE(save_verdict(folder(), verdict_));
    ASSERT_TRUE(saved_verdict(folder())) << name;
    const auto before = fs::last_write_time(folder() / name);
    change(name);
    EXPECT_FALSE(saved_verdict(folder())) << name;
    fs::last_write_time(folder() / name, before);
  }
}

TEST_F(SavedVerdict, OneThatIsNoVerdictCountsAsNone) {
  for (const char* text : {"", "{}", "[]", R"({"format": "callbot-recording", "version": 2})"}) {
    std::ofstream(folder() / "verdict.json") << text;
    EXPECT_FALSE(saved_verdict(folder())) << text;
    EXPECT_FALSE(parse_verdict(text)) << text;
  }
  auto later = to_json(verdict_).set("version", 99);
  const auto parsed = parse_verdict(later.dump());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::kUnsupported);
  auto odd = to_json(verdict_).set("verdict", "MAYBE");
  EXPECT_THAT(parse_verdict(odd.dump()).error().message, HasSubstr("verdict: expected PASS"));
}

}  // namespace
}  // namespace callbot::recordings
