#include "bot/call.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/clock.h"
#include "tests/support/loopback.h"
#include "tests/support/room_host.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using pipelines::CountingSink;
using pipelines::Peer;
using signaling::Member;
using test::RawMember;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{60000};

// What a call tells, in order.
class Watch final : public CallEvents {
 public:
  std::vector<std::string> log;
  std::vector<TrackInfo> tracks;
  std::vector<signaling::LegId> up, troubled;
  std::optional<Result<>> how;

  bool has(const std::string& line) const {
    return std::find(log.begin(), log.end(), line) != log.end();
  }

 private:
  void joined(const std::string& self) override { log.push_back(self.empty() ? "?" : "joined"); }
  void member_joined(const Member& m) override { log.push_back("member " + m.name); }
  void member_changed(const Member&, const Member& after) override {
    log.push_back("changed " + after.name + (after.may_be_recorded ? " may" : " may not"));
  }
  void member_left(const Member& m) override { log.push_back("left " + m.name); }
  void connected(const std::string&, signaling::LegId leg) override {
    up.push_back(leg);
    log.push_back("connected");
  }
  void trouble(const std::string&, const Trouble& what) override {
    troubled.push_back(what.leg);
    log.push_back(std::string("trouble ") + name_of(what.error.code) +
                  (what.again ? " again" : ""));
  }
  void track_added(const TrackInfo& track, bool taken) override {
    tracks.push_back(track);
    log.push_back(std::string("track ") + name_of(track.kind) + (taken ? " taken" : " left alone"));
  }
  void track_removed(const TrackInfo& track) override {
    log.push_back(std::string("track-end ") + name_of(track.kind));
  }
  void chat(const Member& from, const std::string& text) override {
    log.push_back("chat " + from.name + ": " + text);
  }
  void file_begin(const Member& from, const FileBegin& file) override {
    log.push_back("file " + from.name + " " + file.name + " " + std::to_string(file.size));
  }
  void file_chunk(const Member&, const std::string& bytes) override {
    log.push_back("chunk " + bytes);
  }
  void file_end(const Member& from, const FileEnd* end) override {
    log.push_back("file-end " + from.name + (end != nullptr ? "" : " broken off"));
  }
  void interrupted(const std::string&) override { log.emplace_back("interrupted"); }
  void resumed() override { log.emplace_back("resumed"); }
  void done(Result<> result) override {
    log.emplace_back("done");
    how = std::move(result);
  }
};

// A member that a browser could be: the wire format by hand, media and a data channel by a Peer.
class HandMember final : public pipelines::PeerEvents {
 public:
  HandMember(Loop& loop, const std::string& url, const Json& join, const std::string& recorder,
             pipelines::Source* source)
      : raw(loop, url) {
    const Json joined = raw.join(join);
    for (size_t i = 0; i < joined.at("members").size(); ++i)
      if (joined.at("members").at(i).at("name").text() == recorder)
        to_ = joined.at("members").at(i).at("id").text().value_or("");
    pipelines::PeerConfig config;
    config.name = "hand";
    config.offers = true;
    config.source = source;
    auto made = Peer::create(loop, Log("hand"), config, *this);
    EXPECT_TRUE(made);
    peer = std::move(*made);
    channel = *peer->open_channel("callbot");
    peer->negotiate();
    turn_.every(5ms, [this] { turn(); });
  }
  void say(const Json& json) { EXPECT_TRUE(peer->send_message(channel, true, json.dump())); }

  RawMember raw;
  std::unique_ptr<Peer> peer;
  pipelines::ChannelId channel = 0;
  bool channel_open = false;

 private:
  void turn() {
    for (Json m = raw.pop(); !m.is_null(); m = raw.pop()) {
      const auto type = m.at("type").text();
      if (type == "answer") peer->remote_description(false, *m.at("sdp").text());
      if (type == "candidate")
        peer->remote_candidate(static_cast<uint32_t>(m.at("sdpMLineIndex").whole().value_or(0)),
                               m.at("sdpMid").text().value_or(""),
                               m.at("candidate").text().value_or(""));
    }
  }
  void local_description(bool, const std::string& sdp) override {
    raw.send(Json::object()
                 .set("type", "offer")
                 .set("to", to_)
                 .set("generation", 1)
                 .set("n", ++offers_)
                 .set("sdp", sdp));
  }
  void local_candidate(uint32_t mline, const std::string& mid, const std::string& text) override {
    raw.send(Json::object()
                 .set("type", "candidate")
                 .set("to", to_)
                 .set("generation", 1)
                 .set("candidate", text)
                 .set("sdpMid", mid)
                 .set("sdpMLineIndex", mline));
  }
  void connected() override {}
  void track_added(const TrackInfo&) override {}
  void track_removed(TrackId) override {}
  void key_frame_wait(TrackId) override {}
  void key_frame_found(TrackId, std::chrono::nanoseconds) override {}
  void size_changed(TrackId, uint32_t, uint32_t) override {}
  void channel_opened(pipelines::ChannelId, const std::string&) override { channel_open = true; }
  void channel_message(pipelines::ChannelId, bool, std::string) override {}
  void channel_closed(pipelines::ChannelId) override {}
  void needs_negotiation() override {}
  void failed(const Error& error) override { ADD_FAILURE() << error.message; }

  std::string to_;
  int offers_ = 0;
  Timer turn_;
};

class CallTest : public testing::Test {
 protected:
  struct OneCall {
    Watch watch;
    CountingSink sink;
    std::unique_ptr<Call> call;
  };

  CallConfig config(const std::string& name) {
    CallConfig c;
    c.join.url = host_.url();
    c.join.self.name = name;
    return c;
  }
  CallConfig sends(const std::string& name) {
    CallConfig c = config(name);
    c.join.self.sends = true;
    c.source = pattern_.get();
    return c;
  }
  CallConfig records(const std::string& name) {
    CallConfig c = config(name);
    c.join.self.recorder = c.join.self.receives = true;
    return c;
  }
  OneCall& make(CallConfig config) {
    auto& one = *calls_.emplace_back(std::make_unique<OneCall>());
    auto made = Call::create(loop_, Log("call"), std::move(config), one.watch);
    EXPECT_TRUE(made) << made.error().message;
    one.call = std::move(*made);
    one.call->add_sink(one.sink);
    return one;
  }
  OneCall& start(CallConfig config) {
    auto& one = make(std::move(config));
    one.call->start();
    EXPECT_TRUE(until([&] { return one.call->phase() != Phase::kJoining; }));
    return one;
  }
  bool until(const std::function<bool()>& condition) {
    return loop_.run_until(condition, kPatience);
  }
  bool until_says(const OneCall& one, const std::string& line) {
    return until([&] { return one.watch.has(line); });
  }
  bool flows(OneCall& one, MediaKind kind) {
    const uint64_t before = one.sink.frames(kind);
    return until([&] { return one.sink.frames(kind) >= before + 10; });
  }

  Loop loop_;
  test::RoomHost host_{loop_};
  std::unique_ptr<pipelines::TestPattern> pattern_ = pipelines::small_pattern(loop_);
  std::vector<std::unique_ptr<OneCall>> calls_;
};

TEST_F(CallTest, JoinsBringsFramesToItsSinksAndLeaves) {
  auto& alice = start(sends("alice"));
  auto& bot = make(records("bot"));
  EXPECT_EQ(bot.call->phase(), Phase::kNew);
  bot.call->start();
  EXPECT_EQ(bot.call->phase(), Phase::kJoining);
  ASSERT_TRUE(flows(bot, MediaKind::kVideo) && flows(bot, MediaKind::kAudio));
  EXPECT_EQ(bot.call->phase(), Phase::kLive);
  EXPECT_EQ(bot.call->connected_legs(), 1u);
  EXPECT_EQ(alice.call->connected_legs(), 1u);
  ASSERT_EQ(bot.call->members().size(), 1u);
  const auto tracks = bot.call->tracks();
  ASSERT_EQ(tracks.size(), 2u);
  for (const CallTrack& track : tracks) {
    EXPECT_EQ(track.info.participant, bot.call->members()[0].id);
    EXPECT_EQ(track.info.name, "alice");
    EXPECT_EQ(track.stats.track, track.info.id);
    EXPECT_GT(track.stats.frames, 0u);
  }
  bot.call->stop();
  EXPECT_EQ(bot.call->phase(), Phase::kLeaving);
  EXPECT_EQ(bot.call->connected_legs(), 0u);
  bot.call->stop();  // once more is no harm
  ASSERT_TRUE(until_says(bot, "done"));
  EXPECT_TRUE(*bot.watch.how);
  EXPECT_EQ(bot.call->phase(), Phase::kDone);
  EXPECT_TRUE(until_says(alice, "left bot"));
  EXPECT_EQ(bot.watch.log.front(), "joined");
  EXPECT_EQ(bot.watch.log.back(), "done");
  EXPECT_EQ(std::count(bot.watch.log.begin(), bot.watch.log.end(), "done"), 1);
  for (const auto& [id, seen] : bot.sink.seen()) EXPECT_TRUE(seen.removed);
}

TEST_F(CallTest, WithANetworkAllMediaGoesOverItsLink) {
  auto bob = sends("bob");
  bob.network = network::Network{.conditions = {.down = {.delay_s = 0.02}}};
  auto& bot = start(records("bot"));
  auto& other = start(records("other"));
  EXPECT_EQ(bot.call->link(), nullptr);
  EXPECT_FALSE(bot.call->network_verified());
  auto& sender = start(std::move(bob));
  EXPECT_EQ(sender.call->network_verified().error().code, Code::kUnmeasured) << "nobody is there";
  ASSERT_TRUE(flows(bot, MediaKind::kVideo) && flows(other, MediaKind::kVideo));
  const auto verified = sender.call->network_verified();
  EXPECT_TRUE(verified) << verified.error().message;
  const auto stats = sender.call->link()->stats();
  EXPECT_GT(stats.up.passed.packets_of(network::PacketKind::kRtp), 20u) << "of both legs";
  EXPECT_NEAR(stats.down.truth.delay_mean_s(), 0.02, 1e-6);
  EXPECT_EQ(stats.up.truth.delay_max_s, 0);
  // It can be changed while it runs.
  sender.call->link()->set({.up = {.block = {network::PacketKind::kRtp}}});
  const auto blocked = [&] {
    return sender.call->link()
        ->stats()
        .up.truth.dropped[static_cast<size_t>(network::Drop::kBlocked)];
  };
  ASSERT_TRUE(until([&] { return blocked() > 20; }));
  sender.call->link()->set({});
  EXPECT_TRUE(flows(bot, MediaKind::kVideo));
  // Nor is it forgotten when all others have left.
  bot.call->stop();
  other.call->stop();
  ASSERT_TRUE(until([&] { return sender.call->connected_legs() == 0; }));
  EXPECT_TRUE(sender.call->network_verified());
}

// What another one says is his line is proved of him alone.
TEST_F(CallTest, OfTheLinesOfOthersItIsProvedWhoWasReachedOverHisOwn) {
  network::Link line;
  start(sends("alice"));
  start(sends("carol"));
  auto config = records("bot");
  config.line_of = [&line](const std::string& name) { return name == "alice" ? &line : nullptr; };
  auto& bot = start(std::move(config));
  ASSERT_TRUE(until([&] { return bot.call->connected_legs() == 2; }));
  ASSERT_TRUE(flows(bot, MediaKind::kVideo));
  EXPECT_EQ(bot.call->network_verified().error().code, Code::kUnmeasured) << "it asked for none";
  for (const Member& m : bot.call->members()) {
    const auto proved = bot.call->network_verified(m.id);
    if (m.name == "alice") {
      EXPECT_TRUE(proved) << proved.error().message;
    } else {
      ASSERT_FALSE(proved) << m.name;
      EXPECT_EQ(proved.error().code, Code::kUnmeasured);
      EXPECT_THAT(proved.error().message, HasSubstr("carol: there is no relay"));
    }
  }
  EXPECT_EQ(bot.call->network_verified("nobody").error().code, Code::kUnmeasured);
  EXPECT_GT(line.stats().up.passed.packets_of(network::PacketKind::kRtp), 0u) << "alice's way up";
}

TEST_F(CallTest, AScheduledNetworkBeginsWhenTheCallIsJoined) {
  auto bob = sends("bob");
  bob.network = network::Network{
      .schedule = {{0, {.up = {.delay_s = 0.01}}}, {100'000'000, {.up = {.delay_s = 0.02}}}}};
  auto& sender = make(std::move(bob));
  EXPECT_EQ(sender.call->link()->conditions(), network::Conditions{});
  sender.call->start();
  ASSERT_TRUE(until_says(sender, "joined"));
  EXPECT_GE(sender.call->link()->conditions().up.delay_s, 0.01);
  EXPECT_TRUE(until([&] { return sender.call->link()->conditions().up.delay_s == 0.02; }));
}

TEST_F(CallTest, StoppedBeforeItStartedIsDoneAllTheSame) {
  auto& bot = make(records("bot"));
  bot.call->stop();
  EXPECT_EQ(bot.call->phase(), Phase::kDone);
  bot.call->start();
  ASSERT_TRUE(until_says(bot, "done"));
  EXPECT_THAT(bot.watch.log, ElementsAre("done"));
  EXPECT_TRUE(host_.rooms().members("demo").empty());
}

TEST_F(CallTest, MayBeDestroyedAtAnyTime) {
  start(sends("alice"));
  auto& bot = start(records("bot"));
  ASSERT_TRUE(until_says(bot, "connected"));
  bot.call.reset();
  EXPECT_FALSE(bot.watch.has("done"));
  auto& other = start(records("other"));
  EXPECT_TRUE(flows(other, MediaKind::kVideo)) << "nobody else minds";
}

TEST_F(CallTest, WhatTheServerRefusesEndsItWithTheReason) {
  start(records("bot"));
  auto& twin = start(records("bot"));
  ASSERT_TRUE(until_says(twin, "done"));
  ASSERT_FALSE(*twin.watch.how);
  EXPECT_EQ(twin.watch.how->error().code, Code::kDenied);
  EXPECT_THAT(twin.watch.how->error().message, HasSubstr("name-in-use"));
  EXPECT_THAT(twin.watch.log, ElementsAre("done"));
}

TEST_F(CallTest, WhoComesBackUnderItsNameIsTheSameParticipant) {
  auto& bot = start(records("bot"));
  RawMember first(loop_, host_.url());
  first.join("alice");
  ASSERT_TRUE(until_says(bot, "member alice"));
  EXPECT_EQ(bot.call->participant_of(first.id()), first.id());
  first.send(Json::object().set("type", "leave"));
  ASSERT_TRUE(until_says(bot, "left alice"));
  RawMember second(loop_, host_.url()), bob(loop_, host_.url());
  second.join("alice");
  bob.join("bob");
  ASSERT_TRUE(until_says(bot, "member bob"));
  EXPECT_NE(second.id(), first.id());
  EXPECT_EQ(bot.call->participant_of(second.id()), first.id());
  EXPECT_EQ(bot.call->participant_of(bob.id()), bob.id());
  EXPECT_EQ(bot.call->participant_of("nobody"), "nobody");
}

TEST_F(CallTest, MediaGoesOnWhileTheServerIsAway) {
  start(sends("alice"));
  auto& bot = start(records("bot"));
  ASSERT_TRUE(flows(bot, MediaKind::kVideo));
  host_.kill();
  ASSERT_TRUE(until_says(bot, "interrupted"));
  EXPECT_TRUE(flows(bot, MediaKind::kVideo));
  host_.start();
  ASSERT_TRUE(until_says(bot, "resumed"));
  EXPECT_TRUE(flows(bot, MediaKind::kVideo));
  EXPECT_FALSE(bot.watch.has("track-end video"));
}

TEST_F(CallTest, ConsentIsObeyedFromTheBeginningAndWheneverItChanges) {
  auto& bot = start(records("bot"));
  HandMember shy(loop_, host_.url(), RawMember::join_message("shy").set("recording", "refused"),
                 "bot", pattern_.get());
  ASSERT_TRUE(until_says(bot, "track video left alone") &&
              until_says(bot, "track audio left alone"));
  const auto received = [&] {
    uint64_t frames = 0;
    for (const CallTrack& track : bot.call->tracks()) frames += track.stats.frames;
    return frames;
  };
  ASSERT_TRUE(until([&] { return received() > 20; }));
  EXPECT_TRUE(bot.sink.seen().empty()) << "frames came in, and none went to the sink";

  shy.raw.send(Json::object().set("type", "state").set("recording", "allowed"));
  ASSERT_TRUE(until_says(bot, "changed shy may"));
  ASSERT_TRUE(flows(bot, MediaKind::kVideo) && flows(bot, MediaKind::kAudio));

  shy.raw.send(Json::object().set("type", "state").set("recording", "refused"));
  ASSERT_TRUE(until_says(bot, "changed shy may not"));
  const uint64_t frames = bot.sink.frames(MediaKind::kVideo) + bot.sink.frames(MediaKind::kAudio);
  const uint64_t now = received();
  ASSERT_TRUE(until([&] { return received() > now + 40; }));
  EXPECT_EQ(bot.sink.frames(MediaKind::kVideo) + bot.sink.frames(MediaKind::kAudio), frames);
  for (const auto& [id, seen] : bot.sink.seen()) EXPECT_TRUE(seen.removed);
}

TEST_F(CallTest, ChatAndFilesComeThroughTheDataChannel) {
  auto& bot = start(records("bot"));
  auto alice = std::make_unique<HandMember>(loop_, host_.url(), RawMember::join_message("alice"),
                                            "bot", pattern_.get());
  ASSERT_TRUE(until([&] { return alice->channel_open; }));
  alice->say(Json::object().set("type", "chat").set("text", "hello"));
  alice->say(Json::object().set("type", "file").set("id", 1).set("name", "a.txt").set("size", 3));
  EXPECT_TRUE(alice->peer->send_message(alice->channel, false, "abc"));
  alice->say(Json::object().set("type", "file-end").set("id", 1));
  alice->say(Json::object().set("type", "nonsense"));
  alice->say(Json::object().set("type", "file").set("id", 2).set("name", "b.txt").set("size", 30));
  ASSERT_TRUE(until_says(bot, "file alice b.txt 30"));
  std::vector<std::string> said;
  for (const std::string& line : bot.watch.log)
    if (!line.starts_with("track") && line != "connected") said.push_back(line);
  EXPECT_THAT(said, ElementsAre("joined", "member alice", "chat alice: hello", "file alice a.txt 3",
                                "chunk abc", "file-end alice", "trouble bad-input again",
                                "file alice b.txt 30"));
}

TEST_F(CallTest, SaysWhichConnectionIsUpAndWhichIsInTrouble) {
  auto& bot = start(records("bot"));
  const auto hand = [&](const char* name) {
    auto made = std::make_unique<HandMember>(loop_, host_.url(), RawMember::join_message(name),
                                             "bot", pattern_.get());
    EXPECT_TRUE(until([&] { return made->channel_open; }));
    return made;
  };
  const auto alice = hand("alice"), bob = hand("bob");
  ASSERT_EQ(bot.watch.up.size(), 2u);
  EXPECT_NE(bot.watch.up[0], bot.watch.up[1]);
  bob->say(Json::object().set("type", "nonsense"));
  ASSERT_TRUE(until_says(bot, "trouble bad-input again"));
  EXPECT_THAT(bot.watch.troubled, ElementsAre(bot.watch.up[1]));
}

TEST_F(CallTest, AKeyFrameCanBeAskedForOfAnyTrack) {
  start(sends("alice"));
  auto& bot = start(records("bot"));
  ASSERT_TRUE(flows(bot, MediaKind::kVideo));
  const auto key_frames = [&] {
    uint64_t n = 0;
    for (const auto& [id, seen] : bot.sink.seen())
      if (seen.info.kind == MediaKind::kVideo) n += seen.key_frames;
    return n;
  };
  const uint64_t before = key_frames();
  const auto video = std::find_if(bot.watch.tracks.begin(), bot.watch.tracks.end(),
                                  [](const auto& t) { return t.kind == MediaKind::kVideo; });
  ASSERT_NE(video, bot.watch.tracks.end());
  bot.call->request_key_frame(video->id + 1000);  // of nobody
  bot.call->request_key_frame(video->id);
  EXPECT_TRUE(until([&] { return key_frames() > before; }));
}

TEST_F(CallTest, SendingCanBeTurnedOffAndOn) {
  auto& alice = start(sends("alice"));
  auto& bot = start(records("bot"));
  ASSERT_TRUE(flows(bot, MediaKind::kVideo));
  alice.call->set_sending(MediaKind::kVideo, false);
  signaling::Self self = sends("alice").join.self;
  self.video = Member::State::kOff;
  alice.call->announce(self);
  ASSERT_TRUE(until([&] { return bot.call->members()[0].video == Member::State::kOff; }));
  EXPECT_THAT(bot.watch.log, Contains("changed alice may"));
  EXPECT_TRUE(flows(bot, MediaKind::kAudio));
  alice.call->set_sending(MediaKind::kVideo, true);
  EXPECT_TRUE(flows(bot, MediaKind::kVideo));
}

TEST_F(CallTest, VideoThatIsNotWantedDoesNotCome) {
  start(sends("alice"));
  auto listener = records("bot");
  listener.receive_video = false;
  auto& bot = start(listener);
  ASSERT_TRUE(flows(bot, MediaKind::kAudio));
  EXPECT_FALSE(bot.watch.has("track video taken"));
  EXPECT_EQ(bot.call->tracks().size(), 1u);
}

TEST_F(CallTest, SoundThatIsNotWantedDoesNotCome) {
  start(sends("alice"));
  auto viewer = records("bot");
  viewer.receive_audio = false;
  auto& bot = start(viewer);
  ASSERT_TRUE(flows(bot, MediaKind::kVideo));
  EXPECT_FALSE(bot.watch.has("track audio taken"));
  EXPECT_EQ(bot.call->tracks().size(), 1u);
}

TEST(CallPhase, HasAName) {
  EXPECT_STREQ(name_of(Phase::kNew), "new");
  EXPECT_STREQ(name_of(Phase::kDone), "done");
}

}  // namespace
}  // namespace callbot::bot
