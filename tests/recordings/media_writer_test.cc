#include "recordings/media_writer.h"

#include <gmock/gmock.h>

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
  }
}

}  // namespace
}  // namespace callbot::recordings
