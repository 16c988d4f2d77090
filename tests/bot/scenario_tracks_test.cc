#include "bot/scenario_tracks.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

signaling::Member member(const std::string& name, const std::string& video) {
  signaling::Member m;
  m.name = name;
  m.video_source = video;
  return m;
}

CallTrack picture(TrackId id, const std::string& of, int64_t last_ns,
                  const std::string& source = "") {
  CallTrack track;
  track.info.id = id;
  track.info.kind = MediaKind::kVideo;
  track.info.participant = track.info.name = of;
  track.info.source = source;
  track.stats.last_packet_ns = last_ns;
  return track;
}

TEST(ScenarioTracks, APagesPictureIsWhatItSaysOfIt) {
  const std::vector members = {member("page", "screen"), member("bot", "camera")};
  EXPECT_EQ(as_it_is(picture(1, "page", 0).info, members).source, "screen");
  EXPECT_EQ(as_it_is(picture(1, "bot", 0).info, members).source, "");
  EXPECT_EQ(as_it_is(picture(1, "page", 0, "camera").info, members).source, "camera")
      << "the signaling says it";
  TrackInfo sound = picture(1, "page", 0).info;
  sound.kind = MediaKind::kAudio;
  EXPECT_EQ(as_it_is(sound, members).source, "");
}

TEST(ScenarioTracks, OfTwoInOnePlaceTheOneThatComesIsThere) {
  const std::vector<CallTrack> all = {
      picture(1, "bot", 5 * kSecond), picture(2, "bot", 9 * kSecond),
      picture(3, "bot", 3 * kSecond, "screen"), picture(4, "eve", 2 * kSecond)};
  const auto now = tracks_now(all, {});
  ASSERT_EQ(now.size(), 3U);
  EXPECT_EQ(now[0].info.id, 2U);
  EXPECT_EQ(now[1].info.id, 3U);
  EXPECT_EQ(now[2].info.id, 4U);
  // Both come for a moment.
  EXPECT_EQ(tracks_now({picture(1, "bot", 8 * kSecond + 1), all[1]}, {}).size(), 2U);
}

}  // namespace
}  // namespace callbot::bot
