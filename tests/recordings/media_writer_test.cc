#include "recordings/media_writer.h"

#include <gmock/gmock.h>
#include <fstream>
#include <iostream>

#include "recordings/manifest.h"
#include "recordings/probe.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::testing;

ProbedFile probed(const fs::path& path) {
  auto file = probe(path, 1);
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  return file ? *file : ProbedFile();
}

Manifest manifest_of(const fs::path& folder) {
  auto loaded = load(folder);
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
  return loaded ? loaded->manifest : Manifest();
}

TEST(MediaWriter, OneFileHoldsAudioAndVideoOfAParticipant) {
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 90})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 3})});
  ASSERT_TRUE(feed.run(3.2));
  const Manifest m = manifest_of(feed.folder());
  ASSERT_EQ(m.media.size(), 1u);
  const ProbedFile file = probed(feed.folder() / m.media[0].path);
  ASSERT_EQ(file.streams.size(), 2u);
  for (const ProbedStream& s : file.streams) {
    EXPECT_TRUE(s.undecodable.empty());
    EXPECT_TRUE(s.backwards.empty());
    EXPECT_EQ(s.packets.size(), s.media == MediaKind::kVideo ? 90u : 150u);
    EXPECT_EQ(s.pictures.size(), s.media == MediaKind::kVideo ? 90u : 0u);
    for (const auto& c : s.chirps) printf("chirp %.4f %d\n", c.time, c.up);
    for (const auto& c : s.pictures) if (c.mark && c.mark->flags) printf("flag %.4f %d\n", c.time, c.mark->counter);
  }
  std::ifstream j(feed.folder() / "journal.jsonl"); std::cout << j.rdbuf();
  std::ifstream k(feed.folder() / "manifest.json"); std::cout << k.rdbuf();
}

}  // namespace
}  // namespace callbot::recordings
