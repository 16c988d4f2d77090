#include "recordings/damage.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/files.h"
#include "recordings/checks.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

Verdict judged(const Feed& feed) {
  auto verdict = verify(feed.folder());
  EXPECT_TRUE(verdict) << (verdict ? "" : verdict.error().message);
  return verdict ? *verdict : Verdict();
}

std::vector<DamageSpan> of_kind(const Verdict& verdict, const std::string& kind) {
  std::vector<DamageSpan> out;
  for (const DamageSpan& d : verdict.damage) {
    if (d.kind == kind) out.push_back(d);
  }
  return out;
}

Event on_track(EventKind kind, TrackId track) {
  Event event{.kind = kind};
  event.track = track;
  return event;
}

// The recording says "finished", but somebody's picture stood or was missing for minutes.
TEST(Pain11, AKeyFrameThatNeverCameIsOnTheDamageMap) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.add({video_track(1, "alice"), make_video(small_video(90))});
  feed.at(3.05, [](Recording& r) { r.note(on_track(EventKind::kKeyFrameWait, 1)); });
  ASSERT_TRUE(feed.run(12));
  const Verdict verdict = judged(feed);
  const auto waits = of_kind(verdict, "key-frame-wait");
  ASSERT_EQ(waits.size(), 1u) << to_text(verdict);
  EXPECT_EQ(waits[0].severity, Severity::kFail);
  EXPECT_EQ(waits[0].media, "video");
  EXPECT_EQ(waits[0].participant, "alice");
  EXPECT_NEAR(waits[0].from, 3.05, 0.001);
  EXPECT_NEAR(waits[0].to, 12, 0.001);
  EXPECT_NEAR(waits[0].value, 8.95, 0.002);
}

TEST(Pain11, OfATrackThatNeverShowedAPictureTheReasonIsSaid) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 8})});
  feed.at(0.5, [](Recording& r) { (void)r.begin_track(video_track(1, "alice")); });
  feed.at(0.5, [](Recording& r) { r.note(on_track(EventKind::kKeyFrameWait, 1)); });
  ASSERT_TRUE(feed.run(8.1));
  const Verdict verdict = judged(feed);
  ASSERT_EQ(verdict.findings.size(), 1u) << to_text(verdict);
  EXPECT_EQ(verdict.findings[0].code, "missing-track");
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("a key frame never came"));
  EXPECT_EQ(of_kind(verdict, "key-frame-wait").size(), 1u);
}

TEST(Pain07, APictureThatNeverCameIsOnTheMapFromEndToEnd) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 8})});
  ASSERT_TRUE(feed.run(8.1));
  const auto gaps = of_kind(judged(feed), "gap");
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].media, "video");
  EXPECT_EQ(gaps[0].severity, Severity::kFail);
  EXPECT_NEAR(gaps[0].length(), 8.1, 0.01);
}

TEST(Pain07, AParticipantWhoIsSilentAllTheTimeFailsAndIsOnTheMap) {
  Feed feed;
  for (const TrackId track : {1, 2}) {
    const std::string name = track == 1 ? "alice" : "bob";
    feed.member(name);
    feed.says(name, 0, kAudio, true);
    const auto mute = [track](std::vector<float>& s, double) {
      if (track == 2) std::fill(s.begin(), s.end(), 0.0f);
    };
    feed.add({audio_track(track, name), make_audio({.seconds = 6, .change = mute})});
  }
  ASSERT_TRUE(feed.run(6.1));
  const Verdict verdict = judged(feed);
  EXPECT_EQ(verdict.severity, Severity::kFail);
  const auto silent = of_kind(verdict, "silence");
  ASSERT_EQ(silent.size(), 1u) << to_text(verdict);
  EXPECT_EQ(silent[0].participant, "bob");
  EXPECT_NEAR(silent[0].length(), 6, 0.3);
}

TEST(Pain23, APictureThatWasSmallForSixSecondsIsOnTheMapAndNoFindingYet) {
  EncodedFrames frames;
  for (const int width : {192, 96}) {
    VideoRecipe recipe{.width = width, .height = width / 16 * 9, .fps = 10, .frames = 70};
    recipe.marked = false;
    for (EncodedFrame f : make_video(recipe)) {
      f.rtp_time += width == 96 ? 70 * 9000 : 0;
      f.time_ns += width == 96 ? 7'000'000'000 : 0;
      frames.push_back(std::move(f));
    }
  }
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.add({video_track(1, "alice"), frames});
  ASSERT_TRUE(feed.run(14.1));
  const Verdict verdict = judged(feed);
  EXPECT_TRUE(verdict.findings.empty()) << to_text(verdict);
  const auto low = of_kind(verdict, "low-layer");
  ASSERT_EQ(low.size(), 1u) << to_text(verdict);
  EXPECT_NEAR(low[0].from, 7, 0.2);
  EXPECT_NEAR(low[0].value, 0.25, 0.001);
  EXPECT_EQ(low[0].severity, Severity::kPass);
}

TEST(Damage, LossesLieWhereFramesAreMissing) {
  Feed feed;
  feed.member("alice");
  auto sound = make_audio({.seconds = 6});
  sound.erase(sound.begin() + 150, sound.begin() + 155);
  sound[150].after_gap = true;
  feed.add({audio_track(2, "alice"), sound});
  feed.at(5, [](Recording& r) {
    Event loss = on_track(EventKind::kLoss, 2);
    loss.count = 5;
    r.note(loss);
  });
  ASSERT_TRUE(feed.run(6.1));
  const auto losses = of_kind(judged(feed), "loss");
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_NEAR(losses[0].from, 2.98, 0.01);
  EXPECT_NEAR(losses[0].to, 3.10, 0.01);
  EXPECT_EQ(losses[0].value, 5);
}

TEST(Damage, AShortWaitAtTheBeginningIsListedAndNothingMore) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.add({.info = video_track(1, "alice"),
            .frames = make_video(small_video(90)),
            .start = 1.2,
            .begin_early = 1.1});
  feed.at(0.2, [](Recording& r) { r.note(on_track(EventKind::kKeyFrameWait, 1)); });
  feed.at(1.2, [](Recording& r) {
    Event found = on_track(EventKind::kKeyFrameFound, 1);
    found.duration_ns = 1'000'000'000;
    r.note(found);
  });
  ASSERT_TRUE(feed.run(4.3));
  const Verdict verdict = judged(feed);
  EXPECT_TRUE(verdict.findings.empty()) << to_text(verdict);
  EXPECT_EQ(of_kind(verdict, "key-frame-wait").size(), 1u);
}

// A wait too short for a finding of its own must not hide the gap that it is part of.
TEST(Damage, AShortWaitDoesNotHideAGap) {
  Feed feed;
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  auto recipe = small_video(150);
  recipe.key_every = 30;
  auto frames = make_video(recipe);
  frames.erase(frames.begin() + 60, frames.begin() + 90);
  feed.add({video_track(1, "alice"), frames});
  feed.at(3, [](Recording& r) {
    Event found = on_track(EventKind::kKeyFrameFound, 1);
    found.duration_ns = 300'000'000;
    r.note(found);
  });
  ASSERT_TRUE(feed.run(5.1));
  const Verdict verdict = judged(feed);
  ASSERT_EQ(verdict.findings.size(), 1u) << to_text(verdict);
  EXPECT_EQ(verdict.findings[0].code, "gap");
}

Lane stalled_lane(double seconds) {
  Lane lane{"m1", "Alice", kVideo, {{0, 60}}, {}, 0};
  ProbedStream stream;
  stream.media = kVideo;
  for (double t = 0; t < 60; t += 0.1) {
    if (t < 20 || t > 20 + seconds) stream.packets.push_back(t);
  }
  lane.pieces.push_back({"media/a.mkv", stream});
  lane.harm.stalls.push_back({20, 20 + seconds});
  return lane;
}

TEST(Damage, AStallIsReportedInPlaceOfTheGapItMakes) {
  for (const auto& [seconds, severity] :
       {std::pair(18.0, Severity::kFail), {1.0, Severity::kWarn}}) {
    const Lane lane = stalled_lane(seconds);
    Findings out;
    TrackMeasure measure;
    check_waits(lane, {}, out);
    check_coverage(lane, {}, measure, out);
    const auto findings = out.take();
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].code, "stall");
    EXPECT_EQ(findings[0].severity, severity);
    EXPECT_NEAR(measure.covered, 60 - seconds, 0.3);
    const auto damage = out.take_damage();
    ASSERT_EQ(damage.size(), 1u);
    EXPECT_EQ(damage[0].kind, "stall");
  }
}

TEST(Damage, OfVeryManySpansNearOnesArePutTogether) {
  std::vector<DamageSpan> spans;
  for (int i = 0; i < 10000; ++i) {
    DamageSpan s{.kind = "loss", .participant = "a", .media = "audio"};
    s.from = i;
    s.to = i + 0.1;
    s.value = 2;
    if (i == 5000) s.severity = Severity::kWarn;
    spans.push_back(s);
  }
  spans.push_back({.kind = "freeze", .participant = "a", .media = "video", .from = 1, .to = 4});
  const auto few = bounded(spans, 100);
  EXPECT_LE(few.size(), 101u);
  double packets = 0;
  uint64_t count = 0;
  bool warned = false;
  for (const DamageSpan& s : few) {
    if (s.kind != "loss") continue;
    packets += s.value;
    count += s.count;
    warned |= s.severity == Severity::kWarn;
  }
  EXPECT_EQ(packets, 20000);
  EXPECT_EQ(count, 10000u);
  EXPECT_TRUE(warned);
}

TEST(Damage, ItsLinesSayEachLaneOnce) {
  std::vector<DamageSpan> spans;
  spans.push_back({.kind = "loss", .name = "Al\u202eice", .media = "audio", .value = 12});
  spans.push_back({.kind = "loss", .name = "Al\u202eice", .media = "audio", .value = 3});
  spans.push_back({.kind = "clipping", .name = "Al\u202eice", .media = "audio", .value = 0.25});
  spans.push_back({.kind = "freeze", .name = "Bob", .media = "video", .value = 2.5});
  spans[3].participant = "m2";
  EXPECT_THAT(damage_lines(spans),
              ElementsAre("Al\\u202eice audio: loss 15 packets in 2 spans, clipping 25 %",
                          "Bob video: freeze 2.50 s"));
}

TEST(FormatDocument, NamesEveryKindOfDamageWithItsUnit) {
  const auto document = read_file(CALLBOT_SOURCE_DIR "/recordings/FORMAT.md", 1u << 20);
  ASSERT_TRUE(document);
  for (const DamageKind& kind : damage_kinds())
    EXPECT_THAT(*document, HasSubstr("| `" + std::string(kind.name) + "` | " + kind.unit + " |"));
}

}  // namespace
}  // namespace callbot::recordings
