// callbot compose: marked members in tiles, at their times, with their sound.
#include "recordings/compose.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "base/files.h"
#include "recordings/composer.h"
#include "recordings/lane_reader.h"
#include "tests/support/composed.h"
#include "tests/support/exported.h"
#include "tests/support/feed.h"
#include "tests/support/recorded.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int kWidth = 640, kHeight = 360;

Composed composed(const fs::path& folder, ComposeConfig config = {}) {
  config.folder = folder;
  if (config.width == 1280) config.width = kWidth, config.height = kHeight;
  auto done = compose(config);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return done ? *done : Composed{};
}

// The counter of the newest picture at or before each frame, as the recording itself says; -1:
// none.
std::vector<int64_t> due(const fs::path& folder, const std::string& id, int fps, int frames,
                         uint32_t first_counter = 0) {
  auto loaded = load(folder);
  auto reader = LaneReader::open(folder, loaded->manifest, id, MediaKind::kVideo);
  std::vector<int64_t> times;
  for (;;) {
    const auto packet = (*reader)->next();
    if (!packet || !packet->has_value()) break;
    times.push_back((*packet)->time_ns);
  }
  std::vector<int64_t> out;
  for (int n = 0; n < frames; ++n) {
    const int64_t now = n * 1'000'000'000LL / fps + 500'000;
    const auto next = std::upper_bound(times.begin(), times.end(), now) - times.begin();
    out.push_back(next == 0 ? -1 : first_counter + next - 1);
  }
  return out;
}

std::vector<std::string> names(int count) {
  std::vector<std::string> all = {"alice", "bob",   "carol", "dave", "erin",
                                  "frank", "grace", "heidi", "ivan"};
  all.resize(static_cast<size_t>(count));
  return all;
}

VideoRecipe small(uint16_t source, double seconds, int width = 192, int height = 108) {
  return {.width = width,
          .height = height,
          .frames = static_cast<int>(seconds * 30),
          .key_every = 30,
          .source = source};
}

// Nine members come one after another and leave in the same order from 4.6 s on. Member i has
// source i + 1 and chirps that no other member's touch.
constexpr double joins(int i) { return 4.0 * i / 9; }
constexpr double leaves(int i) { return 4.6 + 0.2 * i; }
struct NineMembers {
  Feed feed;
  NineMembers() {
    TrackId track = 1;
    for (int i = 0; i < 9; ++i) {
      const std::string id = names(9)[static_cast<size_t>(i)];
      const double from = joins(i);
      const double to = leaves(i);
      feed.member(id, from, to);
      feed.add({.info = video_track(track++, id),
                .frames = make_video(small(static_cast<uint16_t>(i + 1), to - from - 0.01)),
                .start = from + 0.005,
                .end = to});
      feed.add(
          {.info = audio_track(track++, id),
           .frames = make_audio(
               {.seconds = to - from - 0.03, .first_chirp = static_cast<uint64_t>(i), .tone = 0}),
           .start = from,
           .end = to});
    }
    feed.at(4, [](Recording& r) { r.note({.kind = EventKind::kMarker, .text = "Decision"}); });
    EXPECT_TRUE(feed.run(6.4));
  }
};

const fs::path& nine_members() {
  static NineMembers made;
  return made.feed.folder();
}

// The members that are there at each frame, in the order of joining.
std::vector<std::string> there_at(const Timeline& t, int64_t time_ns) {
  std::vector<std::string> out;
  for (const auto& p : t.participants) {
    for (const auto& s : p.present) {
      if (time_ns >= s.from_ns && time_ns < s.to_ns) out.push_back(p.id);
    }
  }
  return out;
}

TEST(Compose, AGridShowsOneToNineMembersMarksAtTheirPlacesAndTimes) {
  const auto file = composed(nine_members(), {.out = nine_members() / "exports/nine.mp4"});
  const Timeline timeline(load(nine_members())->manifest);
  std::map<std::string, std::vector<int64_t>> counters;
  for (const auto& id : names(9))
    counters[id] = due(nine_members(), id, 30, static_cast<int>(file.frames));
  std::set<size_t> counts;
  int next = 0;
  int wrong = 0;
  int seen = 0;
  each_frame(file.path, [&](const Shown& shown) {
    ASSERT_EQ(shown.number, next++);
    const auto there = there_at(timeline, shown.number * 1'000'000'000LL / 30);
    counts.insert(there.size());
    const auto places =
        arrange(ComposeLayout::kGrid, kWidth, kHeight, static_cast<int>(there.size()), -1);
    for (size_t i = 0; i < there.size(); ++i) {
      const int64_t counter = counters[there[i]][static_cast<size_t>(shown.number)];
      const auto mark = shown.mark(places[i]);
      if (counter < 0) {
        EXPECT_FALSE(mark) << there[i] << " frame " << shown.number;
        continue;
      }
      ++seen;
      const auto all = names(9);
      const auto source = std::find(all.begin(), all.end(), there[i]) - all.begin() + 1;
      wrong += !mark || mark->source != source || mark->counter != counter ? 1 : 0;
    }
  });
  EXPECT_EQ(next, file.frames);
  EXPECT_EQ(counts, (std::set<size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_GT(seen, 600);
  EXPECT_EQ(wrong, 0) << "of " << seen;
}

TEST(Compose, TheChirpsOfEverybodyAreInTheMixAtTheirTimes) {
  const auto file = composed(nine_members(), {.layout = ComposeLayout::kAudio,
                                              .out = nine_members() / "exports/nine.mp4"});
  EXPECT_EQ(file.frames, 0);
  const Exported heard(file.path);
  EXPECT_TRUE(heard.video.packets.empty());
  EXPECT_NEAR(heard.duration, 6.4, 0.1);
  std::vector<double> want;
  for (int i = 0; i < 9; ++i) {
    for (double at = joins(i); at + 0.08 < leaves(i) - 0.029; at += 1) want.push_back(at);
  }
  for (const double at : want) {
    const bool there = std::any_of(heard.audio.chirps.begin(), heard.audio.chirps.end(),
                                   [&](const auto& c) { return std::abs(c.time - at) < 0.02; });
    EXPECT_TRUE(there) << at;
  }
  EXPECT_GE(want.size(), 30u);
  EXPECT_EQ(heard.audio.chirps.size(), want.size());
}

TEST(Compose, TheSameRecordingGivesTheSameFileOnAnyNumberOfThreads) {
  for (const char* name : {"same.mp4", "same.webm"}) {
    const fs::path path = nine_members() / "exports" / name;
    std::set<std::string> files;
    for (const int threads : {1, 2, 5}) {
      composed(nine_members(),
               {.layout = ComposeLayout::kSpeaker, .out = path, .threads = threads});
      files.insert(*sha256_file(path));
    }
    EXPECT_EQ(files.size(), 1u) << name;
  }
}

TEST(Compose, EveryContainerIsWithoutFaultsAndHasItsIndexInFront) {
  const auto folder = nine_members() / "exports";
  for (const char* name : {"a.mp4", "a.webm", "a.mkv"}) {
    const auto file = composed(nine_members(), {.out = folder / name});
    EXPECT_EQ(faults(file.path), "") << name;
    const Exported what(file.path);
    EXPECT_EQ(static_cast<int64_t>(what.video.packets.size()), file.frames) << name;
    EXPECT_NEAR(what.duration, 6.4, 0.1) << name;
    EXPECT_TRUE(what.video.undecodable.empty());
  }
  for (const char* name : {"b.mp4", "b.webm", "b.mkv", "b.wav", "b.mp3", "b.opus"}) {
    const auto file =
        composed(nine_members(), {.layout = ComposeLayout::kAudio, .out = folder / name});
    EXPECT_EQ(faults(file.path), "") << name;
    EXPECT_NEAR(Exported(file.path).duration, 6.4, 0.1) << name;
  }
  const std::string bytes = *read_file(folder / "a.mp4", 1 << 24);
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
}

TEST(Compose, ChaptersTellWhoJoined) {
  for (const char* name : {"c.mp4", "c.webm"}) {
    const auto file = composed(nine_members(), {.out = nine_members() / "exports" / name});
    std::vector<std::string> titles;
    for (const Chapter& c : chapters_in(file.path)) titles.push_back(c.title);
    EXPECT_THAT(titles,
                ElementsAre("alice joined, bob joined, carol joined, dave joined, "
                            "erin joined",
                            "frank joined, grace joined, heidi joined, ivan joined", "Decision"))
        << name;
    EXPECT_NEAR(static_cast<double>(chapters_in(file.path).back().from_ns) / 1e9, 4.0, 0.002);
  }
}

// Alice's camera is off from 1 s to 2 s; Bob has none at all.
TEST(Compose, WhoseCameraIsOffIsAStill) {
  Feed feed;
  feed.member("alice");
  feed.member("bob");
  feed.says("alice", 0, MediaKind::kVideo, true, "camera");
  feed.says("alice", 1, MediaKind::kVideo, false);
  feed.says("alice", 2, MediaKind::kVideo, true, "camera");
  auto video = make_video(small(1, 3));
  video = without(std::move(video), 990'000'000, 1'990'000'000);
  feed.add({video_track(1, "alice"), video});
  feed.add({audio_track(2, "bob"), make_audio({.seconds = 3})});
  ASSERT_TRUE(feed.run(3.2));
  const auto file = composed(feed.folder());
  const auto places = arrange(ComposeLayout::kGrid, kWidth, kHeight, 2, -1);
  std::vector<int> marked;
  each_frame(file.path, [&](const Shown& shown) {
    if (shown.mark(places[0])) marked.push_back(shown.number);
    EXPECT_FALSE(shown.mark(places[1]));
    // A still is dark, with something bright in its middle.
    const Rect corner{places[1].x + 20, places[1].y + 20, 16, 16};
    EXPECT_NEAR(shown.mean(corner), 50, 6);
  });
  for (int n = 0; n < 30; ++n) EXPECT_THAT(marked, testing::Contains(n));
  for (int n = 30; n < 60; ++n) EXPECT_THAT(marked, testing::Not(testing::Contains(n)));
  for (int n = 60; n < 90; ++n) EXPECT_THAT(marked, testing::Contains(n));
}

TEST(Compose, ASharedScreenGetsTheLargePlaceInEveryLayout) {
  Feed feed;
  for (const char* id : {"alice", "bob", "carol"}) feed.member(id);
  TrackId track = 1;
  uint16_t source = 1;
  for (const char* id : {"alice", "bob", "carol"})
    feed.add({video_track(track++, id), make_video(small(source++, 3))});
  auto screen = video_track(track++, "bob");
  screen.source = "screen";
  screen.mid = "7";
  feed.add({.info = screen, .frames = make_video(small(9, 1.2, 320, 180)), .start = 1, .end = 2.2});
  ASSERT_TRUE(feed.run(3));
  for (const auto layout :
       {ComposeLayout::kGrid, ComposeLayout::kSpeaker, ComposeLayout::kSideBySide}) {
    const auto file = composed(feed.folder(), {.layout = layout});
    const auto with = arrange(layout, kWidth, kHeight, 4, 2);
    const int large = layout == ComposeLayout::kGrid ? -1 : 0;
    const auto without = arrange(layout, kWidth, kHeight, 3, large);
    each_frame(file.path, [&](const Shown& shown) {
      SCOPED_TRACE(testing::Message() << name_of(layout) << " frame " << shown.number);
      if (shown.number >= 33 && shown.number < 60) {
        const int wanted[] = {1, 2, 9, 3};
        for (size_t i = 0; i < 4; ++i) {
          const auto mark = shown.mark(with[i]);
          ASSERT_TRUE(mark) << i;
          EXPECT_EQ(mark->source, wanted[i]);
        }
      }
      if (shown.number > 2 && shown.number < 28) {
        for (size_t i = 0; i < 3; ++i) {
          const auto mark = shown.mark(without[i]);
          ASSERT_TRUE(mark) << i;
          EXPECT_EQ(mark->source, i + 1);
        }
      }
    });
  }
}

// One source a member, which is what callbot's own rooms have: camera, then screen, in one track.
TEST(Compose, AScreenInsteadOfTheCameraIsWhatItIsSaidToBe) {
  Feed feed;
  feed.member("alice");
  feed.member("bob");
  feed.says("alice", 0, MediaKind::kVideo, true, "camera");
  feed.says("alice", 1, MediaKind::kVideo, true, "screen");
  feed.add({video_track(1, "alice"), make_video(small(1, 2))});
  feed.add({video_track(2, "bob"), make_video(small(2, 2))});
  ASSERT_TRUE(feed.run(2));
  const auto file = composed(feed.folder());
  const auto two = arrange(ComposeLayout::kGrid, kWidth, kHeight, 2, -1);
  const auto three = arrange(ComposeLayout::kGrid, kWidth, kHeight, 3, 1);
  each_frame(file.path, [&](const Shown& shown) {
    SCOPED_TRACE(shown.number);
    if (shown.number > 1 && shown.number < 30) {
      EXPECT_EQ(shown.mark(two[0])->source, 1);
    }
    if (shown.number < 30) return;
    EXPECT_FALSE(shown.mark(three[0]));  // the person: a still
    ASSERT_TRUE(shown.mark(three[1]));
    EXPECT_EQ(shown.mark(three[1])->source, 1);
    EXPECT_EQ(shown.mark(three[2])->source, 2);
  });
}

// Alice is loud until 2 s, Bob from then until 4 s.
void two_speakers(Feed& feed) {
  TrackId track = 1;
  uint16_t source = 1;
  for (const char* id : {"alice", "bob", "carol"}) {
    feed.member(id);
    feed.add({video_track(track++, id), make_video(small(source++, 5))});
    const double from = source == 2 ? 0 : source == 3 ? 2 : 99;
    feed.add({audio_track(track++, id),
              make_audio({.seconds = 5,
                          .marked = false,
                          .tone = 0.2,
                          .change = [from](std::vector<float>& samples, double at) {
                            if (at >= from && at < from + 2) return;
                            std::fill(samples.begin(), samples.end(), 0.0F);
                          }})});
  }
  ASSERT_TRUE(feed.run(5));
}

TEST(Compose, WhoSpeaksIsLargeAndRinged) {
  Feed loud;
  two_speakers(loud);
  Feed told;  // that it is Carol who speaks
  for (const auto& [id, to_ns] :
       {std::pair<std::string, int64_t>{"alice", 1}, {"bob", 1}, {"carol", 4'900'000'000}}) {
    told.at(4.9, [id = id, to_ns = to_ns](Recording& r) {
      r.note({.kind = EventKind::kSpeech, .participant = id, .from_ns = 0, .to_ns = to_ns});
    });
  }
  two_speakers(told);
  const auto file = composed(loud.folder(), {.layout = ComposeLayout::kSpeaker});
  const auto said = composed(told.folder(), {.layout = ComposeLayout::kSpeaker});
  const auto source_of_large = [](const Shown& shown, int large) {
    const auto mark = shown.mark(
        arrange(ComposeLayout::kSpeaker, kWidth, kHeight, 3, large)[static_cast<size_t>(large)]);
    return mark ? static_cast<int>(mark->source) : 0;
  };
  each_frame(file.path, [&](const Shown& shown) {
    SCOPED_TRACE(shown.number);
    if (shown.number > 2 && shown.number < 60) {
      EXPECT_EQ(source_of_large(shown, 0), 1);
    }
    if (shown.number > 60 + 40 && shown.number < 149) {
      EXPECT_EQ(source_of_large(shown, 1), 2);
    }
    // The ring is much brighter than what is around the other tiles.
    const auto places = arrange(ComposeLayout::kSpeaker, kWidth, kHeight, 3, 0);
    const auto above = [&](size_t i) {
      return shown.mean({places[i].x + places[i].width / 2, places[i].y - 2, 16, 2});
    };
    if (shown.number > 10 && shown.number < 50) {
      EXPECT_GT(above(0), 90);
      EXPECT_LT(above(1), 40);
    }
  });
  each_frame(said.path, [&](const Shown& shown) {
    if (shown.number > 12 && shown.number < 149) {
      EXPECT_EQ(source_of_large(shown, 2), 3);
    }
  });
}

// From 16:9 to upright and to another size in the same track.
TEST(Compose, AChangeOfSizeStaysInItsTileAndInItsProportions) {
  for (const char* codec : {"vp8", "h264"}) {
    Feed feed;
    feed.member("alice");
    feed.member("bob");
    auto frames = make_video({.codec = codec, .width = 192, .height = 108, .frames = 30});
    auto upright = make_video(
        {.codec = codec, .width = 180, .height = 320, .frames = 30, .first_counter = 30});
    for (EncodedFrame& f : upright) {
      f.time_ns += 1'000'000'000;
      f.rtp_time += 90000;
      frames.push_back(std::move(f));
    }
    feed.add({video_track(1, "alice", codec), frames});
    feed.add({video_track(2, "bob"), make_video(small(2, 2))});
    ASSERT_TRUE(feed.run(2));
    const auto file = composed(feed.folder(), {.width = 1024, .height = 576});
    const auto places = arrange(ComposeLayout::kGrid, 1024, 576, 2, -1);
    const Rect tile = places[0];
    const int narrow = static_cast<int>(std::lround(tile.height * 180.0 / 320 / 2)) * 2;
    const Rect letterboxed{(tile.x + (tile.width - narrow) / 2) & ~1, tile.y, narrow, tile.height};
    each_frame(file.path, [&](const Shown& shown) {
      SCOPED_TRACE(testing::Message() << codec << " frame " << shown.number);
      const bool after = shown.number > 30;
      if (shown.number > 1 && shown.number != 30) {
        const auto mark = shown.mark(after ? letterboxed : tile);
        ASSERT_TRUE(mark);
        EXPECT_NEAR(mark->counter, shown.number, 1);
      }
      if (after) {
        EXPECT_NEAR(shown.mean({tile.x + 20, tile.y + 20, 40, tile.height - 60}), 50, 6);
        EXPECT_NEAR(shown.mean({tile.x + tile.width - 60, tile.y + 20, 40, tile.height - 60}), 50,
                    6);
      }
      const auto bob = shown.mark(places[1]);
      if (shown.number > 1) {
        EXPECT_TRUE(bob && bob->source == 2);
      }
    });
  }
}

TEST(Compose, NobodyHasAPictureAndStillThereIsOne) {
  Feed feed;
  feed.member("alice");
  feed.member("bob");
  feed.add({audio_track(1, "alice"), make_audio({.seconds = 2})});
  ASSERT_TRUE(feed.run(2));
  const auto file = composed(feed.folder());
  int frames = 0;
  each_frame(file.path, [&](const Shown& shown) {
    ++frames;
    EXPECT_LT(shown.mean({0, 0, kWidth, kHeight}), 80);
    EXPECT_GT(shown.mean({0, 0, kWidth, kHeight}), 20);
  });
  EXPECT_EQ(frames, 60);
  EXPECT_GE(Exported(file.path).audio.chirps.size(), 2u);
}

TEST(Compose, WhatIsDamagedOrMissingIsSaidAndTheRestIsThere) {
  Feed feed;
  for (const char* id : {"alice", "bob", "carol"}) feed.member(id);
  TrackId track = 1;
  uint16_t source = 1;
  for (const char* id : {"alice", "bob", "carol"}) {
    feed.add({video_track(track++, id), make_video(small(source++, 2))});
    feed.add({audio_track(track++, id), make_audio({.seconds = 2})});
  }
  ASSERT_TRUE(feed.run(2));
  fs::remove(feed.folder() / "media/alice-1.mkv");
  const fs::path bob = feed.folder() / "media/bob-1.mkv";
  {
    std::fstream file(bob, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(bob) / 2));
    file << std::string(2000, '\x5a');
  }
  const auto file = composed(feed.folder());
  EXPECT_THAT(file.notes, testing::Contains(HasSubstr("alice-1.mkv")));
  const auto places = arrange(ComposeLayout::kGrid, kWidth, kHeight, 3, -1);
  each_frame(file.path, [&](const Shown& shown) {
    EXPECT_FALSE(shown.mark(places[0]));
    if (shown.number > 1 && shown.number < 20) {
      EXPECT_TRUE(shown.mark(places[1]));
    }
    if (shown.number > 1) {
      EXPECT_TRUE(shown.mark(places[2]));
    }
  });
}

TEST(Compose, WhoAskedNotToBeRecordedIsNotShown) {
  Feed feed;
  feed.member("alice");
  feed.member("bob");
  feed.at(1, [](Recording& r) {
    r.note({.kind = EventKind::kConsent, .participant = "bob", .allowed = false});
  });
  feed.add({video_track(1, "alice"), make_video(small(1, 2))});
  feed.add({.info = video_track(2, "bob"), .frames = make_video(small(2, 1)), .end = 1});
  ASSERT_TRUE(feed.run(2));
  const auto file = composed(feed.folder());
  each_frame(file.path, [&](const Shown& shown) {
    const auto alone = shown.mark({0, 0, kWidth, kHeight});
    if (shown.number > 1) {
      EXPECT_EQ(alone.has_value(), shown.number >= 30) << shown.number;
    }
  });
}

TEST(Compose, WhatIsCutOutIsMissingInPictureAndSoundAlike) {
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video(small(1, 6))});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 6})});
  feed.at(1.5, [](Recording& r) { r.note({.kind = EventKind::kPaused, .policy = "cut"}); });
  feed.at(3.5, [](Recording& r) { r.note({.kind = EventKind::kResumed}); });
  feed.at(4, [](Recording& r) { r.note({.kind = EventKind::kMarker, .text = "After it"}); });
  ASSERT_TRUE(feed.run(6));
  const auto file = composed(feed.folder());
  EXPECT_EQ(file.frames, 120);
  const Exported what(file.path);
  EXPECT_NEAR(what.duration, 4, 0.05);
  std::vector<double> chirps;
  for (const auto& c : what.audio.chirps) chirps.push_back(c.time);
  EXPECT_THAT(chirps, ElementsAre(testing::DoubleNear(0, 0.02), testing::DoubleNear(1, 0.02),
                                  testing::DoubleNear(2, 0.02), testing::DoubleNear(3, 0.02)));
  each_frame(file.path, [&](const Shown& shown) {
    const auto mark = shown.mark({0, 0, kWidth, kHeight});
    ASSERT_TRUE(mark);
    EXPECT_NEAR(mark->counter, shown.number < 45 ? shown.number : shown.number + 60, 1);
  });
  const auto chapters = chapters_in(file.path);
  ASSERT_EQ(chapters.size(), 2u);
  EXPECT_NEAR(static_cast<double>(chapters[1].from_ns) / 1e9, 2, 0.002);
}

// Seventy members, and a screen of the last one.
TEST(Compose, MoreMembersThanTilesIsSaidAndTheScreenIsShown) {
  Feed feed;
  for (int i = 0; i < 70; ++i) feed.member("m" + std::to_string(i));
  auto screen = video_track(1, "m69");
  screen.source = "screen";
  feed.add({screen, make_video(small(7, 1))});
  ASSERT_TRUE(feed.run(1.2));
  const auto file = composed(feed.folder(), {.width = 1024, .height = 576});
  EXPECT_THAT(file.notes, ElementsAre(HasSubstr("more members than tiles")));
  const auto places = arrange(ComposeLayout::kGrid, 1024, 576, 13, 12);
  each_frame(file.path, [&](const Shown& shown) {
    if (shown.number > 1 && shown.number < 30) {
      EXPECT_TRUE(shown.mark(places[12])) << shown.number;
    }
  });
}

TEST(Compose, StoppedInTheMiddleItLeavesNothing) {
  const fs::path out = nine_members() / "exports/stopped.mp4";
  for (const double at : {0.0, 0.5, 0.99}) {
    const auto stopped =
        compose({.folder = nine_members(), .width = kWidth, .height = kHeight, .out = out},
                [&](double share) { return share < at; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::kInterrupted);
    EXPECT_FALSE(fs::exists(out));
    EXPECT_FALSE(fs::exists(out.string() + ".part"));
  }
}

TEST(Compose, ProgressGoesFromNothingToAll) {
  double last = 0;
  bool back = false;
  ASSERT_TRUE(compose({.folder = nine_members(),
                       .width = 320,
                       .height = 180,
                       .out = nine_members() / "exports/p.mp4"},
                      [&](double share) {
                        back = back || share < last;
                        last = share;
                        return true;
                      }));
  EXPECT_FALSE(back);
  EXPECT_GT(last, 0.95);
}

// Without pictures nothing else holds the mix back where the disk is slow.
TEST(Compose, SoundAloneWaitsForWhoWritesIt) {
  Feed feed;
  feed.member("alice");
  feed.add({audio_track(1, "alice"), make_audio({.seconds = 20})});
  ASSERT_TRUE(feed.run(20));
  const auto loaded = load(feed.folder());
  ASSERT_TRUE(loaded);
  const Timeline timeline(loaded->manifest);
  auto composer =
      Composer::begin({.config = {.folder = feed.folder(), .layout = ComposeLayout::kAudio},
                       .timeline = &timeline,
                       .frames = 600,
                       .audio_codec = "opus"});
  ASSERT_TRUE(composer) << composer.error().message;
  EXPECT_TRUE((*composer)->is_held_back(std::chrono::seconds(60)));
  size_t packets = 0;
  for (size_t track = 0;; ++packets) {
    const auto packet = (*composer)->next(track);
    ASSERT_TRUE(packet);
    if (!*packet) break;
  }
  EXPECT_NEAR(static_cast<double>(packets), 1000, 5);  // of 20 ms
}

TEST(Compose, SaysWhatIsWrong) {
  const auto error = [](ComposeConfig config) {
    auto done = compose(config);
    EXPECT_FALSE(done);
    return done ? Error{Code::kInternal, ""} : done.error();
  };
  const auto bad = error({.folder = nine_members(), .out = "/tmp/x.avi"});
  EXPECT_EQ(bad.code, Code::kUsage);
  EXPECT_THAT(bad.message, HasSubstr(".mp4, .webm, .mkv"));
  EXPECT_EQ(error({.folder = nine_members(), .out = "/tmp/x.mp3"}).code, Code::kUsage);
  EXPECT_EQ(error({.folder = "/nowhere"}).code, Code::kBadInput);
  EXPECT_EQ(error({.folder = nine_members(), .out = "/nowhere/x.mp4"}).code, Code::kStorage);
  Feed feed;
  ASSERT_TRUE(feed.run(1));
  EXPECT_EQ(error({.folder = feed.folder()}).code, Code::kUnmeasured);
}

}  // namespace
}  // namespace callbot::recordings
