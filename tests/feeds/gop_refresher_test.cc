#include "feeds/gop_refresher.h"

#include <gmock/gmock.h>

#include <cstring>
#include <thread>

#include "base/clock.h"
#include "pipelines/bitstream.h"
#include "quality/reference.h"
#include "tests/support/clips.h"
#include "tests/support/temp_folder.h"

namespace callbot::feeds {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kPatience_ns = 60'000'000'000;

struct Luma {
  std::vector<uint8_t> bytes;
  int width = 0, height = 0;
  LumaView view() const { return {bytes.data(), static_cast<size_t>(width), width, height}; }
};

// A receiver: what is sent, decoded from nothing.
class Screen {
 public:
  explicit Screen(const std::string& codec) {
    const AVCodec* found = avcodec_find_decoder(avcodec_descriptor_get_by_name(codec.c_str())->id);
    decoder_.reset(avcodec_alloc_context3(found));
    decoder_->thread_count = 1;
    decoder_->flags |= AV_CODEC_FLAG_LOW_DELAY;
    EXPECT_EQ(avcodec_open2(decoder_.get(), found, nullptr), 0);
  }
  // None: nothing is shown.
  std::optional<Luma> show(const ClipFrame& frame) {
    if (frame.bytes.empty()) return std::nullopt;
    const AvPacket packet(av_packet_alloc());
    EXPECT_EQ(av_new_packet(packet.get(), static_cast<int>(frame.bytes.size())), 0);
    std::memcpy(packet->data, frame.bytes.data(), frame.bytes.size());
    EXPECT_EQ(avcodec_send_packet(decoder_.get(), packet.get()), 0) << frame.time_ns;
    const AvFrame picture(av_frame_alloc());
    if (avcodec_receive_frame(decoder_.get(), picture.get()) < 0) return std::nullopt;
    EXPECT_EQ(picture->decode_error_flags, 0) << frame.time_ns;
    Luma luma{.width = picture->width, .height = picture->height};
    for (int y = 0; y < luma.height; ++y) {
      const uint8_t* row = picture->data[0] + static_cast<ptrdiff_t>(y) * picture->linesize[0];
      luma.bytes.insert(luma.bytes.end(), row, row + luma.width);
    }
    return luma;
  }

 private:
  AvCodecContext decoder_;
};

class GopRefresherTest : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  // Of the picture, as it is sent: a round of these files.
  std::vector<ClipFrame> frames_of(const std::vector<std::string>& files) {
    auto clips = prepared(files, folder_.path() / "cache");
    EXPECT_TRUE(clips) << clips.error().message;
    if (!clips) return {};
    for (const PreparedClip& clip : *clips) EXPECT_EQ(clip.video_encoded, "") << "sent as it is";
    auto reader = LoopedClip::create(std::move(*clips), {.rounds = 1});
    EXPECT_TRUE(reader) << reader.error().message;
    if (!reader) return {};
    stream_ = (*reader)->streams()[0];
    std::vector<ClipFrame> frames;
    for (auto next = (*reader)->next(); next && *next; next = (*reader)->next())
      if ((*next)->stream == 0) frames.push_back(std::move(**next));
    return frames;
  }
  // VP8, 30 pictures a second, a key frame each second.
  std::vector<ClipFrame> our_clip(int seconds = 2) {
    return frames_of({pattern_clip(at("a.nut"), {.seconds = seconds})});
  }
  // What is sent for frame i. `wait`: only when the next one can be a key frame.
  ClipFrame send(GopRefresher& refresher, const ClipFrame& frame, ClipRefresher::Due due = {},
                 bool wait = false) {
    ClipFrame sent = refresher.refresh(frame, due);
    const int64_t deadline = monotonic_ns() + kPatience_ns;
    while (wait && !refresher.ready() && monotonic_ns() < deadline) std::this_thread::yield();
    EXPECT_TRUE(!wait || refresher.ready()) << "nothing was decoded in time";
    return sent;
  }

  TempFolder folder_;
  ClipStream stream_;
};

// --- each codec, with key frames 2 s apart

struct Recipe {
  const char* name;
  const char* codec;
  const char* file;
  std::vector<std::string> how;
};

void PrintTo(const Recipe& recipe, std::ostream* out) { *out << recipe.name; }

class RefreshedCodec : public GopRefresherTest, public testing::WithParamInterface<Recipe> {
 protected:
  void SetUp() override {
    const Recipe& recipe = GetParam();
    std::vector<std::string> how = {"-an", "-g", "60", "-keyint_min", "60", "-b:v", "400k"};
    how.insert(how.end(), recipe.how.begin(), recipe.how.end());
    clip_ = frames_of({converted(pattern_clip(at("a.y4m"), {.seconds = 5}), at(recipe.file), how)});
    ASSERT_GE(clip_.size(), 150u);
    ASSERT_EQ(stream_.codec, recipe.codec);
    for (size_t i = 0; i < clip_.size(); ++i)
      if (clip_[i].key) keys_.push_back(i);
    ASSERT_EQ(keys_.size(), 3u);
  }
  size_t after_seconds(double seconds) const {
    size_t i = 0;
    while (static_cast<double>(clip_[i].time_ns) < seconds * 1e9) ++i;
    return i;
  }
  // From sent[from] on a fresh decoder shows what the clip's own shows.
  void expect_same_pictures(const std::vector<ClipFrame>& sent, size_t from) {
    Screen original(stream_.codec), receiver(stream_.codec);
    size_t shown = 0;
    for (size_t i = 0; i < clip_.size(); ++i) {
      const auto expected = original.show(clip_[i]);
      if (i < from) continue;
      const auto got = receiver.show(sent[i]);
      ASSERT_EQ(got.has_value(), expected.has_value()) << i;
      if (!got) continue;
      ++shown;
      ASSERT_EQ(got->width, expected->width) << i;
      ASSERT_EQ(got->height, expected->height) << i;
      EXPECT_GT(quality::luma_psnr(got->view(), expected->view()), 28) << i;
    }
    EXPECT_GT(shown, (clip_.size() - from) * 9 / 10);
  }

  std::vector<ClipFrame> clip_;
  std::vector<size_t> keys_;
};

TEST_P(RefreshedCodec, NothingAskedNothingChanges) {
  GopRefresher refresher(Log("test"), stream_);
  for (const ClipFrame& frame : clip_) {
    const ClipFrame sent = send(refresher, frame);
    ASSERT_EQ(sent.bytes, frame.bytes);
    ASSERT_EQ(sent.key, frame.key);
    ASSERT_EQ(sent.time_ns, frame.time_ns);
  }
}

TEST_P(RefreshedCodec, FromAKeyFrameOnDemandEveryPictureIsThere) {
  GopRefresher refresher(Log("test"), stream_);
  const size_t asked = after_seconds(0.7);
  std::vector<ClipFrame> sent;
  std::optional<size_t> made;
  for (size_t i = 0; i < clip_.size(); ++i) {
    if (i == asked) refresher.request_key_frame(false);
    sent.push_back(send(refresher, clip_[i], {}, i == asked));
    if (sent[i].key && !clip_[i].key) {
      EXPECT_FALSE(made) << "one is enough";
      made = i;
    }
  }
  ASSERT_TRUE(made);
  EXPECT_GT(*made, asked);
  EXPECT_LE(*made, asked + 2);  // one of them may show no picture
  pipelines::FrameInspector inspector(stream_.codec);
  const auto facts = inspector.inspect(sent[*made].bytes);
  EXPECT_TRUE(facts.key);
  EXPECT_FALSE(facts.lacks_parameter_sets);
  EXPECT_EQ(facts.width, 320u);
  EXPECT_EQ(facts.height, 180u);
  size_t own = 0, anew = 0;
  for (size_t i = 0; i < clip_.size(); ++i) {
    if (i < *made || i >= keys_[1]) {
      ASSERT_EQ(sent[i].bytes, clip_[i].bytes) << i;
    } else {
      anew += sent[i].bytes.size();
    }
    if (i < keys_[1]) own += clip_[i].bytes.size();
  }
  // Both begin with a key frame.
  const double share = static_cast<double>(keys_[1] - *made) / static_cast<double>(keys_[1]);
  EXPECT_LT(static_cast<double>(anew), 2 * static_cast<double>(own) * share);
  expect_same_pictures(sent, *made);
}

TEST_P(RefreshedCodec, ASecondRequestIsAnsweredTooButNotAtOnce) {
  GopRefresher refresher(Log("test"), stream_);
  const size_t asked = after_seconds(0.4);
  std::vector<ClipFrame> sent;
  std::vector<size_t> made;
  for (size_t i = 0; i < clip_.size() && i < keys_[1]; ++i) {
    if (i == asked) refresher.request_key_frame(false);
    // A listener that joins after the first one went, and one who missed it just before.
    if (made.size() == 1 && i == made[0] + 1) refresher.request_key_frame(false);
    if (made.size() == 1 && i == made[0] + 2) refresher.request_key_frame(true);
    if (made.size() == 2 && i == made[1] + 15) refresher.request_key_frame(false);
    sent.push_back(send(refresher, clip_[i], {}, i == asked));
    if (sent[i].key && i > 0) made.push_back(i);
  }
  sent.insert(sent.end(), clip_.begin() + static_cast<ptrdiff_t>(keys_[1]), clip_.end());
  ASSERT_EQ(made.size(), 3u);
  const auto apart_ms = [&](size_t n) {
    return static_cast<double>(clip_[made[n]].time_ns - clip_[made[n - 1]].time_ns) / 1e6;
  };
  EXPECT_GE(apart_ms(1), 300);
  EXPECT_LE(apart_ms(1), 370);
  EXPECT_NEAR(apart_ms(2), 500, 70);
  for (const size_t from : made) expect_same_pictures(sent, from);
}

INSTANTIATE_TEST_SUITE_P(
    , RefreshedCodec,
    testing::Values(Recipe{"vp8",
                           "vp8",
                           "vp8.webm",
                           {"-c:v", "libvpx", "-auto-alt-ref", "0", "-deadline", "realtime",
                            "-cpu-used", "8"}},
                    Recipe{"vp8_with_hidden_frames",
                           "vp8",
                           "hidden.webm",
                           {"-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16",
                            "-deadline", "good", "-cpu-used", "5"}},
                    Recipe{"vp9",
                           "vp9",
                           "vp9.webm",
                           {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"}},
                    Recipe{"h264",
                           "h264",
                           "h264.mp4",
                           {"-c:v", "libx264", "-profile:v", "baseline", "-sc_threshold", "0"}}),
    [](const auto& test) { return std::string(test.param.name); });

// --- when

TEST_F(GopRefresherTest, AKeyFrameThatIsDueOrHasJustGoneIsTheAnswer) {
  const auto clip = our_clip();
  ASSERT_EQ(clip.size(), 60u);
  GopRefresher refresher(Log("test"), stream_);
  for (size_t i = 0; i < clip.size(); ++i) {
    if (i == 2 || i == 27) refresher.request_key_frame(false);
    const ClipFrame sent = send(refresher, clip[i], {.key_follows = i > 26 && i < 30});
    ASSERT_EQ(sent.bytes, clip[i].bytes) << i;
  }
}

TEST_F(GopRefresherTest, WhoJoinsJustAfterAKeyFrameGetsAnother) {
  const auto clip = our_clip();
  ASSERT_EQ(clip.size(), 60u);
  GopRefresher refresher(Log("test"), stream_);
  std::optional<size_t> made;
  for (size_t i = 0; i < clip.size(); ++i) {
    if (i == 2) refresher.request_key_frame(true);
    const bool begins = clip[i].time_ns >= 300'000'000 && clip[i - 1].time_ns < 300'000'000;
    const ClipFrame sent = send(refresher, clip[i], {}, begins);
    if (sent.key && !clip[i].key) made = i;
  }
  ASSERT_TRUE(made);
  EXPECT_NEAR(static_cast<double>(*made), 10, 1);
}

TEST_F(GopRefresherTest, WhatThereIsNoTimeForIsLeftOut) {
  const auto clip = our_clip();
  ASSERT_EQ(clip.size(), 60u);
  GopRefresher refresher(Log("test"), stream_);
  Screen original("vp8"), receiver("vp8");
  for (size_t i = 0; i < clip.size(); ++i) {
    if (i == 12) refresher.request_key_frame(false);
    const bool late = i >= 15 && i < 20;
    const ClipFrame sent = send(refresher, clip[i], {.late = late}, i == 12);
    EXPECT_EQ(sent.bytes.empty(), late) << i;
    EXPECT_EQ(sent.key, clip[i].key || i == 13) << i;
    const auto expected = original.show(clip[i]);
    if (i < 13) continue;
    const auto got = receiver.show(sent);
    ASSERT_EQ(got.has_value(), !late) << i;
    if (got) {
      EXPECT_GT(quality::luma_psnr(got->view(), expected->view()), 28) << i;
    }
  }
}

TEST_F(GopRefresherTest, EachGroupHasItsOwnSize) {
  const auto clip =
      frames_of({pattern_clip(at("a.nut"), {.seconds = 1, .seed = 1}),
                 pattern_clip(at("b.nut"), {.width = 640, .height = 360, .seconds = 1}),
                 pattern_clip(at("c.nut"), {.seconds = 1, .seed = 3})});
  ASSERT_EQ(clip.size(), 90u);
  GopRefresher refresher(Log("test"), stream_);
  Screen original("vp8"), receiver("vp8");
  size_t made = 0;
  for (size_t i = 0; i < clip.size(); ++i) {
    const bool asked = i % 30 == 12;
    if (asked) refresher.request_key_frame(false);
    const ClipFrame sent = send(refresher, clip[i], {}, asked);
    if (sent.key && !clip[i].key) ++made;
    const auto expected = original.show(clip[i]);
    if (made == 0) continue;
    const auto got = receiver.show(sent);
    ASSERT_TRUE(got && expected) << i;
    ASSERT_EQ(got->width, i / 30 == 1 ? 640 : 320) << i;
    EXPECT_GT(quality::luma_psnr(got->view(), expected->view()), 28) << i;
  }
  EXPECT_EQ(made, 3u);
}

// --- what goes wrong

TEST_F(GopRefresherTest, WhatDoesNotDecodeGoesAsItIsAndIsSaidOnce) {
  auto clip = our_clip(4);
  ASSERT_EQ(clip.size(), 120u);
  for (const size_t broken : {5, 35}) clip[broken].bytes.resize(1);
  testing::internal::CaptureStderr();
  size_t made = 0;
  {
    GopRefresher refresher(Log("test"), stream_);
    for (size_t i = 0; i < clip.size(); ++i) {
      const bool asked = i % 30 == 12;
      if (asked) refresher.request_key_frame(false);
      // Of the third group on it is as always.
      const ClipFrame sent = send(refresher, clip[i], {}, asked && i > 60);
      made += sent.key && !clip[i].key ? 1 : 0;
      if (i < 60) {
        ASSERT_EQ(sent.bytes, clip[i].bytes) << i;
      }
      // The worker has met what is broken.
      const int64_t deadline = monotonic_ns() + kPatience_ns;
      while (asked && i < 60 && !refresher.hopeless() && monotonic_ns() < deadline)
        std::this_thread::yield();
    }
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(made, 2u);
  const size_t first = log.find("warning");
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find("warning", first + 1), std::string::npos) << log;
  EXPECT_THAT(log, HasSubstr("decoding vp8"));
}

TEST_F(GopRefresherTest, WhatFailsOnceFramesOfOursWentIsSilentUpToTheNextKeyFrame) {
  auto clip = our_clip();
  ASSERT_EQ(clip.size(), 60u);
  clip[20].bytes.resize(1);
  testing::internal::CaptureStderr();
  GopRefresher refresher(Log("test"), stream_);
  for (size_t i = 0; i < clip.size(); ++i) {
    if (i == 12) refresher.request_key_frame(false);
    const ClipFrame sent = send(refresher, clip[i], {}, i == 12);
    EXPECT_EQ(sent.bytes.empty(), i >= 20 && i < 30) << i;
    if (i <= 12 || i >= 30) {
      EXPECT_EQ(sent.bytes, clip[i].bytes) << i;
    }
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("warning"));
}

TEST_F(GopRefresherTest, ACodecWithoutAnEncoderIsSentAsItIs) {
  // FFmpeg decodes it.
  const auto clip = [&] {
    std::vector<ClipFrame> frames;
    const auto path = converted(pattern_clip(at("a.y4m"), {.seconds = 1}), at("a.nut"),
                                {"-an", "-c:v", "mpeg2video", "-bf", "0", "-g", "60"});
    auto file = InputFile::open(path);
    EXPECT_TRUE(file);
    const AvPacket packet(av_packet_alloc());
    for (auto more = (*file)->read(*packet); more && *more; more = (*file)->read(*packet))
      frames.push_back({.bytes = {packet->data, packet->data + packet->size},
                        .time_ns = static_cast<int64_t>(frames.size()) * 33'333'333,
                        .key = frames.empty()});
    return frames;
  }();
  ASSERT_EQ(clip.size(), 30u);
  testing::internal::CaptureStderr();
  GopRefresher refresher(Log("test"), {.codec = "mpeg2video", .fps = 30});
  for (size_t i = 0; i < clip.size(); ++i) {
    if (i == 12) refresher.request_key_frame(false);
    EXPECT_EQ(send(refresher, clip[i]).bytes, clip[i].bytes) << i;
    const int64_t deadline = monotonic_ns() + kPatience_ns;
    while (i == 12 && !refresher.hopeless() && monotonic_ns() < deadline) std::this_thread::yield();
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("mpeg2video cannot be encoded"));
}

TEST_F(GopRefresherTest, MayGoAtAnyTime) {
  const auto clip = our_clip();
  ASSERT_EQ(clip.size(), 60u);
  for (size_t last = 9; last < 40; ++last) {
    GopRefresher refresher(Log("test"), stream_);
    std::thread other([&] { refresher.request_key_frame(true); });
    for (size_t i = 0; i <= last; ++i) send(refresher, clip[i]);
    other.join();
  }
}

}  // namespace
}  // namespace callbot::feeds
