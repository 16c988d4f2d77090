#include "bot/send.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "tests/support/call_room.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class SendTest : public test::CallRoom {
 protected:
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& member : host_.rooms().members("demo"))
      if (!member.recorder) all.push_back(member.name);
    return all;
  }
  bool done(const Sender& sender) {
    return loop_.run_until([&] { return sender.done.has_value(); }, kPatience);
  }
  bool room_is_empty() {
    return loop_.run_until([&] { return host_.rooms().members("demo").empty(); }, kPatience);
  }
};

TEST_F(SendTest, JoinsAsSoManyMembersWithNumberedNames) {
  auto options = small("bot");
  options.count = 3;
  auto& sender = start(options);
  ASSERT_TRUE(loop_.run_until([&] { return sender.send->joined() == 3; }, kPatience));
  EXPECT_THAT(names(), UnorderedElementsAre("bot-1", "bot-2", "bot-3"));
  ASSERT_TRUE(left(sender));
  EXPECT_EQ(sender.done->status, kExitGood);
  EXPECT_TRUE(room_is_empty());
}

TEST_F(SendTest, ASingleMemberHasThePlainName) {
  auto& sender = start(small("bot"));
  EXPECT_THAT(names(), UnorderedElementsAre("bot"));
  EXPECT_TRUE(left(sender));
}

TEST_F(SendTest, OneEncoderServesEveryPeer) {
  auto options = small("bot");
  options.count = 3;
  const int64_t begin = monotonic_ns();
  auto& sender = start(options);
  auto& first = start(into_folder());
  auto second_options = into_folder();
  second_options.join.name = "second";
  auto& second = start(second_options);
  ASSERT_TRUE(tracks(first, 6) && tracks(second, 6));
  EXPECT_EQ(sender.send->connected_legs(), 6u);
  const auto stats = sender.send->stats().video;
  const double seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
  EXPECT_LE(static_cast<double>(stats.encoded), seconds * options.fps + 1)
      << "six peers, and as many pictures as for one";
  for (const auto* done : {&stopped(first), &stopped(second)}) {
    ASSERT_TRUE(done->verdict) << text(*done);
    EXPECT_EQ(done->verdict->tracks.size(), 6u);
    for (const auto& track : done->verdict->tracks)
      EXPECT_EQ(track.marks_missing, 0u) << text(*done);
  }
}

TEST_F(SendTest, DurationEndsItWell) {
  auto options = small("bot");
  options.count = 2;
  options.duration = 300ms;
  auto& sender = start(options);
  ASSERT_TRUE(done(sender));
  EXPECT_EQ(sender.done->status, kExitGood);
  EXPECT_FALSE(sender.done->error) << sender.done->error->message;
  EXPECT_TRUE(room_is_empty());
}

TEST_F(SendTest, InterruptedBeforeItsDurationIsSaidSo) {
  auto options = small("bot");
  options.duration = 1h;
  auto& sender = start(options);
  ASSERT_TRUE(left(sender));
  EXPECT_EQ(sender.done->status, kExitInterrupted);
  sender.send->interrupt();  // once more is no harm
  EXPECT_TRUE(room_is_empty());
}

struct Media {
  const char* name;
  bool video, audio;
};

class SendMedia : public SendTest, public testing::WithParamInterface<Media> {};

TEST_P(SendMedia, SendsAndSaysOnlyWhatItHas) {
  auto options = small("bot");
  options.video = GetParam().video;
  options.audio = GetParam().audio;
  start(options);
  const auto members = host_.rooms().members("demo");
  ASSERT_EQ(members.size(), 1u);
  using State = signaling::Member::State;
  EXPECT_EQ(members[0].video, options.video ? State::kOn : State::kOff);
  EXPECT_EQ(members[0].audio, options.audio ? State::kOn : State::kOff);
  auto& recorder = start(into_folder());
  ASSERT_TRUE(tracks(recorder, 1));
  const auto& done = stopped(recorder);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  ASSERT_TRUE(done.verdict);
  ASSERT_EQ(done.verdict->tracks.size(), 1u) << text(done);
  EXPECT_EQ(done.verdict->tracks[0].media, options.video ? "video" : "audio");
}

INSTANTIATE_TEST_SUITE_P(Media, SendMedia,
                         testing::Values(Media{"AudioOnly", false, true},
                                         Media{"VideoOnly", true, false}),
                         [](const auto& media) { return std::string(media.param.name); });

TEST_F(SendTest, TheFirstMemberThatCannotJoinEndsAll) {
  auto options = small("bot");
  options.count = 3;
  options.join.url = "ws://127.0.0.1:1/rooms/demo";
  auto& sender = start(options);
  ASSERT_TRUE(done(sender));
  EXPECT_EQ(sender.done->status, kExitConnect);
  EXPECT_THAT(sender.done->error->message, HasSubstr("refused"));
}

TEST_F(SendTest, WhatCannotBeSentIsSaid) {
  const struct {
    const char* name;
    std::function<void(SendOptions&)> change;
    const char* says;
  } cases[] = {
      {"codec", [](SendOptions& o) { o.codec = "av1"; }, "av1"},
      {"size", [](SendOptions& o) { o.width = 3; }, "3x"},
      {"ICE server", [](SendOptions& o) { o.join.ice_servers = {"example.org"}; }, "example.org"},
      {"echo of a file",
       [](SendOptions& o) {
         o.feed.echo = "bob";
         o.feed.files = {"film.mp4"};
       },
       "--echo sends what another member sends"},
      {"echo of nothing",
       [](SendOptions& o) {
         o.feed.echo = "bob";
         o.video = o.audio = false;
       },
       "expected something to send"},
      {"URL", [](SendOptions& o) { o.join.url = "ftp://h/rooms/r"; }, "known: ws"},
  };
  for (const auto& one : cases) {
    auto options = small("bot");
    one.change(options);
    auto& sender = start(options);
    ASSERT_TRUE(done(sender)) << one.name;
    EXPECT_EQ(sender.done->status, kExitUsage) << one.name;
    EXPECT_THAT(sender.done->error->message, HasSubstr(one.says)) << one.name;
  }
  EXPECT_TRUE(room_is_empty());
}

}  // namespace
}  // namespace callbot::bot
