// Recordings that earlier versions finished: this one must open and judge them as they did.
#include <gtest/gtest.h>

#include "recordings/show.h"
#include "recordings/verify.h"

namespace callbot::recordings {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(CALLBOT_SOURCE_DIR) / "tests/golden";

TEST(Golden, OpensAndPasses) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
    ++count;
    const auto verdict = verify(entry.path());
    ASSERT_TRUE(verdict) << entry.path() << ": " << verdict.error().message;
    EXPECT_EQ(verdict->severity, Severity::kPass) << to_text(*verdict);
    EXPECT_EQ(verdict->tracks.size(), 4u) << to_text(*verdict);
    for (const TrackMeasure& track : verdict->tracks)
      EXPECT_TRUE(track.marked || track.media == "audio") << track.name;
    const auto text = show(entry.path());
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_NE(text->find("alice"), std::string::npos) << *text;
  }
  EXPECT_GE(count, 1u);
}

}  // namespace
}  // namespace callbot::recordings
