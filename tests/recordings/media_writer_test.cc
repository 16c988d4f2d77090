#include "recordings/media_writer.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

// `count` pictures that go on counting where others stopped, moved behind them in time.
EncodedFrames behind(const EncodedFrames& first, VideoRecipe next) {
  EncodedFrames all = first;
  const int64_t ns_each = 1'000'000'000 / next.fps;
  next.first_counter += static_cast<uint32_t>(first.size());
  for (EncodedFrame f : make_video(next)) {
    f.time_ns += static_cast<int64_t>(first.size()) * ns_each;
    f.rtp_time = f.time_ns * 90000 / 1'000'000'000;
    all.push_back(std::move(f));
  }
  return all;
}

void expect_whole(const Recorded& r, const std::string& who, int64_t frames, double seconds) {
  const Lane video = r.lane(who, kVideo);
  EXPECT_EQ(counters(video), counting(0, frames));
  EXPECT_EQ(undecodable_count(video), 0u);
  const Lane audio = r.lane(who, kAudio);
  EXPECT_EQ(packet_count(audio), static_cast<size_t>(seconds * 50));
  EXPECT_EQ(undecodable_count(audio), 0u);
  for (const Lane* lane : {&video, &audio}) {
    for (const LanePiece& p : lane->pieces) EXPECT_THAT(p.stream.backwards, IsEmpty());
  }
}

class EveryCodec : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(EveryCodec, OneFileHoldsAudioAndVideoAndAllOfItDecodes) {
  const auto [video, audio] = GetParam();
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice", video), make_video({.codec = video, .frames = 90})});
  feed.add({audio_track(2, "alice", audio), make_audio({.codec = audio, .seconds = 3})});
  ASSERT_TRUE(feed.run(3.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), ElementsAre("media/alice-1.mkv"));
  expect_whole(r, "alice", 90, 3);
  EXPECT_EQ(r.lane("alice", kVideo).codec(), video);
  EXPECT_EQ(r.lane("alice", kAudio).codec(), audio);
  const auto chirps = chirp_times(r.lane("alice", kAudio));
  ASSERT_THAT(chirps, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(chirps[i], static_cast<double>(i), 0.008);
}

INSTANTIATE_TEST_SUITE_P(MediaWriter, EveryCodec,
                         ::testing::Values(std::pair("vp8", "opus"), std::pair("vp9", "pcmu"),
                                           std::pair("h264", "pcma"), std::pair("h265", "g722")));

class SizeChange : public ::testing::TestWithParam<const char*> {};

TEST_P(SizeChange, StaysInTheSameFileAndBothSizesDecode) {
  const char* codec = GetParam();
  Feed feed;
  feed.member("alice");
  auto frames = make_video({.codec = codec, .width = 320, .height = 180, .frames = 45});
  frames = behind(frames, {.codec = codec, .width = 640, .height = 360, .frames = 45});
  frames = behind(frames, {.codec = codec, .width = 192, .height = 108, .frames = 30});
  feed.add({video_track(1, "alice", codec), frames});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(1));
  expect_whole(r, "alice", 120, 4);
  std::vector<int> widths;
  for (const auto& p : pictures(r.lane("alice", kVideo))) {
    if (widths.empty() || widths.back() != p.width) widths.push_back(p.width);
  }
  EXPECT_THAT(widths, ElementsAre(320, 640, 192));
  const auto sizes = r.of_kind(EventKind::kSize);
  ASSERT_THAT(sizes, SizeIs(3));
  EXPECT_EQ(sizes[1].width, 640u);
  EXPECT_EQ(sizes[1].height, 360u);
  EXPECT_NEAR(static_cast<double>(sizes[1].time_ns) / 1e9, 1.5, 0.002);
}

INSTANTIATE_TEST_SUITE_P(MediaWriter, SizeChange, ::testing::Values("vp8", "vp9", "h264", "h265"));

TEST(MediaWriter, H264ParameterSetsMayChangeWithoutTheSize) {
  Feed feed;
  feed.member("alice");
  auto frames = make_video({.codec = "h264", .fps = 30, .frames = 45});
  // Another frame rate makes another SPS (VUI timing).
  EncodedFrames next = make_video({.codec = "h264", .fps = 15, .frames = 30, .first_counter = 45});
  for (EncodedFrame& f : next) {
    f.time_ns += 1'500'000'000;
    f.rtp_time = f.time_ns * 9 / 100000;
    frames.push_back(f);
  }
  ASSERT_NE(parameter_sets("h264", frames[0].bytes), parameter_sets("h264", frames[45].bytes));
  feed.add({video_track(1, "alice", "h264"), frames});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 3})});
  ASSERT_TRUE(feed.run(3.6));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(1));
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(0, 75));
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
}

TEST(MediaWriter, VideoThatComesLateBeginsTheNextStretch) {
  Feed feed;
  feed.member("alice");
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
  feed.add({.info = video_track(1, "alice"), .frames = make_video({.frames = 60}), .start = 2});
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), ElementsAre("media/alice-1.mkv", "media/alice-2.mkv"));
  expect_whole(r, "alice", 60, 4);
  EXPECT_EQ(r.manifest.media[0].reason, "new-track");
  EXPECT_NEAR(pictures(r.lane("alice", kVideo)).front().time, 2.0, 0.002);
  const auto chirps = chirp_times(r.lane("alice", kAudio));
  for (size_t i = 0; i < chirps.size(); ++i)
    EXPECT_NEAR(chirps[i], std::round(chirps[i]), 0.01) << "sound moved where the files meet";
}

TEST(MediaWriter, AudioThatComesLateWaitsForTheKeyFrameItAskedFor) {
  std::vector<TrackId> asked;
  RecordingConfig config;
  config.want_key_frame = [&](TrackId track) { asked.push_back(track); };
  Feed feed(config);
  feed.member("alice");
  // Key frames at 0, 1.2, 2.4 ... s; the sound begins at 2.2 s.
  feed.add({video_track(1, "alice"), make_video({.frames = 120, .key_every = 36})});
  feed.add({.info = audio_track(2, "alice"), .frames = make_audio({.seconds = 1.8}), .start = 2.2});
  ASSERT_TRUE(feed.run(4.1));
  EXPECT_THAT(asked, ElementsAre(1u));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(2));
  expect_whole(r, "alice", 120, 1.8);
  EXPECT_THAT(r.lane("alice", kAudio).pieces, SizeIs(1));
  EXPECT_NEAR(r.lane("alice", kAudio).packet_times().front(), 2.2, 0.002);
}

TEST(MediaWriter, AudioThatComesLateGetsItsOwnFileIfNoKeyFrameComes) {
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 120})});
  feed.add({.info = audio_track(2, "alice"), .frames = make_audio({.seconds = 2}), .start = 2});
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(2));
  expect_whole(r, "alice", 120, 2);
  EXPECT_EQ(r.manifest.media[0].streams.size(), 1u);
  EXPECT_NEAR(r.lane("alice", kAudio).packet_times().front(), 2.0, 0.002);
}

TEST(MediaWriter, TheOtherTrackGoesOnWhenOneEnds) {
  Feed feed;
  feed.member("alice");
  feed.add({.info = video_track(1, "alice"), .frames = make_video({.frames = 45}), .end = 1.6});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(1));
  expect_whole(r, "alice", 45, 4);
  EXPECT_EQ(r.manifest.tracks[0].frames, 45u);
  EXPECT_EQ(r.manifest.tracks[0].key_frames, 1u);
}

// Silence suppression and a muted microphone send nothing for a while; RTP time goes on.
TEST(MediaWriter, AMuteStaysAGap) {
  Feed feed;
  feed.member("alice");
  auto sound = make_audio({.seconds = 5});
  sound = without(std::move(sound), 1'500'000'000, 3'500'000'000);
  feed.add({audio_track(2, "alice"), sound});
  feed.add({video_track(1, "alice"), make_video({.frames = 150})});
  ASSERT_TRUE(feed.run(5.1));
  const Recorded r(feed.folder());
  expect_whole(r, "alice", 150, 3);
  const auto chirps = chirp_times(r.lane("alice", kAudio));
  ASSERT_THAT(chirps, SizeIs(3));  // at 0, 1 and 4 s
  EXPECT_NEAR(chirps[2], 4.0, 0.01);
}

// Some senders stop their RTP clock while they are muted: arrival says when the sound belongs.
TEST(MediaWriter, ARtpClockThatStoodStillIsAnchoredAfresh) {
  Feed feed;
  feed.member("alice");
  auto sound = make_audio({.seconds = 4});
  feed.add({.info = audio_track(2, "alice"), .frames = sound, .delay = [](const EncodedFrame& f) {
              return f.time_ns >= 2'000'000'000 ? 3.0 : 0.0;
            }});
  feed.add({video_track(1, "alice"), make_video({.frames = 210})});
  ASSERT_TRUE(feed.run(7.1));
  const Recorded r(feed.folder());
  EXPECT_EQ(r.manifest.tracks[0].anchors + r.manifest.tracks[1].anchors, 1u);
  const auto chirps = chirp_times(r.lane("alice", kAudio));
  ASSERT_THAT(chirps, SizeIs(4));
  EXPECT_NEAR(chirps[1], 1.0, 0.01);
  EXPECT_NEAR(chirps[2], 5.0, 0.01);
  EXPECT_NEAR(chirps[3], 6.0, 0.01);
  const auto anchors = r.of_kind(EventKind::kAnchor);
  EXPECT_EQ(std::count_if(anchors.begin(), anchors.end(),
                          [](const Event& e) { return e.reason == "disagreement"; }),
            1);
}

// A network that stalls for 2 s and then delivers all it held: RTP time was right all along.
TEST(MediaWriter, AStalledNetworkMovesNothing) {
  Feed feed;
  feed.member("alice");
  const auto stall = [](const EncodedFrame& f) {
    const double t = static_cast<double>(f.time_ns) / 1e9;
    return t >= 2 && t < 4 ? (4 - t) * 0.98 : 0.0;
  };
  feed.add({.info = audio_track(2, "alice"), .frames = make_audio({.seconds = 6}), .delay = stall});
  feed.add(
      {.info = video_track(1, "alice"), .frames = make_video({.frames = 180}), .delay = stall});
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  expect_whole(r, "alice", 180, 6);
  const auto chirps = chirp_times(r.lane("alice", kAudio));
  ASSERT_THAT(chirps, SizeIs(6));
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(chirps[i], static_cast<double>(i), 0.01);
  const auto shown = pictures(r.lane("alice", kVideo));
  for (size_t i = 0; i < shown.size(); ++i)
    EXPECT_NEAR(shown[i].time, static_cast<double>(i) / 30, 0.002);
}

TEST(MediaWriter, ARtpClockThatJumpsGoesNeitherBackNorAway) {
  for (const int64_t jump : {90000 * 20, -90000 * 20}) {
    Feed feed;
    feed.member("alice");
    auto frames = make_video({.frames = 120});
    for (EncodedFrame& f : frames) {
      if (f.time_ns >= 2'000'000'000) f.rtp_time += jump;
    }
    feed.add({.info = video_track(1, "alice"), .frames = frames, .rtp_start = 90000 * 100});
    ASSERT_TRUE(feed.run(4.1));
    const Recorded r(feed.folder());
    const auto shown = pictures(r.lane("alice", kVideo));
    ASSERT_THAT(shown, SizeIs(120)) << jump;
    for (size_t i = 0; i < shown.size(); ++i)
      EXPECT_NEAR(shown[i].time, static_cast<double>(i) / 30, 0.06) << jump << " " << i;
    EXPECT_THAT(r.lane("alice", kVideo).pieces[0].stream.backwards, IsEmpty());
  }
}

TEST(MediaWriter, JitterOfTheNetworkDoesNotReachTheFile) {
  Feed feed;
  feed.member("alice");
  feed.add({.info = video_track(1, "alice"),
            .frames = make_video({.frames = 150}),
            .delay = [](const EncodedFrame& f) { return f.time_ns / 1'000'000 % 7 * 0.05; }});
  ASSERT_TRUE(feed.run(5.5));
  const Recorded r(feed.folder());
  const auto shown = pictures(r.lane("alice", kVideo));
  ASSERT_THAT(shown, SizeIs(150));
  for (size_t i = 0; i < shown.size(); ++i)
    EXPECT_NEAR(shown[i].time - shown[0].time, static_cast<double>(i) / 30, 0.002);
}

// All pictures arrive 200 ms too late; the sender's own clock says so after a second.
TEST(MediaWriter, PicturesAreBroughtToTheirSound) {
  for (const bool reports : {true, false}) {
    Feed feed;
    feed.member("alice");
    const auto ntp = [reports](const EncodedFrame& f) -> std::optional<int64_t> {
      if (!reports || f.time_ns < 1'000'000'000) return std::nullopt;
      return 3'900'000'000'000'000'000 + f.time_ns;
    };
    feed.add({.info = video_track(1, "alice"),
              .frames = make_video({.width = 192, .height = 108, .frames = 180}),
              .delay = [](const EncodedFrame&) { return 0.2; },
              .ntp = ntp});
    feed.add({.info = audio_track(2, "alice"), .frames = make_audio({.seconds = 6}), .ntp = ntp});
    ASSERT_TRUE(feed.run(6.3));
    const Recorded r(feed.folder());
    expect_whole(r, "alice", 180, 6);
    const auto shown = pictures(r.lane("alice", kVideo));
    EXPECT_NEAR(shown[15].time, 0.5 + 0.2, 0.003);
    EXPECT_NEAR(shown[90].time, 3.0 + (reports ? 0 : 0.2), 0.003);
    EXPECT_NEAR(shown[179].time, 179 / 30.0 + (reports ? 0 : 0.2), 0.003);
  }
}

TEST(MediaWriter, ANewSsrcGoesOnInTheSameFile) {
  for (const bool ended : {true, false}) {
    Feed feed;
    feed.member("alice");
    feed.add({.info = video_track(1, "alice"),
              .frames = make_video({.frames = 60}),
              .end = ended ? 2.0 : -1});
    feed.add({.info = video_track(3, "alice"),
              .frames = make_video({.frames = 60, .first_counter = 60}),
              .start = 2.05,
              .rtp_start = 4'000'000'000});
    feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
    ASSERT_TRUE(feed.run(4.2));
    const Recorded r(feed.folder());
    EXPECT_THAT(r.files(), SizeIs(1)) << ended;
    expect_whole(r, "alice", 120, 4);
    EXPECT_NEAR(pictures(r.lane("alice", kVideo))[60].time, 2.05, 0.002);
  }
}

TEST(MediaWriter, AnotherCodecBeginsTheNextStretch) {
  for (const bool ended : {true, false}) {
    Feed feed;
    feed.member("alice");
    feed.add({.info = video_track(1, "alice", "vp8"),
              .frames = make_video({.frames = 60}),
              .end = ended ? 2.0 : -1});
    feed.add({.info = video_track(3, "alice", "h264"),
              .frames = make_video({.codec = "h264", .frames = 60, .first_counter = 60}),
              .start = 2});
    feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
    ASSERT_TRUE(feed.run(4.1));
    const Recorded r(feed.folder());
    EXPECT_THAT(r.files(), SizeIs(2)) << ended;
    expect_whole(r, "alice", 120, 4);
    EXPECT_EQ(r.manifest.media[1].streams.size(), 2u) << "the old codec has no stream any more";
  }
}

TEST(MediaWriter, TheHeaderDoesNotWaitLongForAPromisedTrack) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.says("alice", 0, kAudio, true);
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 2})});
  uintmax_t early = 0;
  uintmax_t late = 0;
  const auto path = feed.folder() / "media/alice-1.mkv";
  feed.at(0.8, [&](Recording&) { early = fs::exists(path); });
  feed.at(1.01, [&](Recording&) { late = fs::exists(path) ? fs::file_size(path) : 0; });
  ASSERT_TRUE(feed.run(2.1));
  EXPECT_EQ(early, 0u);
  EXPECT_GT(late, 3000u);  // most of a second of Opus
  EXPECT_EQ(packet_count(Recorded(feed.folder()).lane("alice", kAudio)), 100u);
}

TEST(MediaWriter, TheHeaderWaitsForNothingThatIsOff) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, false);
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 1})});
  bool there = false;
  const auto path = feed.folder() / "media/alice-1.mkv";
  feed.at(0.1, [&](Recording&) { there = fs::exists(path); });
  ASSERT_TRUE(feed.run(1.1));
  EXPECT_TRUE(there);
}

TEST(MediaWriter, FramesBeforeTheFirstKeyFrameAreLeftOutAndCounted) {
  Feed feed;
  feed.member("alice");
  auto frames = make_video({.frames = 90, .key_every = 30});
  frames.erase(frames.begin(), frames.begin() + 10);
  feed.add({video_track(1, "alice"), frames});
  ASSERT_TRUE(feed.run(3.1));
  const Recorded r(feed.folder());
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(30, 60));
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
  EXPECT_EQ(r.manifest.tracks[0].skipped, 20u);
}

TEST(MediaWriter, AStretchEndsAtAKeyFrameAfterItsLimit) {
  RecordingConfig config;
  config.most_file_duration = std::chrono::seconds(2);
  Feed feed(config);
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 180, .key_every = 30})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 6})});
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(3));
  expect_whole(r, "alice", 180, 6);
}

TEST(MediaWriter, TwoVideosOfOneParticipantAreBothThere) {
  Feed feed;
  feed.member("alice");
  auto screen = video_track(3, "alice");
  screen.mid = "2";
  screen.source = "screen";
  feed.add({video_track(1, "alice"), make_video({.frames = 120})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
  feed.add({.info = screen, .frames = make_video({.frames = 60, .source = 2}), .start = 2});
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_EQ(packet_count(r.lane("alice", kVideo)), 180u);
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), 200u);
}

TEST(MediaWriter, WhoLeavesAndComesBackGetsANewFile) {
  Feed feed;
  feed.member("alice", 0, 2.1);
  feed.member("alice", 4, -1);
  feed.add({.info = video_track(1, "alice"), .frames = make_video({.frames = 60}), .end = 2});
  feed.add({.info = video_track(3, "alice"),
            .frames = make_video({.frames = 60, .first_counter = 60}),
            .start = 4});
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(2));
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(0, 120));
  EXPECT_THAT(r.manifest.participants[0].present, SizeIs(2));
  EXPECT_EQ(r.manifest.media[0].reason, "left");
}

TEST(MediaWriter, AFreshPeerConnectionGoesOnInTheSameFile) {
  Feed feed;
  feed.member("alice");
  feed.add({.info = video_track(1, "alice"), .frames = make_video({.frames = 60}), .end = 2});
  feed.add({.info = video_track(3, "alice"),
            .frames = make_video({.frames = 60, .first_counter = 60}),
            .start = 5});
  ASSERT_TRUE(feed.run(7.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(1));
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(0, 120));
  EXPECT_NEAR(pictures(r.lane("alice", kVideo))[60].time, 5.0, 0.002);
}

// Without tracks nobody beats any more, and the process may be killed hours later.
TEST(MediaWriter, WhatEndedIsOnDiskAtOnce) {
  for (const double seconds : {0.3, 3.0}) {  // before and after the header's deadline
    Feed feed;
    feed.member("alice");
    feed.add({.info = audio_track(2, "alice"),
              .frames = make_audio({.seconds = seconds}),
              .end = seconds});
    ASSERT_TRUE(feed.run(seconds, false));
    ASSERT_TRUE(feed.recording().end_track(2));
    feed.drop();
    EXPECT_EQ(packet_count(Recorded(feed.folder()).lane("alice", kAudio)),
              static_cast<size_t>(seconds * 50));
  }
}

TEST(MediaWriter, TwoOfTheSameNameHaveFilesOfTheirOwn) {
  Feed feed;
  for (TrackId id : {1, 2}) {
    auto track = audio_track(id, id == 1 ? "m1" : "m2");
    track.name = "Eve ../x";
    feed.add({track, make_audio({.seconds = 1})});
  }
  ASSERT_TRUE(feed.run(1.2));
  EXPECT_THAT(Recorded(feed.folder()).files(),
              ::testing::UnorderedElementsAre("media/Eve_.._x-1.mkv", "media/Eve_.._x_2-1.mkv"));
}

}  // namespace
}  // namespace callbot::recordings
