// Recordings that earlier versions finished, or did not: this one must open and judge them as they
// did.
#include <gmock/gmock.h>

#include <map>

#include "base/files.h"
#include "recordings/manifest.h"
#include "recordings/show.h"
#include "recordings/verify.h"

namespace callbot::recordings {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

const fs::path kGolden = fs::path(CALLBOT_SOURCE_DIR) / "tests/golden";

struct Expected {
  const char* folder;
  std::string state;
  Severity severity;
  std::vector<std::string> tracks;    // "participant's name, media, codec"
  std::vector<std::string> findings;  // their codes
};

const Expected kRecordings[] = {
    {"v1-two-members",
     "finished",
     Severity::kPass,
     {"alice video vp8", "alice audio opus", "bob video h264", "bob audio opus"},
     {}},
    {"v1-h264-size-and-mute",
     "finished",
     Severity::kPass,
     {"alice video h264", "alice audio opus"},
     {}},
    {"v1-audio-only", "finished", Severity::kPass, {"alice audio pcmu", "bob audio g722"}, {}},
    {"v1-cut-off",
     "running",
     Severity::kWarn,
     {"alice video vp8", "alice audio opus"},
     {"not-finished"}},
    {"v1-files", "finished", Severity::kPass, {"alice audio opus"}, {}},
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.folder; }

class Golden : public testing::TestWithParam<Expected> {
 protected:
  fs::path folder() const { return kGolden / GetParam().folder; }
};

TEST_P(Golden, OpensAndIsJudgedAsItWas) {
  const Expected& expected = GetParam();
  const auto loaded = load(folder());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->journal_error) << loaded->journal_error->message;
  EXPECT_EQ(loaded->manifest.state, expected.state);

  const auto verdict = verify(folder());
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->severity, expected.severity) << to_text(*verdict);
  std::vector<std::string> tracks, findings;
  for (const TrackMeasure& track : verdict->tracks) {
    tracks.push_back(track.name + " " + track.media + " " + track.codec);
    EXPECT_TRUE(track.marked || track.media == "audio") << track.name;
    EXPECT_EQ(track.marks_missing, 0u) << to_text(*verdict);
    EXPECT_EQ(track.undecodable, 0u) << to_text(*verdict);
  }
  for (const Finding& finding : verdict->findings) findings.push_back(finding.code);
  EXPECT_THAT(tracks, UnorderedElementsAreArray(expected.tracks));
  EXPECT_EQ(findings, expected.findings) << to_text(*verdict);

  const auto text = show(folder());
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("alice"));
}

INSTANTIATE_TEST_SUITE_P(Recordings, Golden, testing::ValuesIn(kRecordings), [](const auto& one) {
  std::string name = one.param.folder;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(GoldenList, NamesEveryRecordingThatIsThere) {
  std::vector<std::string> there, listed;
  for (const auto& entry : fs::directory_iterator(kGolden))
    there.push_back(entry.path().filename().string());
  for (const Expected& one : kRecordings) listed.emplace_back(one.folder);
  EXPECT_THAT(there, UnorderedElementsAreArray(listed));
}

TEST(GoldenFacts, ASizeChangeAndAMuteAreKnown) {
  const auto loaded = load(kGolden / "v1-h264-size-and-mute");
  ASSERT_TRUE(loaded);
  std::vector<std::string> sizes;
  for (const Track& track : loaded->manifest.tracks)
    for (const Size& size : track.sizes)
      sizes.push_back(std::to_string(size.width) + "x" + std::to_string(size.height));
  EXPECT_THAT(sizes, testing::ElementsAre("320x180", "192x108"));
  EXPECT_EQ(loaded->manifest.media.size(), 1u) << "one file, over the change of size";
  std::vector<std::string> said;
  for (const Said& one : loaded->manifest.participants.at(0).said)
    if (one.media == MediaKind::kAudio) said.emplace_back(one.on ? "on" : "off");
  EXPECT_THAT(said, testing::ElementsAre("on", "off", "on"));
}

TEST(GoldenFacts, ReceivedFilesAreWhatTheirChecksumsSay) {
  const fs::path folder = kGolden / "v1-files";
  const auto loaded = load(folder);
  ASSERT_TRUE(loaded);
  std::map<std::string, uint64_t> sizes;
  for (const FileFacts& file : loaded->manifest.received) {
    sizes[file.name] = file.bytes;
    EXPECT_EQ(*sha256_file(folder / file.path), file.sha256) << file.path;
  }
  EXPECT_EQ(sizes, (std::map<std::string, uint64_t>{{"../notes for all.txt", 3000},
                                                    {"notes for all.txt", 4}}));
  EXPECT_EQ(loaded->manifest.chat_messages, 1u);
  size_t refused = 0;
  for (const Event& event : loaded->events) refused += event.kind == EventKind::kFileRefused;
  EXPECT_EQ(refused, 2u) << "one broke off, one was too large";
}

}  // namespace
}  // namespace callbot::recordings
