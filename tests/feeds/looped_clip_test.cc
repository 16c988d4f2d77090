#include "feeds/looped_clip.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <map>

#include "tests/support/clips.h"
#include "tests/support/temp_folder.h"

namespace callbot::feeds {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

class LoopedClipTest : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  std::unique_ptr<LoopedClip> looped(const std::vector<std::string>& files, LoopConfig config = {},
                                     const FeedWish& wish = {}) {
    auto clips = prepared(files, folder_.path() / "cache", wish);
    EXPECT_TRUE(clips) << clips.error().message;
    if (!clips) return nullptr;
    auto made = LoopedClip::create(std::move(*clips), config);
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::move(*made) : nullptr;
  }
  // By stream.
  std::map<size_t, std::vector<ClipFrame>> all(LoopedClip& clip, Result<>* how = nullptr) {
    std::map<size_t, std::vector<ClipFrame>> frames;
    for (;;) {
      auto frame = clip.next();
      if (!frame) {
        EXPECT_NE(how, nullptr) << frame.error().message;
        if (how != nullptr) *how = tl::unexpected(frame.error());
        return frames;
      }
      if (!*frame) return frames;
      frames[(*frame)->stream].push_back(std::move(**frame));
    }
  }
  TempFolder folder_;
};

TEST_F(LoopedClipTest, ThreeRoundsHaveNoSeam) {
  const auto path = pattern_clip(at("a.nut"), {.seconds = 2});
  const auto clip = looped({path}, {.rounds = 3});
  ASSERT_TRUE(clip);
  auto frames = all(*clip);
  const auto &video = frames[0], &audio = frames[1];
  ASSERT_EQ(video.size(), 180u);
  ASSERT_EQ(audio.size(), 300u);
  for (size_t i = 0; i < video.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(video[i].time_ns), static_cast<double>(i) * 1e9 / 30, 1000);
    EXPECT_EQ(video[i].key, i % 30 == 0);
    EXPECT_EQ(video[i].bytes, video[i % 60].bytes);
  }
  for (size_t i = 1; i < audio.size(); ++i)
    ASSERT_EQ(audio[i].time_ns - audio[i - 1].time_ns, 20 * kMs) << i;
  // What the encoder put before the first sample: libopus' look-ahead of 312 samples.
  EXPECT_NEAR(static_cast<double>(audio[0].time_ns), -6.5 * kMs, 0.1 * kMs);
}

// A round that is no whole number of packets: sound keeps its step, and stays with the picture.
TEST_F(LoopedClipTest, SoundKeepsItsStepAndNeverDriftsOff) {
  const auto path = pattern_clip(at("a.nut"), {.seconds = 2});
  const auto odd = converted(path, at("odd.nut"), {"-c", "copy", "-t", "1.23"});
  const auto clip = looped({odd}, {.rounds = 40});
  ASSERT_TRUE(clip);
  auto frames = all(*clip);
  const auto &video = frames[0], &audio = frames[1];
  const size_t per_round = video.size() / 40;
  for (size_t i = 1; i < video.size(); ++i)
    EXPECT_NEAR(static_cast<double>(video[i].time_ns - video[i - 1].time_ns), 1e9 / 30, 2000) << i;
  const auto& first = audio.front().bytes;
  size_t rounds = 0;
  for (size_t i = 0; i < audio.size(); ++i) {
    if (i > 0) {
      EXPECT_EQ(audio[i].time_ns - audio[i - 1].time_ns, 20 * kMs) << i;
    }
    if (audio[i].bytes != first) continue;
    const int64_t off = audio[i].time_ns - audio[0].time_ns - video[rounds * per_round].time_ns;
    EXPECT_LE(std::abs(off), 10 * kMs) << "round " << rounds;
    ++rounds;
  }
  EXPECT_EQ(rounds, 40u);
}

TEST_F(LoopedClipTest, WhatFitsIsSentBitByBit) {
  const auto path = pattern_clip(at("a.nut"), {.seconds = 1});
  const auto clip = looped({path}, {.rounds = 1});
  ASSERT_TRUE(clip);
  auto frames = all(*clip);
  auto file = InputFile::open(path);
  ASSERT_TRUE(file);
  const AvPacket packet(av_packet_alloc());
  std::map<size_t, size_t> next;
  for (auto more = (*file)->read(*packet); more && *more; more = (*file)->read(*packet)) {
    const auto stream = static_cast<size_t>(packet->stream_index);
    const size_t n = next[stream]++;
    if (stream == 1 && n == frames[1].size()) continue;  // the coder's padding, after the end
    ASSERT_LT(n, frames[stream].size());
    EXPECT_EQ(frames[stream][n].bytes,
              std::vector<uint8_t>(packet->data, packet->data + packet->size));
  }
  EXPECT_EQ(next[0], 30u);
  EXPECT_FALSE(fs::exists(folder_.path() / "cache"));
}

TEST_F(LoopedClipTest, H264OfMp4BecomesAByteStreamThatBeginsWithItsParameterSets) {
  const auto mp4 = converted(pattern_clip(at("a.nut"), {.seconds = 2}), at("a.mp4"),
                             {"-an", "-c:v", "libx264", "-profile:v", "baseline", "-g", "30"});
  const auto clip = looped({mp4}, {.rounds = 2});
  ASSERT_TRUE(clip);
  ASSERT_EQ(clip->streams().size(), 1u);
  EXPECT_EQ(clip->streams()[0].codec, "h264");
  const auto frames = all(*clip)[0];
  ASSERT_EQ(frames.size(), 120u);
  for (const ClipFrame& frame : frames) {
    ASSERT_GT(frame.bytes.size(), 5u);
    EXPECT_EQ(frame.bytes[0] | frame.bytes[1], 0);  // a start code
    if (!frame.key) continue;
    bool sps = false;
    for (size_t i = 0; i + 4 < frame.bytes.size(); ++i)
      sps |= frame.bytes[i] == 0 && frame.bytes[i + 1] == 0 && frame.bytes[i + 2] == 1 &&
             (frame.bytes[i + 3] & 0x1f) == 7;
    EXPECT_TRUE(sps);
  }
}

class LoopedCodec : public LoopedClipTest, public testing::WithParamInterface<const char*> {};

TEST_P(LoopedCodec, WhatWasEncodedHasNoSeamEither) {
  const auto clip =
      looped({pattern_clip(at("a.y4m"), {.seconds = 2})}, {.rounds = 3}, {.codec = GetParam()});
  ASSERT_TRUE(clip);
  EXPECT_EQ(clip->streams()[0].codec, GetParam());
  const auto frames = all(*clip)[0];
  ASSERT_EQ(frames.size(), 180u);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(frames[i].time_ns), static_cast<double>(i) * 1e9 / 30, 20'000);
    EXPECT_EQ(frames[i].key, i % 30 == 0) << i;
    EXPECT_EQ(frames[i].bytes, frames[i % 60].bytes) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(, LoopedCodec, testing::Values("vp8", "vp9", "h264"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(LoopedClipTest, BeginsWithTheKeyFrameAtOrBefore) {
  const auto path = pattern_clip(at("a.nut"), {.seconds = 4});
  const auto clip = looped({path}, {.rounds = 2, .at_ns = 2'700 * kMs});
  ASSERT_TRUE(clip);
  auto frames = all(*clip);
  EXPECT_EQ(frames[0].size(), 60u + 120u);  // from second 2 on, then all of it
  EXPECT_TRUE(frames[0][0].key);
  EXPECT_EQ(frames[0][0].time_ns, 0);
  EXPECT_NEAR(static_cast<double>(frames[1][0].time_ns), 0, 20e6);
  auto clips = prepared({path}, folder_.path() / "cache");
  ASSERT_TRUE(clips);
  const auto late = LoopedClip::create(std::move(*clips), {.at_ns = 5'000 * kMs});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kUsage);
  EXPECT_THAT(late.error().message, HasSubstr("expected less than its 4.0 s"));
}

TEST_F(LoopedClipTest, APlaylistIsOneRun) {
  const auto a = pattern_clip(at("a.nut"), {.seconds = 1, .seed = 1});
  const auto b = pattern_clip(at("b.nut"), {.width = 640, .height = 360, .seconds = 2, .seed = 2});
  const auto clip = looped({a, b}, {.rounds = 2});
  ASSERT_TRUE(clip);
  EXPECT_EQ(clip->streams()[0].width, 640);
  auto frames = all(*clip);
  ASSERT_EQ(frames[0].size(), 180u);
  for (size_t i = 1; i < 180; ++i)
    EXPECT_NEAR(static_cast<double>(frames[0][i].time_ns - frames[0][i - 1].time_ns), 1e9 / 30,
                1000);
  for (const size_t first : {0, 30, 90, 120}) EXPECT_TRUE(frames[0][first].key) << first;
}

TEST_F(LoopedClipTest, WhatHasNoSoundIsSilentAmongOthers) {
  const auto a = pattern_clip(at("a.nut"), {.seconds = 1});
  const auto mute = converted(a, at("mute.nut"), {"-an", "-c", "copy"});
  for (const auto& order : {std::vector<std::string>{a, mute}, {mute, a}}) {
    const auto clip = looped({order[0], order[1]}, {.rounds = 2});
    ASSERT_TRUE(clip);
    const auto audio = all(*clip)[1];
    EXPECT_NEAR(static_cast<double>(audio.size()), 200, 1);
    for (size_t i = 1; i < audio.size(); ++i)
      ASSERT_EQ(audio[i].time_ns - audio[i - 1].time_ns, 20 * kMs) << i;
    size_t silent = 0;
    for (const auto& frame : audio) silent += frame.bytes.size() == 3 ? 1 : 0;
    EXPECT_NEAR(static_cast<double>(silent), 100, 1);
  }
}

TEST_F(LoopedClipTest, G711IsCutIntoPacketsOf20Ms) {
  const auto wav = converted(pattern_clip(at("a.nut"), {.seconds = 1}), at("a.wav"),
                             {"-vn", "-c:a", "pcm_alaw", "-ar", "8000", "-t", "0.99"});
  const auto clip = looped({wav}, {.rounds = 3});
  ASSERT_TRUE(clip);
  EXPECT_EQ(clip->streams()[0].codec, "pcma");
  const auto frames = all(*clip)[0];
  EXPECT_NEAR(static_cast<double>(frames.size()), 3 * 49.5, 1.5);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].bytes.size(), 160u);
    EXPECT_EQ(frames[i].time_ns, static_cast<int64_t>(i) * 20 * kMs);
  }
}

TEST_F(LoopedClipTest, AFileThatIsDeletedMeanwhileGoesOn) {
  const auto path = pattern_clip(at("a.nut"), {.seconds = 1});
  const auto clip = looped({path}, {.rounds = 3});
  ASSERT_TRUE(clip);
  fs::remove(path);
  EXPECT_EQ(all(*clip)[0].size(), 90u);
}

TEST_F(LoopedClipTest, AFileThatIsCutOffMeanwhileIsNamed) {
  const auto path = pattern_clip(at("a.nut"), {.seconds = 2});
  const auto clip = looped({path}, {.rounds = 3});
  ASSERT_TRUE(clip);
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(fs::file_size(path) / 2)), 0);
  Result<> how;
  all(*clip, &how);
  ASSERT_FALSE(how);
  EXPECT_EQ(how.error().code, Code::kBadInput);
  EXPECT_THAT(how.error().message, HasSubstr("a.nut"));
}

}  // namespace
}  // namespace callbot::feeds
