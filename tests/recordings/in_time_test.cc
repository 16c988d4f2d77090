// Sound and pictures of every participant stay together and with the time that passed, whatever
// their clocks do. Minutes of a call each, of marked media, faster than real time; named after the
// pains of users that they are about: drift (2), silence that shortens the sound (5), wrong
// durations and speeds (20).
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/senders.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;
constexpr double kTenMinutes = 600;
constexpr double kFiveMinutes = 300;

SentMember member(const std::string& id, TrackId first) {
  return {.id = id,
          .tracks = {{.kind = kAudio, .id = first, .report_every = 5},
                     {.kind = kVideo, .id = first + 1, .report_every = 1}}};
}

// Both clocks of a machine that is so much fast.
SentMember fast(double ppm) {
  SentMember alice = member("alice", 1);
  alice.ntp_ppm = ppm;
  for (SentTrack& track : alice.tracks) track.rtp_ppm = ppm;
  return alice;
}

std::function<double(double)> jitter(double most, unsigned seed) {
  return [most, random = std::mt19937(seed)](double) mutable {
    return std::uniform_real_distribution<double>(0, most)(random);
  };
}

struct Errors {
  std::vector<MarkError> audio, video;
  Manifest manifest;
};

Errors errors_of(const Recorded& recorded, const SentMember& m) {
  Errors e{{}, {}, recorded.manifest};
  for (const SentTrack& t : m.tracks)
    (t.kind == kAudio ? e.audio : e.video) = mark_errors(recorded, m, t);
  return e;
}

Errors record(const SentMember& m, double seconds) {
  Feed feed;
  add(feed, m, seconds);
  EXPECT_TRUE(feed.run(seconds + 0.5));
  return errors_of(Recorded(feed.folder()), m);
}

// Within 20 ms of each other, and of the wall clock as far as the path lets one know it.
void expect_together(const Errors& e, double from, double to, double off_the_wall = 0.04) {
  const double audio = error_between(e.audio, from, to);
  const double video = error_between(e.video, from, to);
  EXPECT_LT(std::abs(audio - video), 0.02) << from << ": " << audio << " " << video;
  EXPECT_LT(std::abs(audio), off_the_wall) << from;
}

void expect_together_all_along(const Errors& e, double seconds, double off_the_wall = 0.04) {
  for (const double from : {5.0, seconds / 2, seconds - 20})
    expect_together(e, from, from + 15, off_the_wall);
}

TEST(Pain02, ASenderClock200PpmFastStaysInSyncForTenMinutes) {
  const Errors e = record(fast(200), kTenMinutes);
  expect_together_all_along(e, kTenMinutes, 0.02);
  for (const Track& track : e.manifest.tracks) {
    EXPECT_EQ(track.anchors, 0u) << "moved slowly";
    EXPECT_GT(track.sender_reports, 100u);
    ASSERT_TRUE(track.drift_ppm);
    EXPECT_NEAR(*track.drift_ppm, 0, 1) << "both of its clocks are as fast";
  }
}

TEST(Pain02, ASenderClock200PpmSlowStaysInSyncForTenMinutes) {
  expect_together_all_along(record(fast(-200), kTenMinutes), kTenMinutes, 0.02);
}

TEST(Pain02, AudioAndVideoClocksOfDifferentRatesStayTogether) {
  SentMember alice = member("alice", 1);
  alice.tracks[0].rtp_ppm = 200;
  alice.tracks[1].rtp_ppm = -150;
  const Errors e = record(alice, kTenMinutes);
  expect_together_all_along(e, kTenMinutes, 0.02);
  EXPECT_NEAR(e.manifest.tracks[0].drift_ppm.value_or(0), 200, 2);
  EXPECT_NEAR(e.manifest.tracks[1].drift_ppm.value_or(0), -150, 2);
}

TEST(Pain02, ParticipantsWhoseClocksDriftApartStayTogether) {
  SentMember alice = fast(200);
  SentMember bob = member("bob", 3);
  bob.ntp_ppm = bob.tracks[0].rtp_ppm = bob.tracks[1].rtp_ppm = -200;
  Feed feed;
  for (SentMember* m : {&alice, &bob}) {
    m->tracks.resize(m == &alice ? 2 : 1);
    m->tracks[0].delay = jitter(0.03, 5);
    add(feed, *m, kFiveMinutes);
  }
  ASSERT_TRUE(feed.run(kFiveMinutes + 0.5));
  const Recorded recorded(feed.folder());
  const Errors a = errors_of(recorded, alice);
  const Errors b = errors_of(recorded, bob);
  expect_together_all_along(a, kFiveMinutes);
  for (const double from : {5.0, 150.0, 280.0}) {
    EXPECT_LT(
        std::abs(error_between(a.audio, from, from + 15) - error_between(b.audio, from, from + 15)),
        0.04)
        << from;
  }
}

// Pictures come late by what encoder and pacer make of them; the reports say so.
TEST(Pain02, PicturesThatComeLateAreBroughtToTheirSound) {
  SentMember alice = fast(100);
  alice.tracks[0].delay = jitter(0.05, 1);
  alice.tracks[1].delay = [j = jitter(0.05, 2)](double s) mutable { return 0.25 + j(s); };
  for (SentTrack& t : alice.tracks) t.report_error = 0.003;
  expect_together_all_along(record(alice, 180), 180);
}

TEST(Pain02, JitterOf50MsMovesNothing) {
  SentMember alice = fast(200);
  for (SentTrack& t : alice.tracks) t.delay = jitter(0.05, static_cast<unsigned>(t.id));
  expect_together_all_along(record(alice, kFiveMinutes), kFiveMinutes);
}

TEST(Pain02, LossOfFivePercentMovesNothing) {
  SentMember alice = fast(200);
  for (SentTrack& t : alice.tracks) {
    t.dropped = [random = std::mt19937(static_cast<unsigned>(t.id))](double) mutable {
      return random() % 20 == 0;
    };
  }
  expect_together_all_along(record(alice, 180), 180, 0.02);
}

TEST(Pain02, PicturesWithoutReportsStayWithTheirSound) {
  SentMember alice = fast(200);
  alice.tracks[1].report_every = 0;
  const Errors e = record(alice, kFiveMinutes);
  expect_together_all_along(e, kFiveMinutes);
  EXPECT_FALSE(e.manifest.tracks[1].drift_ppm);
  EXPECT_EQ(e.manifest.tracks[1].sender_reports, 0u);
}

TEST(Pain02, ASenderThatSetsItsWallClockMovesNothing) {
  for (const double step : {-3600.0, 0.3}) {
    SentMember alice = fast(50);
    alice.ntp_set = [step](double second) { return second < 60 ? 0 : step; };
    const Errors e = record(alice, 180);
    for (const double from : {5.0, 50.0, 62.0, 75.0, 100.0, 160.0})
      expect_together(e, from, from + 10);
  }
}

// A server between the two writes reports of its own, from what the network's jitter left of time.
TEST(Pain02, ReportsThatScatterMoveNothing) {
  SentMember alice = fast(100);
  for (SentTrack& t : alice.tracks) t.report_error = 0.015;
  expect_together_all_along(record(alice, 180), 180);
}

TEST(Pain05, AfterAMuteOf30SecondsTheSoundIsWhereItBelongs) {
  SentMember alice = fast(200);
  alice.tracks[0].dropped = [](double second) { return second >= 60 && second < 90; };
  const Errors e = record(alice, 150);
  for (const double from : {40.0, 90.0, 130.0}) expect_together(e, from, from + 10, 0.02);
  EXPECT_TRUE(e.manifest.tracks[0].stalls.empty()) << "its RTP time went on";
}

TEST(Pain05, AStallOfTheSenderIsFoundMarkedAndDoesNotShortenTheRecording) {
  for (const double reports : {5.0, 0.0}) {
    SentMember alice = fast(20);
    for (SentTrack& t : alice.tracks) {
      t.report_every = reports;
      t.stalls = {{60, 18}};
    }
    const Errors e = record(alice, 150);
    for (const double from : {40.0, 79.0, 90.0, 130.0}) expect_together(e, from, from + 10, 0.02);
    for (const Track& track : e.manifest.tracks) {
      ASSERT_EQ(track.stalls.size(), 1u) << reports;
      EXPECT_NEAR(static_cast<double>(track.stalls[0].from_ns) / 1e9, 60, 0.25);
      EXPECT_NEAR(static_cast<double>(track.stalls[0].to_ns.value_or(0)) / 1e9, 78, 0.25);
      EXPECT_EQ(track.anchors, 1u);
    }
  }
}

TEST(Pain05, AStallOfTheNetworkIsNoneOfTheSender) {
  SentMember alice = fast(20);
  for (SentTrack& t : alice.tracks) {
    t.delay = [](double second) {
      return second >= 60 && second < 78 ? (78 - second) * 0.98 : 0.0;
    };
  }
  const Errors e = record(alice, 120);
  for (const double from : {40.0, 62.0, 79.0, 100.0}) expect_together(e, from, from + 10, 0.02);
  for (const Track& track : e.manifest.tracks) {
    EXPECT_TRUE(track.stalls.empty());
    EXPECT_EQ(track.anchors, 0u);
  }
}

// Many stalls too short to be told from a slow network by arrival alone: the reports tell.
TEST(Pain05, ShortStallsDoNotAddUp) {
  SentMember alice = fast(0);
  alice.tracks[0].report_every = 1;
  for (int n = 0; n < 5; ++n) alice.tracks[0].stalls.push_back({40.0 + 20 * n, 0.2});
  const Errors e = record(alice, 160);
  expect_together(e, 140, 155);
}

TEST(Pain20, ADurationIsTheTimeThatPassed) {
  for (const double ppm : {400.0, -400.0}) {
    const Errors e = record(fast(ppm), kFiveMinutes);
    ASSERT_FALSE(e.audio.empty());
    EXPECT_NEAR(static_cast<double>(e.manifest.media.at(0).duration_ns.value_or(0)) / 1e9,
                kFiveMinutes, 0.25);
    EXPECT_NEAR(error_between(e.audio, 280, 300), 0, 0.02);
  }
}

TEST(Pain20, AnRtpClockThatBeginsAnewDoesNotMoveWhatFollows) {
  for (const double jump : {-1000.0, 1000.0}) {
    SentMember alice = fast(20);
    for (SentTrack& t : alice.tracks)
      t.rtp_jump = [jump](double second) { return second < 45 ? 0 : jump; };
    const Errors e = record(alice, 90);
    for (const double from : {20.0, 46.0, 70.0}) expect_together(e, from, from + 12, 0.02);
    for (const Track& track : e.manifest.tracks) {
      EXPECT_TRUE(track.stalls.empty());
      EXPECT_EQ(track.anchors, 1u);
    }
  }
}

}  // namespace
}  // namespace callbot::recordings
