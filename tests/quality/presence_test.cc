#include "quality/presence.h"

#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(PresenceLog, JoinsWhatIsCloseAndKeepsApartWhatIsNot) {
  PresenceLog log;
  const TrackInfo camera{.id = 1, .participant = "alice", .source = "camera"};
  const TrackInfo microphone{.id = 2, .participant = "alice", .source = "microphone"};
  for (const int64_t at : {0, 300, 1290, 2290, 2300}) log.seen(camera, 7, at * kMs);
  log.seen(camera, 8, 1000 * kMs);
  log.heard(microphone, 0, 100 * kMs);
  log.heard(microphone, 500 * kMs, 600 * kMs);
  log.heard(microphone, 1100 * kMs, 1200 * kMs);
  const auto spans = log.spans();
  ASSERT_EQ(spans.size(), 5u);
  EXPECT_EQ(spans[0].to_ns, 1290 * kMs);
  EXPECT_EQ(spans[0].source, 7);
  EXPECT_EQ(spans[1].from_ns, 2290 * kMs);
  EXPECT_EQ(spans[2].source, 8);
  EXPECT_EQ(spans[3].media, MediaKind::kAudio);
  EXPECT_EQ(spans[3].to_ns, 600 * kMs);
  EXPECT_EQ(spans[3].source, std::nullopt);
  EXPECT_EQ(spans[4].from_ns, 1100 * kMs);
}

TEST(PresenceLog, PicturesWithoutAMarkAreNobodysAndKeptByThemselves) {
  PresenceLog log;
  const TrackInfo camera{
      .id = 1, .kind = MediaKind::kVideo, .participant = "alice", .source = "camera"};
  for (const int64_t at : {10, 900, 4000}) log.unread(camera, at * kMs);
  EXPECT_TRUE(log.spans().empty());
  const auto unread = log.unread();
  ASSERT_EQ(unread.size(), 2u);
  EXPECT_EQ(unread[0].from, "alice");
  EXPECT_EQ(unread[0].source, std::nullopt);
  EXPECT_EQ(unread[0].to_ns, 900 * kMs + 1) << "one alone has a length, too";
}

TEST(PresenceLog, LooksAndWhatWasDecodedFirstAreKeptByThemselves) {
  PresenceLog log;
  const TrackInfo camera{
      .id = 1, .kind = MediaKind::kVideo, .participant = "alice", .source = "camera"};
  log.decoded(camera, 5 * kMs);
  for (const int64_t at : {10, 60, 900, 4000, 4050}) log.looked(camera, at * kMs);
  EXPECT_TRUE(log.spans().empty());
  const auto looks = log.looks();
  ASSERT_EQ(looks.size(), 2u);
  EXPECT_EQ(looks[0].from, "alice");
  EXPECT_EQ(looks[0].to_ns, 900 * kMs);
  EXPECT_EQ(looks[1].from_ns, 4000 * kMs);
  ASSERT_EQ(log.decoded().size(), 1u);
  EXPECT_EQ(log.decoded()[0].stream, "camera");
  EXPECT_EQ(log.decoded()[0].at_ns, 5 * kMs);
}

}  // namespace
}  // namespace callbot::quality
