#include "bot/feed_source.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "recordings/probe.h"
#include "tests/support/call_room.h"
#include "tests/support/clips.h"
#include "tests/support/command_line.h"
#include "tests/support/recorded.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FeedCall : public test::CallRoom {
 protected:
  SendOptions feeding(const std::string& name) {
    auto options = small(name);
    options.feed.cache = folder_.path() / "cache";
    return options;
  }
  fs::path clip(const char* name, const test::ClipRecipe& recipe = {}) {
    fs::create_directories(folder_.path() / "clips");
    return test::pattern_clip(folder_.path() / "clips" / name, recipe);
  }
  // A recorder that is there before anything is sent, and what it has when the sender is done.
  test::Recorded recorded(SendOptions options) {
    auto& recorder = start(into_folder());
    EXPECT_TRUE(loop_.run_until(
        [&] { return host_.rooms().members("demo").size() == 1 || recorder.done; }, kPatience));
    auto& sender = start(std::move(options));
    EXPECT_TRUE(loop_.run_until([&] { return sender.done.has_value(); }, kPatience));
    if (sender.done && sender.done->error) ADD_FAILURE() << sender.done->error->message;
    const auto& done = stopped(recorder);
    EXPECT_FALSE(done.folder.empty());
    return test::Recorded(done.folder);
  }
};

TEST_F(FeedCall, AFileOfThreeRoundsArrivesWithEveryPicture) {
  auto options = feeding("film");
  options.feed.files = {clip("a.nut", {.seconds = 2})};
  options.feed.rounds = 3;
  const test::Recorded got = recorded(options);
  ASSERT_EQ(got.manifest.participants.size(), 1u);
  const std::string who = got.manifest.participants[0].id;
  std::vector<int64_t> expected;
  for (int round = 0; round < 3; ++round)
    for (int64_t n = 0; n < 60; ++n) expected.push_back(n);
  EXPECT_EQ(test::counters(got.lane(who, MediaKind::kVideo)), expected);
  const auto chirps = test::chirp_times(got.lane(who, MediaKind::kAudio));
  ASSERT_EQ(chirps.size(), 6u);
  // By arrival, which a busy machine delays; FileSourceTest is exact.
  for (size_t i = 1; i < 6; ++i) EXPECT_NEAR(chirps[i] - chirps[i - 1], 1, 0.1) << i;
}

TEST_F(FeedCall, APictureAndAPromptOfDifferentSourcesAreOneMember) {
  auto options = feeding("mixed");
  options.feed.sound = "dtmf:12,,,,";
  options.feed.rounds = 1;
  auto& recorder = start(into_folder());
  auto& sender = start(options);
  ASSERT_TRUE(tracks(recorder, 2));
  EXPECT_TRUE(loop_.run_until([&] { return sender.done.has_value(); }, kPatience));
  const auto& done = stopped(recorder);
  ASSERT_TRUE(done.verdict) << text(done);
  EXPECT_EQ(done.verdict->tracks.size(), 2u);
  EXPECT_EQ(test::Recorded(done.folder).manifest.participants.size(), 1u);
}

TEST_F(FeedCall, WhatCannotBeSentIsSaidBeforeAnybodyJoins) {
  std::ofstream(folder_.path() / "notes.txt") << "hello\n";
  const auto good = clip("a.nut").string();
  const struct {
    const char* says;
    ExitStatus status;
    std::function<void(SendOptions&)> change;
  } cases[] = {
      {"notes.txt", kExitUnmeasured,
       [&](auto& o) {
         o.feed.files = {good, (folder_.path() / "notes.txt").string()};
       }},
      {"none.mkv", kExitStorage,
       [&](auto& o) { o.feed.files = {(folder_.path() / "none.mkv").string()}; }},
      {"--at 9.0s: expected less than its 2.0 s", kExitUsage,
       [&](auto& o) { o.feed.files = {good}, o.feed.at = 9s; }},
      {"expected keys of 0-9", kExitUsage, [&](auto& o) { o.feed.sound = "dtmf:1!"; }},
      {"standard input is sent alone", kExitUsage,
       [&](auto& o) {
         o.feed.files = {"-", good};
       }},
  };
  for (const auto& one : cases) {
    auto options = feeding("bot");
    one.change(options);
    auto& sender = start(options);
    ASSERT_TRUE(loop_.run_until([&] { return sender.done.has_value(); }, kPatience)) << one.says;
    ASSERT_TRUE(sender.done->error) << one.says;
    EXPECT_THAT(sender.done->error->message, HasSubstr(one.says));
    EXPECT_EQ(sender.done->status, one.status) << one.says;
  }
  EXPECT_THAT(host_.rooms().members("demo"), IsEmpty());
}

TEST_F(FeedCall, InterruptedWhileItEncodesItEndsAtOnce) {
  auto options = feeding("film");
  options.feed.files = {test::converted(clip("a.nut", {.width = 1280, .height = 720, .seconds = 4}),
                                        folder_.path() / "a.mp4", {"-c:v", "libx264"})};
  auto& sender = *senders_.emplace_back(std::make_unique<Sender>());
  sender.send = std::make_unique<Send>(loop_, console_, options,
                                       [&](auto done) { sender.done = std::move(done); });
  sender.send->start();
  sender.send->interrupt();
  ASSERT_TRUE(loop_.run_until([&] { return sender.done.has_value(); }, kPatience));
  EXPECT_EQ(sender.done->status, kExitInterrupted);
  EXPECT_FALSE(fs::exists(options.feed.cache) && !fs::is_empty(options.feed.cache));
}

TEST_F(FeedCall, ASharedScreenChangesItsSize) {
  auto options = feeding("slides");
  options.feed.picture = "screen";
  options.feed.fps = true;
  options.fps = 5;
  options.width = 640;
  options.height = 360;
  auto& recorder = start(into_folder());
  start(options);
  ASSERT_TRUE(recorded_frames(recorder, 9 * 5 + 9 * 50));  // nine seconds of both
  const auto& done = stopped(recorder);
  const test::Recorded got(done.folder);
  std::set<int> widths;
  int64_t last = -1;
  for (const auto& picture :
       test::pictures(got.lane(got.manifest.participants[0].id, MediaKind::kVideo))) {
    ASSERT_TRUE(picture.mark);
    EXPECT_GT(static_cast<int64_t>(picture.mark->counter), last);
    last = picture.mark->counter;
    widths.insert(picture.width);
  }
  EXPECT_EQ(widths, (std::set<int>{480, 640}));
}

TEST(FeedPlan, PartsByWhatIsAskedFor) {
  const auto plan = [](std::vector<const char*> words) {
    words.insert(words.begin(), {"send", "ws://h/rooms/r"});
    const auto made = plan_feed(options<SendOptions>(words));
    EXPECT_TRUE(made) << made.error().message;
    std::string text;
    for (const auto& part : made->parts)
      text += std::string(part.items.empty() ? "pattern" : part.items[0].text) +
              (part.wish.video ? " v" : "") + (part.wish.audio ? " a" : "") + "; ";
    return text;
  };
  EXPECT_EQ(plan({}), "pattern v a; ");
  EXPECT_EQ(plan({"--audio", "none"}), "pattern v; ");
  EXPECT_EQ(plan({"--file", "x.mkv"}), "x.mkv v a; ");
  EXPECT_EQ(plan({"--file", "x.mkv", "--file", "y.mkv", "--audio", "pattern"}),
            "x.mkv v; pattern a; ");
  EXPECT_EQ(plan({"--file", "x.wav", "--video", "screen"}), "x.wav a; pattern v; ");
  EXPECT_EQ(plan({"--video", "black", "--audio", "silence"}), " v;  a; ");
  EXPECT_EQ(plan({"--audio", "dtmf:12#"}), "pattern v; 12# a; ");
  EXPECT_EQ(plan({"--file", "-"}), "- v a; ");
  EXPECT_THAT(complaint({"send", "ws://h/rooms/r", "--audio", "loud"}), HasSubstr("dtmf:KEYS"));
  EXPECT_THAT(complaint({"send", "ws://h/rooms/r", "--at", "soon"}), HasSubstr("--at"));
}

TEST(FeedPlan, PicturesOfFilesChangeOnlyWhereItIsAskedFor) {
  const auto plain = options<SendOptions>({"send", "ws://h/rooms/r", "--file", "x"});
  EXPECT_FALSE(plain.feed.size || plain.feed.fps || plain.feed.codec || plain.feed.bitrate);
  const auto asked =
      options<SendOptions>({"send", "ws://h/rooms/r", "--file", "x", "--size", "640x360", "--fps",
                            "15", "--codec", "vp9", "--bitrate", "1M"});
  EXPECT_TRUE(asked.feed.size && asked.feed.fps && asked.feed.codec && asked.feed.bitrate);
}

}  // namespace
}  // namespace callbot::bot
