#include <gmock/gmock.h>

#include <cmath>

#include "base/files.h"
#include "recordings/manifest.h"
#include "recordings/verify.h"
#include "tests/support/senders.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A sound and a picture whose path is 0.3 s longer, which its reports tell after a while.
void record(Feed& feed) {
  SentMember alice{.id = "alice",
                   .tracks = {{.kind = MediaKind::kAudio, .id = 1, .report_every = 5},
                              {.kind = MediaKind::kVideo, .id = 2, .report_every = 1}}};
  alice.tracks[0].rtp_ppm = 150;
  alice.tracks[1].delay = [](double) { return 0.3; };
  alice.tracks[1].first_report = 6;
  add(feed, alice, 60);
  ASSERT_TRUE(feed.run(60.5));
}

std::vector<Finding> findings(const fs::path& folder, const VerifyConfig& config = {}) {
  auto verdict = verify(folder, config);
  EXPECT_TRUE(verdict);
  std::erase_if(verdict->findings, [](const Finding& f) { return f.code != "alignment"; });
  return verdict->findings;
}

TEST(CheckAlignment, WhatWasPutRightWhileItRanIsNone) {
  Feed feed;
  record(feed);
  EXPECT_THAT(findings(feed.folder()), IsEmpty());
}

TEST(CheckAlignment, AFileThatLiesElsewhereThanItsJournalSaysIsOne) {
  Feed feed;
  record(feed);
  auto loaded = load(feed.folder());
  ASSERT_TRUE(loaded);
  loaded->manifest.media.at(0).offset_ns += 500'000'000;
  ASSERT_TRUE(write_atomically(feed.folder() / "manifest.json", to_text(loaded->manifest)));
  const auto found = findings(feed.folder());
  ASSERT_EQ(found.size(), 2u);  // both its tracks
  for (const Finding& f : found) {
    EXPECT_EQ(f.participant, "alice");
    // The picture was 0.3 s late already, until its reports came.
    EXPECT_NEAR(*f.value, f.text.starts_with("audio") ? -0.5 : -0.8, 0.05) << f.text;
    EXPECT_THAT(f.text, HasSubstr("s later than"));
  }
  EXPECT_THAT(findings(feed.folder(), {.alignment_warn = 0.9}), IsEmpty());
}

TEST(FormatDocument, NamesTheAlignmentFinding) {
  const auto document = read_file(CALLBOT_SOURCE_DIR "/recordings/FORMAT.md", 1u << 20);
  ASSERT_TRUE(document);
  EXPECT_THAT(*document, HasSubstr("| `alignment` |"));
}

}  // namespace
}  // namespace callbot::recordings
