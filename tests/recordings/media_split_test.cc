// Files that end because of their length, or because somebody asked, and what is at the seam.
#include <gmock/gmock.h>

#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Ge;
using ::testing::SizeIs;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

// One key frame at the beginning and, where it is asked for, 100 ms after that: so the sender of
// this test answers. Frames are made with a key frame at every place where one may be asked for.
struct Asked {
  RecordingConfig config(RecordingConfig base = {}) {
    base.want_key_frame = [this](TrackId id) { tracks.push_back(id); };
    return base;
  }
  std::vector<TrackId> tracks;
};

void expect_seams(const Recorded& r, int frames, int packets) {
  EXPECT_EQ(counters(r.lane("alice", kVideo)), counting(0, frames));
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), static_cast<size_t>(packets));
  // Sound stays where it belongs: 20 ms apart, across the seams too.
  const auto times = r.lane("alice", kAudio).packet_times();
  for (size_t i = 1; i < times.size(); ++i) EXPECT_NEAR(times[i] - times[i - 1], 0.02, 0.0021) << i;
}

TEST(MediaSplit, ALimitAsksForTheKeyFrameThatTheNextFileBeginsWith) {
  Asked asked;
  Feed feed(asked.config({.most_file_duration = std::chrono::seconds(2)}));
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 180, .key_every = 65})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 6})});
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(asked.tracks, testing::Not(testing::IsEmpty()));
  EXPECT_THAT(asked.tracks, Each(1u));
  ASSERT_THAT(r.files(), SizeIs(3));
  EXPECT_EQ(r.manifest.media[0].reason, "limit");
  EXPECT_NEAR(static_cast<double>(r.manifest.media[1].offset_ns) / 1e9, 65 / 30.0 - 0.1, 0.01);
  expect_seams(r, 180, 300);
}

TEST(MediaSplit, AFileEndsWhenItIsTooLarge) {
  Feed feed({.most_file_bytes = 30'000});
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 180, .key_every = 30})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 6})});
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  ASSERT_THAT(r.files().size(), Ge(3u));
  for (size_t i = 0; i + 1 < r.manifest.media.size(); ++i)
    EXPECT_THAT(*r.manifest.media[i].bytes, Ge(30'000u));
  expect_seams(r, 180, 300);
}

TEST(MediaSplit, WhoAsksGetsNewFilesAtOnceAndOnlyOnce) {
  Asked asked;
  Feed feed(asked.config());
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 180, .key_every = 70})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 6})});
  feed.at(2.0, [](Recording& r) { r.split(); });
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  ASSERT_THAT(r.files(), SizeIs(2));
  EXPECT_EQ(r.manifest.media[0].reason, "split");
  EXPECT_THAT(asked.tracks, ElementsAre(1u));
  expect_seams(r, 180, 300);
}

TEST(MediaSplit, SoundThatComesLaterThanThePictureIsNotLostAtTheSeam) {
  Feed feed({.most_file_duration = std::chrono::seconds(2)});
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 180, .key_every = 30})});
  feed.add(
      {.info = audio_track(2, "alice"),
       .frames = make_audio({.seconds = 6}),
       .delay = [](const EncodedFrame& f) {  // from a stalled jitterbuffer, in bursts of 160 ms
         const double t = static_cast<double>(f.time_ns) / 1e9;
         return f.time_ns == 0 ? 0 : 0.16 - std::fmod(t, 0.16);
       }});
  ASSERT_TRUE(feed.run(6.3));
  const Recorded r(feed.folder());
  ASSERT_THAT(r.files().size(), Ge(3u));
  expect_seams(r, 180, 300);
}

TEST(MediaSplit, SoundAloneIsSplitToo) {
  Feed feed({.most_file_duration = std::chrono::seconds(2)});
  feed.member("alice");
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 6})});
  ASSERT_TRUE(feed.run(6.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(3));
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), 300u);
}

TEST(MediaSplit, TwoVideosTurnTogether) {
  Feed feed;
  feed.member("alice");
  auto screen = video_track(3, "alice");
  screen.mid = "2";
  screen.source = "screen";
  feed.add({video_track(1, "alice"), make_video({.frames = 120, .key_every = 66})});
  feed.add({screen, make_video({.frames = 120, .key_every = 70, .source = 2})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 4})});
  feed.at(2.0, [](Recording& r) { r.split(); });
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(2));
  EXPECT_EQ(packet_count(r.lane("alice", kVideo)), 240u);
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), 200u);
}

TEST(MediaSplit, WithoutTheKeyFrameOfOneVideoNothingIsSplitAndNothingLost) {
  Feed feed;
  feed.member("alice");
  auto screen = video_track(3, "alice");
  screen.mid = "2";
  screen.source = "screen";
  feed.add({video_track(1, "alice"), make_video({.frames = 120, .key_every = 66})});
  feed.add({screen, make_video({.frames = 120, .source = 2})});
  feed.at(2.0, [](Recording& r) { r.split(); });
  ASSERT_TRUE(feed.run(4.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(1));
  EXPECT_EQ(packet_count(r.lane("alice", kVideo)), 240u);
  EXPECT_EQ(undecodable_count(r.lane("alice", kVideo)), 0u);
}

TEST(MediaSplit, AVideoThatIsOffHoldsNobodyUp) {
  Feed feed;
  feed.member("alice");
  auto frames = make_video({.frames = 60});  // two seconds, then nothing
  feed.add({.info = video_track(1, "alice"), .frames = std::move(frames)});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 8})});
  feed.at(5.0, [](Recording& r) { r.split(); });
  ASSERT_TRUE(feed.run(8.1));
  const Recorded r(feed.folder());
  EXPECT_THAT(r.files(), SizeIs(2));
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), 400u);
  EXPECT_EQ(packet_count(r.lane("alice", kVideo)), 60u);
}

TEST(MediaSplit, TheEndInTheMiddleOfATurnKeepsWhatWasHeld) {
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 72, .key_every = 66})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 2.2})});
  feed.at(2.0, [](Recording& r) { r.split(); });
  ASSERT_TRUE(feed.run(2.21));
  const Recorded r(feed.folder());
  const auto lane = r.lane("alice", kVideo);
  EXPECT_EQ(counters(lane), counting(0, 67)) << "66 and its file, or the one before";
  EXPECT_EQ(packet_count(r.lane("alice", kAudio)), 110u);
}

TEST(MediaSplit, ATrackThatIsTakenOffAndPutOnAgainGoesOn) {
  Feed feed;
  feed.member("alice");
  const auto frames = make_video({.frames = 150, .key_every = 30});
  const EncodedFrames first(frames.begin(), frames.begin() + 60);
  EncodedFrames second(frames.begin() + 90, frames.end());
  feed.add({.info = video_track(1, "alice"), .frames = first, .end = 2.0});
  feed.add({.info = video_track(1, "alice"), .frames = second, .begin_early = -2.9});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 5})});
  ASSERT_TRUE(feed.run(5.1));
  const Recorded r(feed.folder());
  std::vector<int64_t> expected = counting(0, 60);
  for (const int64_t n : counting(90, 60)) expected.push_back(n);
  EXPECT_EQ(counters(r.lane("alice", kVideo)), expected);
  ASSERT_THAT(r.manifest.tracks, SizeIs(3)) << "two spans of the same track, and the sound";
  EXPECT_EQ(r.manifest.tracks[0].frames, 60u);
  EXPECT_EQ(r.manifest.tracks[2].frames, 60u);
}

}  // namespace
}  // namespace callbot::recordings
