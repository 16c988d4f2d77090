#include "quality/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/support/measured.h"

namespace callbot::test {
namespace {

using quality::Member;
using quality::Verify;
using quality::WatchConfig;
using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr double kLatency = 0.1, kDelay = 0.04;  // seconds
constexpr double kNearly = 1e-6;

WatchConfig all(std::shared_ptr<const quality::SenderLog> log = log_of(1, 600)) {
  return {.actor = "bob",
          .verify = Verify::kAll,
          .latency_ns = 100'000'000,
          .joined_ns = at_second(-0.5),
          .log = std::move(log)};
}
Member alice(uint16_t source = 1) { return {.sender = {.source = source, .fps = 30}}; }

// Small, and every frame a key frame: what is dropped harms no other.
VideoRecipe pictures(int frames) {
  return {.width = 192, .height = 108, .frames = frames, .key_every = 1};
}

TEST(Watcher, OfACleanCallEveryNumberIsRight) {
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(pictures(360))});
  call.add({audio_track(2, "alice"), make_audio({.seconds = 12})});
  call.run(12.5);
  const Snapshot s(call.watch());

  EXPECT_EQ(s.total("video.frames"), 360);
  EXPECT_EQ(s.total("video.key_frames"), 360);
  EXPECT_EQ(s.total("video.decoded"), 360);
  EXPECT_EQ(s.total("video.undecodable"), 0);
  EXPECT_EQ(s.total("video.marked"), 360);
  EXPECT_EQ(s.total("video.expected"), 360);
  for (const char* none :
       {"video.missing", "video.duplicate", "video.reorder", "video.unread", "identity.wrong",
        "mute_leak", "video.freeze", "video.freeze_true", "video.pause"})
    EXPECT_EQ(s.total(none), 0) << none;
  EXPECT_THAT(s.values("video.fps"), Each(30));
  EXPECT_GE(s.values("video.fps").size(), 11u);
  EXPECT_THAT(s.values("video.width"), ElementsAre(192));
  EXPECT_THAT(s.values("video.height"), ElementsAre(108));
  EXPECT_THAT(s.values("video.interval"), Each(DoubleNear(1.0 / 30, 2e-5)));
  EXPECT_THAT(s.values("video.qp"), SizeIs(360));
  EXPECT_THAT(s.values("video.e2e_delay"), SizeIs(360));
  EXPECT_THAT(s.values("video.e2e_delay"), Each(DoubleNear(kDelay + kLatency, 2e-5)));
  EXPECT_THAT(s.values("video.network_delay"), Each(DoubleNear(kDelay, kNearly)));

  const char* mic = "microphone";
  EXPECT_EQ(s.total("audio.samples", mic), 12 * 48000);
  EXPECT_EQ(s.total("audio.concealed", mic), 0);
  EXPECT_EQ(s.total("audio.clip", mic), 0);
  EXPECT_EQ(s.total("audio.silence", mic), 0);
  EXPECT_EQ(s.total("audio.marked", mic), 12);
  EXPECT_EQ(s.total("audio.expected", mic), 12);
  EXPECT_EQ(s.total("audio.missing", mic), 0);
  EXPECT_EQ(s.total("audio.duplicate", mic), 0);
  EXPECT_THAT(s.values("audio.e2e_delay", mic), Each(DoubleNear(kDelay + kLatency, 0.001)));
  EXPECT_THAT(s.values("av.skew", ""), SizeIs(12));
  EXPECT_THAT(s.values("av.skew", ""), Each(DoubleNear(0, 0.001)));
  EXPECT_THAT(s.values("av.drift", ""), ElementsAre(DoubleNear(0, 0.001)));

  EXPECT_THAT(s.values("join.first_rtp"), ElementsAre(DoubleNear(0.54, kNearly)));
  EXPECT_THAT(s.values("join.first_key_frame"), ElementsAre(DoubleNear(0.54, kNearly)));
  EXPECT_THAT(s.values("join.first_frame"), ElementsAre(DoubleNear(0.64, kNearly)));
  EXPECT_EQ(s.total("bot.overruns", "", ""), 0);
  EXPECT_EQ(s.of("video.vmaf").state, Measured::kUnmeasured);
  EXPECT_THAT(s.of("video.vmaf").why, HasSubstr("libvmaf"));
  EXPECT_EQ(s.of("video.psnr").state, Measured::kUnmeasured);
  for (const Series& series : s.all()) {
    EXPECT_NE(find_metric(series.metric), nullptr) << series.metric;
    EXPECT_EQ(series.actor, "bob");
    EXPECT_EQ(series.why.empty(), series.state == Measured::kOk) << series.metric;
    EXPECT_TRUE(series.state == Measured::kOk || series.samples.empty()) << series.metric;
    EXPECT_TRUE(std::is_sorted(series.samples.begin(), series.samples.end(), [](auto& a, auto& b) {
      return a.at_ns < b.at_ns;
    })) << series.metric;
  }
}

TEST(Watcher, CountsTheFramesThatAreMissing) {
  auto frames = make_video(pictures(300));
  std::erase_if(frames, [](const EncodedFrame& f) {
    const auto n = (f.time_ns + 1'000'000) * 30 / 1'000'000'000;
    return n == 50 || (n >= 100 && n < 103) || n == 200;
  });
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), frames});
  call.run(10.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.frames"), 295);
  EXPECT_EQ(s.total("video.missing"), 5);
  EXPECT_EQ(s.total("video.expected"), 300);
  EXPECT_THAT(s.values("video.skip"), ElementsAre(1, 3, 1));
  EXPECT_EQ(s.total("video.freeze"), 0);
  // At the time of the frame that showed it.
  const auto& skips = s.of("video.skip").samples;
  EXPECT_NEAR(static_cast<double>(skips[1].at_ns - at_second(103 / 30.0 + kDelay + kLatency)) / 1e9,
              0, 1e-4);
}

TEST(Watcher, CountsDuplicatesAndFramesOutOfOrder) {
  VideoRecipe recipe = pictures(300);
  recipe.mark = [](int n) -> std::optional<VideoMark> {
    int shown = n;
    if (n == 40 || n == 41) shown = 39;  // twice more
    if (n == 120) shown = 121;           // changed places
    if (n == 121) shown = 120;
    if (n == 200) shown = 150;  // an old one again
    return VideoMark{static_cast<uint32_t>(shown), 1, 0};
  };
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(recipe)});
  call.run(10.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.duplicate"), 3);
  EXPECT_EQ(s.total("video.reorder"), 1);
  EXPECT_EQ(s.total("video.missing"), 3) << "40, 41 and 200";
}

TEST(Watcher, AFreezeLastsAsLongAsItWasMade) {
  Measuring call(all());
  call.watch().expect("alice", alice());
  Received track{video_track(1, "alice"), make_video(pictures(300))};
  // Frame 150 comes 700 ms late, those behind it wait for it.
  track.delay = [](const EncodedFrame& f) {
    const double t = static_cast<double>(f.time_ns) / 1e9;
    return t > 4.99 && t < 5.69 ? 5 + 0.7 + kDelay - t : kDelay;
  };
  call.add(track);
  call.run(10.8);
  const Snapshot s(call.watch());
  const double expected = 0.7 + 1.0 / 30 - kLatency;
  for (const char* metric : {"video.freeze", "video.freeze_true"}) {
    ASSERT_THAT(s.values(metric), SizeIs(1)) << metric;
    EXPECT_NEAR(s.values(metric)[0], expected, 1e-4) << metric;
    EXPECT_NEAR(static_cast<double>(s.of(metric).samples[0].at_ns -
                                    at_second(149 / 30.0 + kDelay + kLatency)) /
                    1e9,
                0, 1e-4);
  }
  EXPECT_EQ(s.total("video.missing"), 0);
  EXPECT_EQ(s.total("video.pause"), 0);
}

TEST(Watcher, APictureThatStandsStillBySameNumbersIsAFreezeOfTheMarksAlone) {
  VideoRecipe recipe = pictures(300);
  recipe.mark = [](int n) -> std::optional<VideoMark> {
    return VideoMark{static_cast<uint32_t>(n >= 150 && n < 180 ? 149 : n), 1, 0};
  };
  Measuring call(all());
  call.add({video_track(1, "alice"), make_video(recipe)});
  call.run(10.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.freeze"), 0);
  ASSERT_THAT(s.values("video.freeze_true"), SizeIs(1));
  EXPECT_NEAR(s.values("video.freeze_true")[0], 31 / 30.0, 1e-3);
  EXPECT_EQ(s.total("video.duplicate"), 30);
}

TEST(Watcher, MoreThanFiveSecondsWithoutAFrameAreAPause) {
  auto frames = make_video(pictures(360));
  std::erase_if(frames, [](const EncodedFrame& f) {
    return f.time_ns > 2'990'000'000 && f.time_ns < 8'990'000'000;
  });
  Measuring call(all());
  call.add({video_track(1, "alice"), frames});
  call.run(12.5);
  const Snapshot s(call.watch());
  EXPECT_THAT(s.values("video.pause"), ElementsAre(DoubleNear(6 + 1.0 / 30, 1e-3)));
  const auto fps = s.values("video.fps");
  EXPECT_EQ(std::count(fps.begin(), fps.end(), 0), 6) << "seconds without a frame are seen as such";
}

TEST(Watcher, TooManyUnreadableMarksMakeWhatMarksSayInvalid) {
  for (const bool many : {false, true}) {
    VideoRecipe recipe = pictures(300);
    recipe.mark = [many](int n) -> std::optional<VideoMark> {
      if (n > 0 && n % (many ? 30 : 100) == 0) return std::nullopt;
      return VideoMark{static_cast<uint32_t>(n), 1, 0};
    };
    Measuring call(all());
    call.watch().expect("alice", alice());
    call.add({video_track(1, "alice"), make_video(recipe)});
    call.run(10.5);
    const Snapshot s(call.watch());
    EXPECT_EQ(s.total("video.unread"), many ? 9 : 2);
    for (const char* metric :
         {"video.missing", "video.e2e_delay", "video.freeze_true", "video.marked"}) {
      const Series& series = s.of(metric);
      EXPECT_EQ(series.state, many ? Measured::kInvalid : Measured::kOk) << metric;
      if (many) {
        EXPECT_THAT(series.why, HasSubstr("9 of 300")) << metric;
      }
    }
    EXPECT_EQ(s.of("video.decoded").state, Measured::kOk);
  }
}

TEST(Watcher, PicturesWithoutMarksAreUnmeasured) {
  VideoRecipe recipe = pictures(60);
  recipe.marked = false;
  Measuring call(all());
  call.add({video_track(1, "alice"), make_video(recipe)});
  call.run(2.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.decoded"), 60);
  EXPECT_EQ(s.of("video.missing").state, Measured::kUnmeasured);
  EXPECT_THAT(s.of("video.missing").why, HasSubstr("no picture carried"));
  EXPECT_THAT(s.of("video.missing").samples, IsEmpty());
}

TEST(Watcher, SomebodyElsesFramesAreCounted) {
  VideoRecipe recipe = pictures(150);
  recipe.mark = [](int n) -> std::optional<VideoMark> {
    return VideoMark{static_cast<uint32_t>(n), static_cast<uint16_t>(n >= 60 && n < 70 ? 9 : 1), 0};
  };
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(recipe)});
  call.run(5.5);
  EXPECT_EQ(Snapshot(call.watch()).total("identity.wrong"), 10);
  const auto spans = call.watch().presence();
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_EQ(spans[1].source, 9);
  EXPECT_NEAR(static_cast<double>(spans[1].to_ns - spans[1].from_ns) / 1e9, 9 / 30.0, 1e-3);
}

TEST(Watcher, MarksOfAMutedSenderAreALeak) {
  for (const bool leaks : {false, true}) {
    auto frames = make_video(pictures(180));
    // In order: nothing is captured from 2.0 to 4.0.
    if (!leaks)
      std::erase_if(frames, [](const EncodedFrame& f) {
        return f.time_ns > 2'000'000'000 && f.time_ns < 4'000'000'000;
      });
    Measuring call(all());
    call.watch().expect("alice", alice());
    call.add({video_track(1, "alice"), frames});
    call.at(2.01, [&] { call.watch().muted("alice", MediaKind::kVideo, true, at_second(2.01)); });
    call.at(3.99, [&] { call.watch().muted("alice", MediaKind::kVideo, false, at_second(3.99)); });
    call.run(6.5);
    const Snapshot s(call.watch());
    if (leaks)
      // Captured from frame 61 (2.033 s) on; the last under way came at 3.94 + 40 ms.
      EXPECT_NEAR(s.total("mute_leak"), 58, 2);
    else
      EXPECT_EQ(s.total("mute_leak"), 0);
    EXPECT_EQ(s.total("video.freeze"), 0) << "a muted camera is no freeze";
    EXPECT_EQ(s.total("video.missing"), 0);
  }
}

TEST(Watcher, SkewAndDriftAreThoseThatWereMade) {
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(pictures(600))});
  // The sound comes 80 ms later than the picture at first, and 1 ms more each second.
  Received sound{audio_track(2, "alice"), make_audio({.seconds = 20})};
  for (EncodedFrame& f : sound.frames) f.rtp_time += f.time_ns / 1'000'000'000 * 48;
  sound.delay = [](const EncodedFrame& f) {
    return kDelay + 0.08 + std::floor(static_cast<double>(f.time_ns) / 1e9) * 0.001;
  };
  call.add(sound);
  call.run(20.8);
  const Snapshot s(call.watch());
  const auto skew = s.values("av.skew", "");
  ASSERT_THAT(skew, SizeIs(20));
  for (size_t n = 0; n < skew.size(); ++n)
    EXPECT_NEAR(skew[n], 0.08 + 0.001 * static_cast<double>(n), 0.002) << n;
  EXPECT_THAT(s.values("av.drift", ""), ElementsAre(DoubleNear(0.06, 0.01)));
}

TEST(Watcher, LostSoundIsConcealedAndItsChirpsMissing) {
  auto sound = make_audio({.seconds = 12});
  // Half a second from 4.9 s on never comes, with the chirp of second 5.
  std::erase_if(sound, [](const EncodedFrame& f) {
    return f.time_ns >= 4'900'000'000 && f.time_ns < 5'400'000'000;
  });
  for (EncodedFrame& f : sound) f.after_gap = f.time_ns == 5'400'000'000;
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({audio_track(2, "alice"), sound});
  call.run(12.5);
  const Snapshot s(call.watch());
  const char* mic = "microphone";
  EXPECT_EQ(s.total("audio.concealed", mic), 24000);
  EXPECT_EQ(s.total("audio.concealment", mic), 1);
  EXPECT_EQ(s.total("audio.samples", mic), 12 * 48000) << "concealed ones included";
  EXPECT_EQ(s.total("audio.missing", mic), 1);
  EXPECT_EQ(s.total("audio.expected", mic), 12);
  EXPECT_EQ(s.total("audio.marked", mic), 11);
}

TEST(Watcher, ASenderThatSaysNothingConcealsNothing) {
  auto sound = make_audio({.seconds = 6});
  std::erase_if(sound, [](const EncodedFrame& f) {
    return f.time_ns >= 3'200'000'000 && f.time_ns < 3'900'000'000;
  });
  Measuring call(all());
  call.add({audio_track(2, "alice"), sound});
  call.run(6.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("audio.concealed", "microphone"), 0);
  ASSERT_THAT(s.values("audio.silence", "microphone"), SizeIs(1));
  EXPECT_NEAR(s.values("audio.silence", "microphone")[0], 0.7, 0.11);
}

TEST(Watcher, SizesAreToldAtEachChange) {
  auto frames = make_video(pictures(60));
  VideoRecipe large = pictures(60);
  large.width = 320, large.height = 180, large.first_counter = 60;
  for (EncodedFrame& f : make_video(large)) {
    f.time_ns += 2'000'000'000;
    f.rtp_time += 180000;
    frames.push_back(std::move(f));
  }
  for (const Verify level : {Verify::kAll, Verify::kHeaders}) {
    WatchConfig config = all();
    config.verify = level;
    Measuring call(config);
    call.add({video_track(1, "alice"), frames});
    call.run(4.5);
    const Snapshot s(call.watch());
    EXPECT_THAT(s.values("video.width"), ElementsAre(192, 320));
    EXPECT_THAT(s.values("video.height"), ElementsAre(108, 180));
    if (level == Verify::kAll) {
      EXPECT_EQ(s.total("video.missing"), 0);
    }
  }
}

TEST(Watcher, WhatDoesNotDecodeIsCounted) {
  auto frames = make_video(pictures(90));
  for (const size_t n : {30, 31, 60}) frames[n].bytes.resize(9);
  Measuring call(all());
  call.add({video_track(1, "alice"), frames});
  call.run(3.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.undecodable"), 3);
  EXPECT_EQ(s.total("video.decoded"), 87);
  EXPECT_EQ(s.total("video.missing"), 3);
}

TEST(Watcher, HeadersDecodeNothingAndSaySo) {
  WatchConfig config = all();
  config.verify = Verify::kHeaders;
  Measuring call(config);
  call.add({video_track(1, "alice"), make_video(pictures(90))});
  call.add({audio_track(2, "alice"), make_audio({.seconds = 3})});
  call.run(3.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.frames"), 90);
  EXPECT_THAT(s.values("video.qp"), SizeIs(90));
  EXPECT_EQ(s.total("audio.samples", "microphone"), 3 * 48000);
  for (const char* metric : {"video.decoded", "video.missing", "video.e2e_delay", "video.psnr",
                             "join.first_frame", "mute_leak"}) {
    EXPECT_EQ(s.of(metric).state, Measured::kUnmeasured) << metric;
    EXPECT_THAT(s.of(metric).why, HasSubstr("not decoded")) << metric;
    EXPECT_THAT(s.of(metric).samples, IsEmpty()) << metric;
  }
  EXPECT_EQ(s.of("audio.level", "microphone").state, Measured::kUnmeasured);
  EXPECT_THAT(call.watch().presence(), IsEmpty());
}

TEST(Watcher, NoneLooksAtNothing) {
  WatchConfig config = all();
  config.verify = Verify::kNone;
  Measuring call(config);
  call.add({video_track(1, "alice"), make_video(pictures(30))});
  call.run(1.5);
  EXPECT_THAT(Snapshot(call.watch()).all(), SizeIs(1)) << "the queue's own overruns";
}

TEST(Watcher, RotatesOverMembersFromKeyFrameToKeyFrame) {
  WatchConfig config = all(nullptr);
  config.verify = Verify::kRotate;
  config.rotation = std::make_shared<quality::Rotation>(2'000'000'000);
  std::vector<TrackId> asked;
  config.needs_key_frame = [&](TrackId track) { asked.push_back(track); };
  Measuring call(config);
  VideoRecipe recipe = pictures(540);
  recipe.key_every = 15;
  TrackId id = 0;
  for (const char* who : {"alice", "carol", "dave"}) {
    recipe.source = static_cast<uint16_t>(++id);
    call.add({video_track(id, who), make_video(recipe)});
  }
  call.run(18.5);
  const Snapshot s(call.watch());
  double decoded = 0;
  for (const char* who : {"alice", "carol", "dave"}) {
    EXPECT_EQ(s.total("video.frames", "camera", who), 540) << who;
    const double one = s.total("video.decoded", "camera", who);
    EXPECT_GT(one, 55) << who << " had no window";
    decoded += one;
    EXPECT_EQ(s.total("video.missing", "camera", who), 0)
        << "between two windows nothing is missing";
    EXPECT_EQ(s.total("video.undecodable", "camera", who), 0) << who;
    EXPECT_EQ(s.total("video.freeze", "camera", who), 0) << who;
  }
  EXPECT_LE(decoded, 545) << "one at a time";
  ASSERT_GE(asked.size(), 5u);
  EXPECT_EQ(asked[0], 1u);
  EXPECT_EQ(asked[1], 2u);
}

TEST(Watcher, APlannedSenderHasAnUncertainty) {
  auto plan = std::make_shared<quality::PlannedLog>();
  plan->set(1, {.start_ns = kCallStart_ns, .fps = 30, .uncertainty_ns = 12'000'000});
  Measuring call(all(plan));
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(pictures(60))});
  call.run(2.5);
  const Snapshot s(call.watch());
  EXPECT_THAT(s.values("video.e2e_delay"), Each(DoubleNear(kDelay + kLatency, 1e-4)));
  EXPECT_DOUBLE_EQ(s.of("video.e2e_delay").uncertainty, 0.012);
}

TEST(Watcher, ComparesWithWhatWasSent) {
  VideoRecipe recipe = pictures(60);
  // The usual picture, painted again.
  const auto paint = [](uint16_t source, uint32_t counter, const PictureView& p) {
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x)
        p.luma[static_cast<size_t>(y) * p.luma_stride + x] =
            static_cast<uint8_t>(40 + (x + y * 2 + static_cast<int>(counter) * 3) % 150);
    return write_video_mark(p, {counter, source, static_cast<uint8_t>(counter % 30 == 0)});
  };
  Member member = alice();
  member.painting = {.width = 192, .height = 108, .paint = paint, .every = 10};
  Measuring call(all());
  call.watch().expect("alice", member);
  call.add({video_track(1, "alice"), make_video(recipe)});
  call.run(2.5);
  const Snapshot s(call.watch());
  ASSERT_THAT(s.values("video.psnr"), SizeIs(6));
  EXPECT_THAT(s.values("video.psnr"), Each(::testing::AllOf(::testing::Gt(22), ::testing::Lt(60))));
  EXPECT_THAT(s.values("video.ssim"), Each(::testing::AllOf(::testing::Gt(0.8), ::testing::Lt(1))));
}

TEST(Watcher, PresenceSaysWhoWasSeenAndHeardWhen) {
  auto frames = make_video(pictures(240));
  std::erase_if(frames, [](const EncodedFrame& f) {
    return f.time_ns > 2'000'000'000 && f.time_ns < 5'000'000'000;
  });
  AudioRecipe sound{.seconds = 8};
  sound.change = [](std::vector<float>& samples, double second) {
    if (second >= 3 && second < 6) std::fill(samples.begin(), samples.end(), 0.0F);
  };
  Measuring call(all());
  call.add({video_track(1, "alice"), frames});
  call.add({audio_track(2, "alice"), make_audio(sound)});
  call.run(8.5);
  std::vector<double> seen, heard;
  for (const auto& span : call.watch().presence()) {
    EXPECT_EQ(span.from, "alice");
    auto& times = span.media == MediaKind::kVideo ? seen : heard;
    times.push_back(static_cast<double>(span.from_ns - kCallStart_ns) / 1e9 - kDelay - kLatency);
    times.push_back(static_cast<double>(span.to_ns - kCallStart_ns) / 1e9 - kDelay - kLatency);
  }
  EXPECT_THAT(seen, ElementsAre(DoubleNear(0, 0.04), DoubleNear(2, 0.04), DoubleNear(5, 0.04),
                                DoubleNear(8, 0.04)));
  EXPECT_THAT(heard, ElementsAre(DoubleNear(0, 0.11), DoubleNear(3, 0.11), DoubleNear(6, 0.11),
                                 DoubleNear(8, 0.11)));
}

TEST(Watcher, WhatTheQueueHadNoRoomForIsCounted) {
  Measuring call(all());
  const auto writer = quality::make_watcher(call.watch());
  ASSERT_TRUE(writer->begin_track(video_track(1, "alice")));
  writer->overflow(1, 7);
  ASSERT_TRUE(writer->finish());
  EXPECT_EQ(Snapshot(call.watch()).total("bot.overruns", "", ""), 7);
}

TEST(Watcher, LevelsHaveNames) {
  EXPECT_EQ(quality::verify_level("rotate"), Verify::kRotate);
  EXPECT_STREQ(quality::name_of(Verify::kAll), "all");
  EXPECT_EQ(quality::verify_level("most"), std::nullopt);
}

}  // namespace
}  // namespace callbot::test
