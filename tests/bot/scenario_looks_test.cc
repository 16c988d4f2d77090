#include "bot/scenario_looks.h"

#include <gmock/gmock.h>

#include "bot/scenario_watch.h"
#include "tests/support/scenario_runs.h"
#include "tests/support/vmaf_ffmpeg.h"

namespace callbot::bot {
namespace {

PatternLook look(int width, int height, int fps = 10) {
  PatternLook look;
  look.picture = {42, 7, "alice", width, height, fps};
  look.sound = true;
  return look;
}

TEST(PatternLooks, AFrameLooksAsItWasSent) {
  PatternLooks looks;
  EXPECT_FALSE(looks.at(5));
  looks.begin(look(160, 90));
  looks.change_media(20, look(320, 180));
  EXPECT_EQ(looks.at(19)->picture.width, 160);
  EXPECT_FALSE(looks.at(20)) << "of either";
  EXPECT_FALSE(looks.at(21));
  EXPECT_EQ(looks.at(22)->picture.width, 320);
  looks.change_size(30, 640, 360);
  EXPECT_EQ(looks.at(29)->picture.width, 320);
  EXPECT_EQ(looks.at(30)->picture.height, 360);
  // What was announced for later and is overtaken does not come.
  looks.change_media(28, std::nullopt);
  EXPECT_FALSE(looks.at(40));
  looks.change_size(50, 160, 90);
  EXPECT_FALSE(looks.at(60)) << "a film has no size of the pattern's";
}

TEST(PatternLooks, AnotherRateBeginsASecond) {
  PatternLooks looks;
  looks.begin(look(160, 90));
  looks.change_rate(20, 30);
  EXPECT_TRUE(looks.at(10)->chirps(10));
  EXPECT_EQ(looks.at(20)->picture.since_second, 2u);
  EXPECT_EQ(looks.at(20)->picture.since_frame, 20u);
  EXPECT_TRUE(looks.at(50)->chirps(50));
  EXPECT_FALSE(looks.at(40)->chirps(40));
  looks.change_rate(80, 5);
  EXPECT_EQ(looks.at(85)->picture.since_second, 4u);
  EXPECT_TRUE(looks.at(85)->chirps(85));
  // Others come at the rate there is, also after what was no pattern.
  looks.change_media(90, std::nullopt);
  looks.change_media(100, look(320, 180, 25));
  EXPECT_EQ(looks.at(102)->picture.fps, 5);
  EXPECT_EQ(looks.at(102)->picture.since_frame, 80u);
  EXPECT_EQ(looks.at(102)->picture.width, 320);
}

TEST(PatternLooks, WhoMeasuresPaintsAsItLooksThen) {
  scenarios::Media media;
  media.video.width = 160;
  media.video.height = 90;
  media.video.fps = 10;
  auto looks = std::make_shared<PatternLooks>();
  looks->begin(look(160, 90));
  const auto member =
      member_of({.media = &media, .shown = "alice", .number = 7, .seed = 42, .looks = looks});
  ASSERT_TRUE(member.painting && member.painting->size);
  looks->change_rate(20, 30);  // after the measuring began
  looks->change_size(20, 320, 180);
  using quality::PaintedSize;
  const auto& size = member.painting->size;
  EXPECT_EQ(*size(7, 19, {160, 90}), (PaintedSize{160, 90}));
  EXPECT_EQ(*size(7, 20, {320, 180}), (PaintedSize{320, 180}));
  EXPECT_EQ(*size(7, 20, {160, 90}), (PaintedSize{160, 90})) << "half of it, for a narrow path";
  EXPECT_EQ(*size(7, 20, {200, 100}), (PaintedSize{320, 180})) << "scaled on the way";
  EXPECT_FALSE(size(8, 20, {320, 180})) << "somebody else's";
  std::vector<uint8_t> painted(320 * 180 * 2), drawn(painted.size());
  const auto view = [](std::vector<uint8_t>& bytes) {
    uint8_t* chroma = bytes.data() + 320 * 180;
    return PictureView{bytes.data(), 320, chroma, chroma + 160 * 90, 160, 320, 180};
  };
  ASSERT_TRUE(member.painting->paint(7, 50, view(painted)));
  const auto picture = pipelines::PatternPicture::create({42, 7, "alice", 320, 180, 30, 20, 2});
  ASSERT_TRUE(picture);
  (*picture)->draw(50, true, view(drawn));
  EXPECT_EQ(painted, drawn);
}

class ScenarioLooksTest : public test::ScenarioRuns {};

// Media of another size and rate, sent well: their likeness is high, and delays are those of their
// frames.
TEST_F(ScenarioLooksTest, LikenessAfterASwitchIsToWhatIsSentThen) {
  const auto scenario = scenarios::decode_scenario(R"(
callbot: 1
name: t
media:
  cam: {video: {source: pattern, size: 160x90, fps: 10, bitrate: 300 kbit/s}, audio: pattern}
  other: {video: {source: pattern, size: 320x180, fps: 20, bitrate: 1 Mbit/s}, audio: pattern}
actors: {alice: {send: cam}, bob: {verify: all}}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, for: 2s, within: 20s}
  - {do: switch, who: alice, media: other}
  - {expect: size, who: bob, from: alice, size: 320x180, within: 20s}
  - wait: 2s
  - mark: other
  - {expect: metric, who: bob, from: alice, metric: video.psnr, stat: count, op: ">=", value: 3, within: 20s}
  - {do: switch, who: alice, size: 160x120}
  - {expect: size, who: bob, from: alice, size: 160x120, within: 20s}
  - {expect: metric, who: bob, from: alice, metric: video.psnr, stat: count, op: ">=", value: 3, within: 20s}
  - {do: switch, who: alice, media: cam}
  - {expect: size, who: bob, from: alice, size: 160x90, within: 20s}
  - {expect: metric, who: bob, from: alice, metric: video.psnr, stat: count, op: ">=", value: 3, within: 20s}
thresholds:
  - {metric: video.psnr, stat: min, op: ">", value: 24, who: bob, from: alice}
  - {metric: video.ssim, stat: min, op: ">", value: 0.7, who: bob, from: alice}
  - {metric: video.e2e_delay, stat: p50, op: "<", value: 1s, who: bob, from: alice}
  - {metric: video.e2e_delay, stat: p1, op: ">", value: 0s, who: bob, from: alice}
  - {metric: video.reorder, stat: total, op: "==", value: 0, who: bob, from: alice}
  - {metric: video.fps, stat: max, op: ">=", value: 18, who: bob, from: alice, between: [other, 1h]}
)",
                                                   "t.yaml", {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_NO_FATAL_FAILURE(run_through([&] { start(*scenario); }));
  EXPECT_EQ(judged().verdict, scenarios::Verdict::kPass) << text();
}

#ifdef __x86_64__
TEST_F(ScenarioLooksTest, VmafIsMeasuredWhereItIsAskedForAndFfmpegHasIt) {
  const test::FfmpegNamed named(test::vmaf_ffmpeg());
  run(R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: metric, who: bob, from: alice, metric: video.vmaf, stat: count, op: ">=", value: 2, within: 40s}
thresholds:
  - {metric: video.vmaf, stat: min, op: ">", value: 30, who: bob, from: alice}
  - {metric: video.vmaf, stat: max, op: "<=", value: 100, who: bob, from: alice}
)");
  EXPECT_EQ(judged().verdict, scenarios::Verdict::kPass) << text();
}
#endif

}  // namespace
}  // namespace callbot::bot
