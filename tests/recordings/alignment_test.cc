#include "recordings/alignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "tests/support/senders.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;

struct Errors {
  double live = 0, aligned = 0;  // seconds, the worst of all marks
};

struct Aligned {
  explicit Aligned(const std::vector<SentMember>& members, double seconds) {
    for (const SentMember& m : members) add(feed, m, seconds);
    EXPECT_TRUE(feed.run(seconds + 0.5));
    recorded.emplace(feed.folder());
    alignments = align(recorded->manifest, recorded->events);
  }
  const TrackAlignment& of(TrackId track) const {
    return *std::find_if(alignments.begin(), alignments.end(),
                         [track](const TrackAlignment& a) { return a.track == track; });
  }
  // Of the marks, as they lie in the one file and as they are aligned. The files begin with 0.
  Errors errors(const SentMember& member, const SentTrack& track) const {
    Errors worst;
    for (const MarkError& e : mark_errors(*recorded, member, track)) {
      const MediaFileFacts& file = recorded->manifest.media.at(0);
      const auto lane_ns = std::llround((e.second + e.error) * 1e9);
      const int64_t at = of(track.id).true_ns(file.path, lane_ns - file.offset_ns);
      worst.live = std::max(worst.live, std::abs(e.error));
      worst.aligned = std::max(worst.aligned, std::abs(static_cast<double>(at) * 1e-9 - e.second));
    }
    return worst;
  }
  Feed feed;
  std::optional<Recorded> recorded;
  std::vector<TrackAlignment> alignments;
};

SentMember alice() {
  return {.id = "alice",
          .tracks = {{.kind = MediaKind::kAudio, .id = 1, .report_every = 5},
                     {.kind = MediaKind::kVideo, .id = 2, .report_every = 1}}};
}

// What is only known later is right from the first frame on.
TEST(Alignment, IsBetterThanWhatCouldBeKnownLive) {
  SentMember m = alice();
  m.tracks[0].rtp_ppm = 150;
  m.tracks[0].delay = [](double second) { return second < 3 ? 0.12 : 0.0; };
  m.tracks[1].rtp_ppm = -50;
  m.tracks[1].delay = [](double) { return 0.3; };
  m.tracks[1].first_report = 6;
  const Aligned a({m}, 60);
  for (const SentTrack& track : m.tracks) {
    EXPECT_TRUE(a.of(track.id).by_reports);
    const Errors e = a.errors(m, track);
    EXPECT_GT(e.live, 0.1) << "nothing to gain";
    EXPECT_LT(e.aligned, 0.01) << track.id;
  }
}

TEST(Alignment, SaysWhatTheLiveOneSaysWhereThatIsRight) {
  SentMember m = alice();
  m.ntp_ppm = 200;
  for (SentTrack& t : m.tracks) {
    t.rtp_ppm = 200;
    t.delay = [random = std::mt19937(static_cast<unsigned>(t.id))](double) mutable {
      return std::uniform_real_distribution<double>(0, 0.05)(random);
    };
  }
  const Aligned a({m}, 300);
  for (const SentTrack& track : m.tracks) EXPECT_LT(a.errors(m, track).aligned, 0.02) << track.id;
}

TEST(Alignment, GoesOnOverStallsStepsAndBreaks) {
  SentMember m = alice();
  m.tracks[0].stalls = {{20, 8}};
  m.tracks[1].rtp_jump = [](double second) { return second < 45 ? 0.0 : -500.0; };
  m.ntp_set = [](double second) { return second < 70 ? 0.0 : 1800.0; };
  const Aligned a({m}, 100);
  for (const SentTrack& track : m.tracks) {
    const Errors e = a.errors(m, track);
    EXPECT_LT(e.aligned, 0.02) << track.id;
    EXPECT_EQ(a.of(track.id).stretches.size(), 2u);
  }
}

TEST(Alignment, LeavesATrackWithoutReportsWhereItIs) {
  SentMember m = alice();
  m.tracks[1].report_every = 0;
  const Aligned a({m}, 20);
  EXPECT_FALSE(a.of(2).by_reports);
  const std::string file = a.recorded->manifest.media.at(0).path;
  const int64_t offset = a.recorded->manifest.media.at(0).offset_ns;
  for (const int64_t ns : {0LL, 7'000'000'000LL, 19'000'000'000LL})
    EXPECT_NEAR(static_cast<double>(a.of(2).true_ns(file, ns)), static_cast<double>(offset + ns),
                2);
}

TEST(Alignment, AJournalWithNothingToAlignGivesNothing) {
  Manifest manifest;
  EXPECT_TRUE(align(manifest, {}).empty());
  manifest.tracks.push_back({.id = 1, .participant = "m1"});
  EXPECT_TRUE(align(manifest, {{.kind = EventKind::kAnchor, .track = 1, .file = "media/x.mkv"},
                               {.kind = EventKind::kSenderReport, .track = 1}})
                  .empty());
}

}  // namespace
}  // namespace callbot::recordings
