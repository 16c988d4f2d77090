#include "recordings/speakers.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Manifest two_speakers() {
  Manifest m;
  m.started_wall_ns = test::Feed::kStartWall;
  m.last_known_ns = 4'000'000'000'000;
  m.participants.push_back({.id = "m1", .name = "Ann <b>&\n--> x"});
  m.participants.push_back({.id = "m2", .name = "Bob"});
  m.participants[0].spoke = {{.from_ns = 3'700'500'000'000, .to_ns = 3'701'000'000'000}};
  m.participants[1].spoke = {{.from_ns = 1'000'000'000, .to_ns = 2'250'000'000},
                             {.from_ns = 3'999'000'000'000}};
  return m;
}

TEST(Speakers, AreCuesInOrderWithVoices) {
  const std::string vtt = speakers_vtt(two_speakers());
  EXPECT_TRUE(vtt.starts_with("WEBVTT\n\n00:00:01.000 --> 00:00:02.250\n<v Bob>Bob</v>\n\n"))
      << vtt;
  EXPECT_THAT(vtt, HasSubstr("01:01:40.500 --> 01:01:41.000\n"));
  EXPECT_THAT(vtt, HasSubstr("01:06:39.000 --> 01:06:40.000\n")) << "to the end";
}

TEST(Speakers, NamesCannotBreakTheFile) {
  const std::string vtt = speakers_vtt(two_speakers());
  EXPECT_THAT(vtt, HasSubstr("<v Ann &lt;b&gt;&amp;"));
  EXPECT_THAT(vtt, Not(HasSubstr("<b>")));
  size_t arrows = 0;
  for (size_t at = vtt.find("-->"); at != std::string::npos; at = vtt.find("-->", at + 1)) ++arrows;
  EXPECT_EQ(arrows, 3u) << vtt;
}

TEST(Speakers, AsJson) {
  const auto json = Json::parse(speakers_json(two_speakers()));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("format").text(), "callbot-speakers");
  EXPECT_EQ(json->at("speakers").size(), 2u);
  EXPECT_EQ(json->at("speakers").at(size_t{1}).at("spoke_ns").whole(), 2'250'000'000);
  ASSERT_EQ(json->at("spans").size(), 3u);
  EXPECT_EQ(json->at("spans").at(size_t{0}).at("participant").text(), "m2");
  EXPECT_EQ(json->at("spans").at(size_t{1}).at("from_ns").whole(), 3'700'500'000'000);
}

TEST(Speakers, FilesAreThereOnlyWhereLevelsWereSaid) {
  for (const bool levels : {true, false}) {
    test::Feed feed;
    feed.member("alice");
    test::FeedTrack track{test::audio_track(1, "alice"), test::make_audio({.seconds = 2})};
    if (levels) track.level = [](const auto&) { return AudioLevel{20, true}; };
    feed.add(std::move(track));
    ASSERT_TRUE(feed.run(2.1));
    EXPECT_EQ(fs::exists(feed.folder() / "speakers.json"), levels);
    EXPECT_EQ(fs::exists(feed.folder() / "speakers.vtt"), levels);
  }
}

}  // namespace
}  // namespace callbot::recordings
