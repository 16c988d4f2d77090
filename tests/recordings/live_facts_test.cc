#include "recordings/live_facts.h"

#include <gmock/gmock.h>

#include "tests/support/marked_media.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;
constexpr int64_t kMs = 1'000'000;

TEST(LiveFacts, CountWhatComesOnEachTrack) {
  LiveFacts facts;
  facts.began(video_track(3, "alice"));
  const EncodedFrame key{.bytes = {1, 2, 3}, .key = true};
  const EncodedFrame late{.bytes = {4, 5}, .after_gap = true};
  facts.count(3, arrived(key, 10), PictureSize{320, 180});
  facts.count(3, arrived(late, 20), {});
  facts.dropped(3, 7);
  facts.dropped(4, 7);  // nobody's
  facts.ended(4);
  auto stats = facts.stats();
  ASSERT_EQ(stats.tracks.size(), 1U);
  const TrackCounters& t = stats.tracks[0];
  EXPECT_EQ(t.info.id, 3U);
  EXPECT_EQ(t.info.participant, "alice");
  EXPECT_EQ(std::tuple(t.frames, t.key_frames, t.gaps, t.bytes, t.overflow),
            std::tuple(2U, 1U, 1U, 5U, 7U));
  EXPECT_EQ(std::tuple(t.width, t.height), std::tuple(320U, 180U));
  EXPECT_EQ(t.last_arrival_ns, 20);
  EXPECT_TRUE(t.live);
  facts.ended(3);
  EXPECT_FALSE(facts.stats().tracks[0].live);
}

TEST(LiveFacts, ExpectWhatMembersSaid) {
  LiveFacts facts;
  EXPECT_TRUE(facts.expects("alice", kVideo)) << "nothing was said";
  EXPECT_FALSE(facts.is_gone("alice"));
  facts.remember({.kind = EventKind::kState, .participant = "alice", .media = kVideo, .on = false});
  EXPECT_FALSE(facts.expects("alice", kVideo));
  EXPECT_TRUE(facts.expects("alice", kAudio));
  facts.remember({.kind = EventKind::kMemberLeft, .participant = "alice"});
  EXPECT_TRUE(facts.is_gone("alice"));
  facts.began(audio_track(1, "alice"));
  EXPECT_FALSE(facts.is_gone("alice"));
}

TEST(LiveFacts, KnowWhoSpeaks) {
  LiveFacts facts;
  int began = 0;
  for (int n = 0; n < 50; ++n)
    began +=
        facts.heard("alice", {.below_dbov = 20, .voice = true}, n * 20 * kMs).has_value() ? 1 : 0;
  EXPECT_EQ(began, 1);
  auto talkers = facts.stats().talkers;
  ASSERT_EQ(talkers.size(), 1U);
  EXPECT_TRUE(talkers[0].speaks);
  EXPECT_EQ(talkers[0].last_spoke_ns, 980 * kMs);
  EXPECT_TRUE(facts.settle(1000 * kMs).empty()) << "a pause so far";
  const auto ended = facts.settle(std::nullopt);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].first, "alice");
  EXPECT_EQ(ended[0].second.to_ns, 1000 * kMs) << "the last packet has 20 ms";
  EXPECT_FALSE(facts.stats().talkers[0].speaks);
}

TEST(LiveFacts, FilesHaveTheBytesTheyWereClosedWith) {
  LiveFacts facts;
  facts.file("media/alice-1.mkv", {}, 100);
  facts.file("media/bob-1.mkv", {});
  facts.closed("media/bob-1.mkv", 23);
  const auto stats = facts.stats();
  EXPECT_THAT(stats.files, ElementsAre("media/alice-1.mkv", "media/bob-1.mkv"));
  EXPECT_EQ(stats.bytes, 123U);
}

}  // namespace
}  // namespace callbot::recordings
