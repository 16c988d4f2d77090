#include "quality/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/quality/watched_call.h"

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

constexpr double kNearly = 1e-6;

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
        "mute_leak", "video.freeze", "video.freeze_true", "video.pause", "video.arrival_freeze"})
    EXPECT_EQ(s.total(none), 0) << none;
  EXPECT_THAT(s.values("video.fps"), Each(30));
  EXPECT_GE(s.values("video.fps").size(), 11u);
  EXPECT_THAT(s.values("video.width"), ElementsAre(192));
  EXPECT_THAT(s.values("video.height"), ElementsAre(108));
  for (const char* interval : {"video.interval", "video.arrival_interval"}) {
    EXPECT_THAT(s.values(interval), SizeIs(359)) << interval;
    EXPECT_THAT(s.values(interval), Each(DoubleNear(1.0 / 30, 2e-5))) << interval;
  }
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
  EXPECT_EQ(s.of("video.vmaf").why, "nothing asks for it");
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

TEST(Watcher, AStreamThatGoesOnInAnotherCodecAndComesBackMissesNothing) {
  Measuring call(all());
  call.watch().expect("alice", alice());
  const auto part = [](uint32_t first) {
    VideoRecipe recipe = pictures(60);
    recipe.first_counter = first;
    auto frames = make_video(recipe);
    for (EncodedFrame& f : frames) {
      f.time_ns += static_cast<int64_t>(first) * 1'000'000'000 / 30;
      f.rtp_time += first * 3000;
    }
    return frames;
  };
  auto frames = part(0);
  for (EncodedFrame& f : part(120)) frames.push_back(std::move(f));
  call.add({video_track(1, "alice"), std::move(frames)});
  call.add({video_track(2, "alice"), part(60)});
  call.run(6.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.marked"), 180);
  EXPECT_EQ(s.total("video.expected"), 180);
  for (const char* none : {"video.missing", "video.freeze", "video.freeze_true", "video.pause",
                           "video.arrival_freeze", "video.duplicate", "video.reorder"})
    EXPECT_EQ(s.total(none), 0) << none;
  for (const char* once : {"join.first_rtp", "join.first_key_frame", "join.first_frame"})
    EXPECT_THAT(s.values(once), SizeIs(1)) << once;
}

// Two seconds of a camera, one of a screen in its place, and the camera again.
TEST(Watcher, WhatCoversACameraNeedNotBeRead) {
  for (const bool told : {true, false}) {
    auto frames = make_video(pictures(60));
    VideoRecipe bare = pictures(30), after = pictures(60);
    bare.marked = false;
    after.first_counter = 60;
    const auto append = [&](const VideoRecipe& recipe, int64_t seconds) {
      for (EncodedFrame& f : make_video(recipe)) {
        f.time_ns += seconds * 1'000'000'000;
        f.rtp_time += static_cast<uint32_t>(seconds) * 90000;
        frames.push_back(std::move(f));
      }
    };
    append(bare, 2);
    append(after, 3);
    Measuring call(all());
    call.watch().expect("alice", alice());
    call.add({video_track(1, "alice"), std::move(frames)});
    if (told) {
      call.at(1.5, [&] { call.watch().covered("alice", INT64_MAX); });
      call.at(2.2, [&] { call.watch().covered("alice", test::at_second(2.5)); });
    }
    call.run(5.5);
    const Snapshot s(call.watch());
    EXPECT_EQ(s.total("video.decoded"), 150);
    EXPECT_EQ(s.total("video.unread"), told ? 0 : 30);
    EXPECT_EQ(s.of("video.marked").state, told ? Measured::kOk : Measured::kInvalid);
    EXPECT_THAT(call.watch().senses().unread(), SizeIs(told ? 0 : 1));
    if (!told) continue;
    EXPECT_EQ(s.total("video.marked"), 120);
    EXPECT_EQ(s.total("video.missing"), 0);
  }
}

// Whatever is on it: a window with this very call, say.
TEST(Watcher, AScreenWithoutMarksIsNotJudgedByMarks) {
  Member member = alice();
  member.bare_screen = true;
  Measuring call(all());
  call.watch().expect("alice", member);
  call.watch().covered("alice", INT64_MAX);
  TrackInfo screen = video_track(1, "alice");
  screen.source = "screen";
  call.add({screen, make_video(pictures(60))});
  call.run(2.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.decoded", "screen"), 60);
  EXPECT_EQ(s.values("video.width", "screen").size(), 1u);
  for (const char* none : {"video.marked", "video.unread", "video.missing", "video.e2e_delay",
                           "video.psnr", "identity.wrong", "mute_leak"})
    for (const Series& one : s.all()) EXPECT_NE(one.metric, none);
  EXPECT_THAT(call.watch().presence(), IsEmpty());
  EXPECT_THAT(call.watch().senses().unread(), SizeIs(1)) << "pictures came all the same";
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
  // The table of metrics says the same of each.
  for (const Series& series : s.all()) {
    if (series.metric == "video.vmaf") continue;  // nothing asks for it
    const bool decoded = find_metric(series.metric)->looks > Looks::kHeaders;
    EXPECT_EQ(series.why.find("not decoded") != std::string::npos, decoded) << series.metric;
  }
}

TEST(Watcher, NoneLooksAtNothing) {
  WatchConfig config = all();
  config.verify = Verify::kNone;
  Measuring call(config);
  call.add({video_track(1, "alice"), make_video(pictures(30))});
  call.run(1.5);
  EXPECT_THAT(Snapshot(call.watch()).all(), SizeIs(1)) << "the queue's own overruns";
}

// Frames for three seconds, and a call of ten.
TEST(Watcher, WhatStandsStillToTheEndIsAFreezeUnlessItsSenderStopped) {
  struct {
    std::function<void(quality::Watch&)> told;
    double freeze;
  } const cases[] = {
      {[](quality::Watch&) {}, 7},
      {[](quality::Watch& w) { w.stopped("alice", "camera", at_second(3.1)); }, 0},
      {[](quality::Watch& w) { w.stopped("alice", "", at_second(3.1)); }, 0},
      {[](quality::Watch& w) { w.stopped("", "", at_second(3.1)); }, 0},
      {[](quality::Watch& w) { w.stopped("alice", "", at_second(6)); }, 3},
      {[](quality::Watch& w) { w.stopped("alice", "screen", at_second(3.1)); }, 7},
      {[](quality::Watch& w) { w.stopped("carol", "", at_second(3.1)); }, 7},
      {[](quality::Watch& w) {
         w.stopped("alice", "camera", at_second(1));
         w.begins_again("alice", "");
       },
       7},
  };
  for (const auto& one : cases) {
    Measuring call(test::all());
    call.watch().expect("alice", test::alice());
    call.add({.info = video_track(1, "alice"),
              .frames = make_video(test::pictures(90)),
              .end = 10,
              .dies = true});
    call.at(7, [&] { one.told(call.watch()); });
    call.run(10.5);
    const Snapshot s(call.watch());
    // Shown 140 ms after its capture, and a frame before three seconds.
    const double stood = one.freeze == 0 ? 0 : one.freeze - 0.14 + 1.0 / 30;
    EXPECT_NEAR(s.total("video.freeze"), stood, 1e-3);
    EXPECT_NEAR(s.total("video.freeze_true"), stood, 1e-3);
    EXPECT_NEAR(s.total("video.arrival_freeze"), stood == 0 ? 0 : stood + kLatency, 1e-3);
    EXPECT_EQ(s.total("video.missing") > 0, one.freeze > 0);
  }
}

TEST(Watcher, RotatesOverMembersFromKeyFrameToKeyFrame) {
  WatchConfig config = all(nullptr);
  config.verify = Verify::kRotate;
  config.rotation = std::make_shared<quality::Rotation>();
  config.window_ns = 2'000'000'000;
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
  // Nobody's first picture waits for its turn.
  EXPECT_THAT(call.watch().decoded(), SizeIs(3));
  for (const auto& first : call.watch().decoded()) EXPECT_LT(first.at_ns, test::at_second(0.2));
  double looked = 0;
  for (const auto& look : call.watch().looks())
    looked += static_cast<double>(look.to_ns - look.from_ns) / 1e9;
  EXPECT_LT(looked, 18.5);
  EXPECT_GT(looked, 12);
}

TEST(Watcher, WhatCountsFromAJoinCountsFromTheLaterOne) {
  Measuring call(all());
  Member member = alice();
  member.joined_ns = test::at_second(-0.1);  // bob was there at -0.5 s
  call.watch().expect("alice", member);
  call.add({video_track(1, "alice"), make_video(pictures(10))});
  call.run(1);
  const Snapshot s(call.watch());
  EXPECT_THAT(s.values("join.first_key_frame"), ElementsAre(DoubleNear(0.1 + kDelay, 1e-4)));
  EXPECT_THAT(s.values("join.first_frame"), ElementsAre(DoubleNear(0.1 + kDelay + kLatency, 1e-4)));
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
