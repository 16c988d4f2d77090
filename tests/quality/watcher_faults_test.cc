#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quality/watcher.h"
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
using ::testing::SizeIs;

TEST(WatcherFaults, CountsTheFramesThatAreMissing) {
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

TEST(WatcherFaults, CountsDuplicatesAndFramesOutOfOrder) {
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

TEST(WatcherFaults, TheFirstFramesMayComeOutOfOrder) {
  VideoRecipe recipe = pictures(60);
  recipe.mark = [](int n) -> std::optional<VideoMark> {
    return VideoMark{static_cast<uint32_t>(n == 0 ? 1 : n == 1 ? 0 : n), 1, 0};
  };
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(recipe)});
  call.run(2.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("video.reorder"), 1);
  EXPECT_EQ(s.total("video.missing"), 0);
  EXPECT_EQ(s.total("video.expected"), 60);
}

TEST(WatcherFaults, AFreezeLastsAsLongAsItWasMade) {
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
  // By their arrivals, whatever the playout's latency evens out.
  ASSERT_THAT(s.values("video.arrival_freeze"), SizeIs(1));
  EXPECT_NEAR(s.values("video.arrival_freeze")[0], 0.7 + 1.0 / 30, 1e-4);
  EXPECT_NEAR(static_cast<double>(s.of("video.arrival_freeze").samples[0].at_ns -
                                  at_second(149 / 30.0 + kDelay)) /
                  1e9,
              0, 1e-4);
  EXPECT_EQ(s.total("video.missing"), 0);
  EXPECT_EQ(s.total("video.pause"), 0);
}

TEST(WatcherFaults, APictureThatStandsStillBySameNumbersIsAFreezeOfTheMarksAlone) {
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

TEST(WatcherFaults, MoreThanFiveSecondsWithoutAFrameAreAPause) {
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

TEST(WatcherFaults, TooManyUnreadableMarksMakeWhatMarksSayInvalid) {
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

TEST(WatcherFaults, SomebodyElsesFramesAreCounted) {
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

TEST(WatcherFaults, MarksOfAMutedSenderAreALeak) {
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
    EXPECT_EQ(s.total("mute_leak"), leaks ? 59 : 0) << "frames 61 to 119";
    for (const char* freeze : {"video.freeze", "video.arrival_freeze"})
      EXPECT_EQ(s.total(freeze), 0) << "a muted camera is no freeze";
    EXPECT_EQ(s.total("video.missing"), 0);
  }
}

TEST(WatcherFaults, AScreenThatIsSharedWhileTheCameraIsOffIsNoLeak) {
  for (const double off : {0.0, 1.0}) {  // before it was shared, and after
    Measuring call(all());
    call.watch().expect("alice", {.sender = alice().sender, .screen = alice(2).sender});
    VideoRecipe recipe = pictures(120);
    recipe.source = 2;
    TrackInfo screen = video_track(1, "alice");
    screen.source = "screen";
    call.add({screen, without(make_video(recipe), 2'000'000'000, 3'000'000'000)});
    call.at(off, [&] { call.watch().muted("alice", MediaKind::kVideo, true, at_second(off)); });
    call.run(4.5);
    const Snapshot s(call.watch());
    EXPECT_EQ(s.total("mute_leak", "screen"), 0);
    EXPECT_NEAR(s.total("video.freeze", "screen"), 1, 0.1) << "it is measured all the same";
  }
}

TEST(WatcherFaults, ChirpsOfAMutedSenderAreALeakAndThoseItDoesNotSendNotMissing) {
  for (const bool leaks : {false, true}) {
    AudioRecipe recipe{.seconds = 14};
    if (!leaks)
      recipe.change = [](std::vector<float>& samples, double second) {
        if (second >= 4.5 && second < 8.5) std::fill(samples.begin(), samples.end(), 0.0F);
      };
    Measuring call(all());
    call.watch().expect("alice", alice());
    call.add({audio_track(2, "alice"), make_audio(recipe)});
    call.at(4.5, [&] { call.watch().muted("alice", MediaKind::kAudio, true, at_second(4.5)); });
    call.at(8.5, [&] { call.watch().muted("alice", MediaKind::kAudio, false, at_second(8.5)); });
    call.run(14.5);
    const Snapshot s(call.watch());
    EXPECT_EQ(s.total("mute_leak", "microphone"), leaks ? 4 : 0) << "chirps 5 to 8";
    EXPECT_EQ(s.total("audio.missing", "microphone"), 0);
    EXPECT_EQ(s.total("audio.duplicate", "microphone"), 0);
    EXPECT_EQ(s.total("audio.marked", "microphone"), leaks ? 14 : 10);
  }
}

TEST(WatcherFaults, EveryFramesDelayIsTheOneThatWasMade) {
  // Within the playout's latency, beyond it, and the fastest way.
  const auto made = [](int64_t n) { return n % 50 == 7 ? 0.18 : n % 9 == 4 ? 0.07 : kDelay; };
  const auto number = [](const EncodedFrame& f) {
    return (f.time_ns + 1'000'000) * 30 / 1'000'000'000;
  };
  Measuring call(all());
  call.watch().expect("alice", alice());
  call.add({video_track(1, "alice"), make_video(pictures(360)),
            [&](const EncodedFrame& f) { return made(number(f)); }});
  call.run(12.5);
  const Snapshot s(call.watch());
  const auto network = s.values("video.network_delay"), shown = s.values("video.e2e_delay");
  ASSERT_THAT(network, SizeIs(360));
  ASSERT_THAT(shown, SizeIs(360));
  std::vector<double> came, played;
  double last = 0;
  for (int64_t n = 0; n < 360; ++n) {
    const double captured = static_cast<double>(n) / 30;
    came.push_back(made(n));
    last = std::max({captured + kDelay + kLatency, captured + made(n), last});
    played.push_back(last - captured);
  }
  // Samples lie in the order of their times, which for arrivals is not that of the frames.
  std::vector<double> sorted = network;
  std::sort(sorted.begin(), sorted.end());
  std::sort(came.begin(), came.end());
  for (size_t n = 0; n < 360; ++n) {
    EXPECT_NEAR(sorted[n], came[n], 1e-4) << n;
    EXPECT_NEAR(shown[n], played[n], 1e-4) << n;
  }
  EXPECT_EQ(s.total("video.missing"), 0);
  EXPECT_EQ(s.total("video.freeze"), 0);
}

TEST(WatcherFaults, AConstantSkewIsTheOneThatWasMade) {
  for (const double skew : {-0.12, -0.03, 0.045, 0.4}) {
    Measuring call(all());
    call.watch().expect("alice", alice());
    call.add({video_track(1, "alice"), make_video(pictures(300)),
              [](const EncodedFrame&) { return 0.2; }});
    call.add({audio_track(2, "alice"), make_audio({.seconds = 10}),
              [&](const EncodedFrame&) { return 0.2 + skew; }});
    call.run(11);
    const Snapshot s(call.watch());
    EXPECT_THAT(s.values("av.skew", ""), SizeIs(10)) << skew;
    EXPECT_THAT(s.values("av.skew", ""), Each(DoubleNear(skew, 0.001)));
  }
}

TEST(WatcherFaults, SkewAndDriftAreThoseThatWereMade) {
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

TEST(WatcherFaults, LostSoundIsConcealedAndItsChirpsMissing) {
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

TEST(WatcherFaults, ASenderThatSaysNothingConcealsNothing) {
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

TEST(WatcherFaults, WhatDoesNotDecodeIsCounted) {
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

}  // namespace
}  // namespace callbot::test
