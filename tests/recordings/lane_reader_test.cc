#include "recordings/lane_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
namespace fs = std::filesystem;

struct Read {
  std::vector<int64_t> times;
  std::vector<int> pieces;
  size_t keys = 0, bytes = 0;
  std::vector<std::string> notes;
};

Read read_all(const fs::path& folder, const std::string& who, MediaKind kind) {
  Read out;
  auto loaded = load(folder);
  EXPECT_TRUE(loaded);
  auto reader = LaneReader::open(folder, loaded->manifest, who, kind);
  EXPECT_TRUE(reader) << reader.error().message;
  for (;;) {
    auto packet = (*reader)->next();
    EXPECT_TRUE(packet);
    if (!packet || !*packet) break;
    EXPECT_NE((*reader)->parameters((*packet)->piece), nullptr);
    EXPECT_EQ((*packet)->new_piece, out.pieces.empty() || out.pieces.back() != (*packet)->piece);
    out.times.push_back((*packet)->time_ns);
    out.pieces.push_back((*packet)->piece);
    out.keys += (*packet)->key ? 1 : 0;
    out.bytes += static_cast<size_t>((*packet)->packet->size);
  }
  out.notes = (*reader)->notes();
  return out;
}

// Alice's camera from the beginning, her sound from 2 s on: two stretches.
void two_stretches(Feed& feed) {
  feed.member("alice");
  feed.add({video_track(1, "alice"),
            make_video({.width = 96, .height = 64, .frames = 150, .key_every = 15})});
  feed.add({.info = audio_track(2, "alice"), .frames = make_audio({.seconds = 3}), .start = 2});
  ASSERT_TRUE(feed.run(5.5));
}

TEST(LaneReader, GivesAllStretchesOnTheRecordingsClock) {
  Feed feed;
  two_stretches(feed);
  const Recorded recorded(feed.folder());
  ASSERT_GE(recorded.files().size(), 2u);
  const auto video = read_all(feed.folder(), "alice", MediaKind::kVideo);
  ASSERT_EQ(video.times.size(), 150u);
  for (size_t i = 0; i < video.times.size(); ++i)
    EXPECT_NEAR(static_cast<double>(video.times[i]) / 1e9, static_cast<double>(i) / 30, 0.002);
  EXPECT_EQ(video.pieces.front(), 0);
  EXPECT_EQ(video.pieces.back(), 1);
  EXPECT_EQ(video.keys, 10u);
  EXPECT_TRUE(video.notes.empty());
  const auto audio = read_all(feed.folder(), "alice", MediaKind::kAudio);
  EXPECT_EQ(audio.times.size(), 150u);
  EXPECT_NEAR(static_cast<double>(audio.times.front()) / 1e9, 2.0, 0.002);
}

TEST(LaneReader, OverlappingPiecesComeByTime) {
  Feed feed;
  feed.member("alice");
  // The camera has no key frame to split at: the screen gets a file beside.
  feed.add({video_track(1, "alice"), make_video({.width = 96, .height = 64, .frames = 120})});
  auto screen = video_track(2, "alice");
  screen.source = "screen";
  screen.mid = "9";
  feed.add({.info = screen,
            .frames = make_video({.width = 128, .height = 64, .frames = 30, .source = 2}),
            .start = 1});
  ASSERT_TRUE(feed.run(5));
  const auto read = read_all(feed.folder(), "alice", MediaKind::kVideo);
  EXPECT_EQ(read.times.size(), 150u);
  EXPECT_TRUE(std::is_sorted(read.times.begin(), read.times.end()));
  size_t changes = 0;
  for (size_t i = 1; i < read.pieces.size(); ++i) changes += read.pieces[i] != read.pieces[i - 1];
  EXPECT_GT(changes, 20u);
}

TEST(LaneReader, AMissingFileIsANoteAndTheRestComes) {
  Feed feed;
  two_stretches(feed);
  const Recorded recorded(feed.folder());
  fs::remove(feed.folder() / recorded.files().front());
  const auto read = read_all(feed.folder(), "alice", MediaKind::kVideo);
  EXPECT_GT(read.times.size(), 60u);
  EXPECT_LT(read.times.size(), 100u);
  ASSERT_EQ(read.notes.size(), 1u);
  EXPECT_NE(read.notes[0].find(recorded.files().front()), std::string::npos) << read.notes[0];
}

TEST(LaneReader, ACutFileGivesWhatItHas) {
  Feed feed;
  two_stretches(feed);
  const Recorded recorded(feed.folder());
  const fs::path last = feed.folder() / recorded.files().back();
  fs::resize_file(last, fs::file_size(last) / 2);
  const auto read = read_all(feed.folder(), "alice", MediaKind::kVideo);
  EXPECT_GT(read.times.size(), 70u);
  EXPECT_LT(read.times.size(), 150u);
}

TEST(LaneReader, FilesThatChangedPlacesAreNotes) {
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.width = 96, .height = 64, .frames = 30})});
  feed.member("bob");
  feed.add({audio_track(2, "bob"), make_audio({.seconds = 1})});
  ASSERT_TRUE(feed.run(1.5));
  fs::rename(feed.folder() / "media/alice-1.mkv", feed.folder() / "media/x");
  fs::rename(feed.folder() / "media/bob-1.mkv", feed.folder() / "media/alice-1.mkv");
  const auto read = read_all(feed.folder(), "alice", MediaKind::kVideo);
  EXPECT_TRUE(read.times.empty());
  EXPECT_EQ(read.notes.size(), 1u);
}

TEST(LaneReader, AnUnknownParticipantIsAnError) {
  Feed feed;
  feed.member("alice");
  ASSERT_TRUE(feed.run(1));
  const auto reader =
      LaneReader::open(feed.folder(), load(feed.folder())->manifest, "bob", MediaKind::kAudio);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Code::kBadInput);
}

}  // namespace
}  // namespace callbot::recordings
