#include "bot/scenario_watch.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "pipelines/pattern_picture.h"

namespace callbot::bot {
namespace {

using scenarios::Verify;

scenarios::Media camera() {
  scenarios::Media media;
  media.video.width = 160;
  media.video.height = 90;
  media.video.fps = 10;
  return media;
}

// A picture with room for chroma.
struct Picture {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(160 * 90 * 2);
  PictureView view() {
    uint8_t* chroma = bytes.data() + 160 * 90;
    return {bytes.data(), 160, chroma, chroma + 80 * 45, 80, 160, 90};
  }
};

TEST(ScenarioWatch, AStreamHasAName) {
  TrackInfo track;
  EXPECT_EQ(stream_of(track), "microphone");
  track.kind = MediaKind::kVideo;
  EXPECT_EQ(stream_of(track), "camera");
  track.source = "screen";
  EXPECT_EQ(stream_of(track), "screen");
}

TEST(ScenarioWatch, ASenderOfThePatternIsKnown) {
  const scenarios::Media media = camera();
  const auto member = member_of({&media, "alice", 7, 42, 123});
  EXPECT_EQ(member.sender.source, 7);
  EXPECT_EQ(member.sender.fps, 10);
  EXPECT_EQ(member.sender.sound_ahead_ns, quality::kOpusLookahead_ns);
  EXPECT_EQ(member.joined_ns, 123);
  ASSERT_TRUE(member.painting);
  const auto pattern = pipelines::PatternPicture::create({42, 7, "alice", 160, 90, 10});
  ASSERT_TRUE(pattern);
  for (const uint32_t counter : {20U, 33U}) {
    Picture made, sent;
    ASSERT_TRUE(member.painting->paint(7, counter, made.view()));
    (*pattern)->draw(counter, counter % 10 == 0, sent.view());
    EXPECT_EQ(made.bytes, sent.bytes) << counter;
  }
  Picture none;
  EXPECT_FALSE(member.painting->paint(8, 20, none.view())) << "somebody else's";
}

TEST(ScenarioWatch, OfOthersOnlyWhatTheySendIs) {
  scenarios::Media media = camera();
  media.video.source = "none";
  const auto sound = member_of({&media, "alice", 7, 42, 123});
  EXPECT_EQ(sound.sender.source, 7);
  EXPECT_FALSE(sound.painting);
  media.video.source = "file";
  media.audio.source = "file";
  EXPECT_FALSE(member_of({&media, "alice", 7, 42, 123}).sender.source);
  const auto silent = member_of({nullptr, "alice", 7, 42, 123});
  EXPECT_FALSE(silent.sender.source);
  EXPECT_EQ(silent.joined_ns, 123);
}

class ScenarioWatchTest : public ::testing::TestWithParam<Verify> {
 protected:
  ScenarioWatchTest() {
    actor_.role = "bob";
    actor_.verify = GetParam();
    who_ = {&actor_, "bob-2", "main", "", "Bob"};
  }
  // A second of sound (Opus, comfort noise of 20 ms a packet) from one who is shown as Alice.
  std::vector<Series> measured() {
    ScenarioMeasuring measuring;
    ScenarioWatch::Config config;
    config.who = &who_;
    config.joined_ns = monotonic_ns();
    config.name_of = [](const std::string& shown) { return shown == "Alice" ? "alice-1" : "?"; };
    ScenarioWatch watch(loop_, Log("test"), measuring, std::move(config));
    TrackInfo track;
    track.id = 1;
    track.codec = "opus";
    track.clock_rate = 48000;
    track.channels = 2;
    track.participant = "m17";
    track.name = "Alice";
    watch.add_track(track);
    const auto bytes = std::make_shared<std::vector<uint8_t>>(3, 0xf8);
    for (int n = 0; n < 50; ++n) {
      Frame frame;
      frame.owner = bytes;
      frame.bytes = *bytes;
      frame.key = true;
      frame.rtp_time = n * 960;
      frame.first_arrival_ns = frame.last_arrival_ns = monotonic_ns();
      watch.frame(1, frame);
    }
    watch.remove_track(1);
    watch.finish();
    watch.finish();
    EXPECT_TRUE(loop_.run_until([&] { return watch.finished(); }, std::chrono::seconds(30)));
    return watch.take();
  }

  Loop loop_;
  scenarios::Actor actor_;
  scenarios::Instance who_;
};

TEST_P(ScenarioWatchTest, SeriesHaveTheNamesOfTheScenario) {
  size_t of_alice = 0, unmeasured = 0;
  double samples = 0;
  for (const Series& series : measured()) {
    EXPECT_EQ(series.actor, "bob-2");
    EXPECT_NE(series.metric, "join.first_rtp");
    if (series.from != "alice-1") continue;
    ++of_alice;
    EXPECT_THAT(series.stream, ::testing::AnyOf("microphone", ""));
    if (series.state == Measured::kUnmeasured) ++unmeasured;
    for (const Sample& sample : series.samples) {
      if (series.metric == "audio.samples") samples += sample.value;
    }
  }
  EXPECT_EQ(of_alice > 0, GetParam() != Verify::kNone);
  EXPECT_EQ(samples, GetParam() == Verify::kNone ? 0 : 48000);
  // Who decodes and finds no chirp says so; who does not decode does not miss them.
  EXPECT_EQ(unmeasured > 0, GetParam() == Verify::kRotate || GetParam() == Verify::kAll);
}

INSTANTIATE_TEST_SUITE_P(, ScenarioWatchTest,
                         ::testing::Values(Verify::kNone, Verify::kHeaders, Verify::kRotate,
                                           Verify::kAll),
                         [](const auto& info) { return scenarios::name_of(info.param); });

}  // namespace
}  // namespace callbot::bot
