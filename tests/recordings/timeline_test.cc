#include "recordings/timeline.h"

#include <gtest/gtest.h>

#include "recordings/recording.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

Manifest two_members() {
  Manifest m;
  m.started_wall_ns = 5 * kSecond;
  m.ended_wall_ns = 25 * kSecond;
  m.facts.audio = m.facts.video = true;
  Participant late{.id = "b", .name = "Bob", .present = {{10 * kSecond, 18 * kSecond}}};
  Participant early{.id = "a", .name = "Alice", .present = {{kSecond, {}}}};
  early.said = {{MediaKind::kVideo, true, "screen", kSecond, 4 * kSecond},
                {MediaKind::kVideo, false, "", 4 * kSecond, 6 * kSecond},
                {MediaKind::kVideo, true, "camera", 6 * kSecond, {}}};
  early.refused = {{8 * kSecond, 9 * kSecond}};
  m.participants = {late, early};
  m.tracks = {{.id = 7, .participant = "a", .media = MediaKind::kVideo, .source = "screen"}};
  m.media = {{.path = "media/a-2.mkv",
              .participant = "a",
              .offset_ns = 6 * kSecond,
              .streams = {{8, MediaKind::kVideo, "h264"}}},
             {.path = "media/a-1.mkv",
              .participant = "a",
              .offset_ns = 2 * kSecond,
              .streams = {{9, MediaKind::kAudio, "opus"}, {7, MediaKind::kVideo, "vp8"}},
              .duration_ns = 3 * kSecond}};
  return m;
}

TEST(Timeline, ListsMembersAsTheyJoined) {
  const Timeline t(two_members());
  EXPECT_EQ(t.duration_ns, 20 * kSecond);
  ASSERT_EQ(t.participants.size(), 2u);
  EXPECT_EQ(t.participants[0].name, "Alice");
  EXPECT_EQ(t.participants[1].name, "Bob");
  EXPECT_EQ(t.participants[1].whole().from_ns, 10 * kSecond);
  EXPECT_EQ(t.participants[1].whole().to_ns, 18 * kSecond);
}

TEST(Timeline, ListsPiecesByTimeWithTheirStream) {
  const Timeline t(two_members());
  const auto& video = t.participants[0].video.pieces;
  ASSERT_EQ(video.size(), 2u);
  EXPECT_EQ(video[0].file, "media/a-1.mkv");
  EXPECT_EQ(video[0].stream, 1);
  EXPECT_EQ(video[0].source, "screen");
  EXPECT_EQ(video[0].duration_ns, 3 * kSecond);
  EXPECT_EQ(video[1].codec, "h264");
  EXPECT_EQ(video[1].duration_ns, 14 * kSecond);  // not closed: to the recording's end
  ASSERT_EQ(t.participants[0].audio.pieces.size(), 1u);
  EXPECT_EQ(t.participants[0].audio.pieces[0].stream, 0);
}

TEST(Timeline, IsOnWhereItWasSaidAndNotRefused) {
  const auto on = Timeline(two_members()).participants[0].video.on;
  ASSERT_EQ(on.size(), 3u);
  EXPECT_EQ(on[0].from_ns, kSecond);
  EXPECT_EQ(on[0].to_ns, 4 * kSecond);
  EXPECT_EQ(on[0].source, "screen");
  EXPECT_EQ(on[1].from_ns, 6 * kSecond);
  EXPECT_EQ(on[1].to_ns, 8 * kSecond);
  EXPECT_EQ(on[2].from_ns, 9 * kSecond);
  EXPECT_EQ(on[2].to_ns, 20 * kSecond);
}

}  // namespace
}  // namespace callbot::recordings
