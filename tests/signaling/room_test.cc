#include "signaling/room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signaling/tls_auto.h"
#include "tests/support/raw_socket.h"
#include "tests/support/recorded_events.h"
#include "tests/support/room_host.h"
#include "tests/support/temp_folder.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::RawMember;
using test::RecordedEvents;
using test::RoomHost;
using testing::ElementsAre;
using testing::HasSubstr;

const RoomTimes kFast = {.ping = 50ms,
                         .dead_after = 25s,
                         .first_retry = 10ms,
                         .longest_retry = 100ms,
                         .missing_grace = 2s};

struct Bot {
  RecordedEvents events;
  std::unique_ptr<Signaling> client;
};

class RoomTest : public testing::Test {
 protected:
  JoinConfig config(const std::string& url, const std::string& name) {
    JoinConfig c;
    c.url = url;
    c.self.name = name;
    c.self.sends = c.self.receives = true;
    return c;
  }
  std::unique_ptr<Bot> start(JoinConfig c, RoomTimes times = kFast) {
    auto bot = std::make_unique<Bot>();
    auto made = make_room_signaling(loop_, Log("test"), c, times);
    EXPECT_TRUE(made) << made.error().message;
    if (!made) return bot;
    bot->client = std::move(*made);
    bot->events.within([&] { bot->client->start(bot->events); });
    return bot;
  }
  std::unique_ptr<Bot> start(const std::string& url, const std::string& name) {
    return start(config(url, name));
  }
  std::unique_ptr<Bot> join(JoinConfig c, RoomTimes times = kFast) {
    auto bot = start(std::move(c), times);
    EXPECT_TRUE(until([&] { return !bot->events.self.empty() || bot->events.end; }));
    EXPECT_FALSE(bot->events.end);
    return bot;
  }
  std::unique_ptr<Bot> join(const std::string& url, const std::string& name) {
    return join(config(url, name));
  }
  Error end_of(Bot& bot) {
    EXPECT_TRUE(until([&] { return bot.events.end.has_value(); }));
    if (!bot.events.end || *bot.events.end) {
      ADD_FAILURE() << "no error";
      return {};
    }
    return bot.events.end->error();
  }
  bool until(const std::function<bool()>& condition) { return loop_.run_until(condition, 15s); }
  LegId leg(const Bot& bot, const std::string& to) {
    EXPECT_TRUE(until([&] { return bot.events.leg_to(to).has_value(); })) << to;
    return bot.events.leg_to(to).value_or(Leg{}).id;
  }
  static Description sdp(Description::Type type, const std::string& text, uint32_t generation = 1) {
    Description d;
    d.type = type;
    d.sdp = text;
    d.generation = generation;
    return d;
  }
  static Description offer(const std::string& text, uint32_t generation = 1) {
    return sdp(Description::Type::kOffer, text, generation);
  }
  static Description answer(const std::string& text, uint32_t generation = 1) {
    return sdp(Description::Type::kAnswer, text, generation);
  }
  // An offer and its answer between two bots; `offerer` is the one whose turn it is.
  void negotiate(Bot& offerer, const std::string& offerer_name, Bot& answerer,
                 const std::string& answerer_name, const std::string& text) {
    const LegId out = leg(offerer, answerer_name);
    const LegId in = leg(answerer, offerer_name);
    const size_t offers = answerer.events.descriptions().size();
    const size_t answers = offerer.events.descriptions().size();
    offerer.client->send(out, offer(text));
    ASSERT_TRUE(until([&] { return answerer.events.descriptions().size() == offers + 1; }));
    EXPECT_EQ(answerer.events.descriptions().back().sdp, text);
    answerer.client->send(in, answer("answer to " + text));
    ASSERT_TRUE(until([&] { return offerer.events.descriptions().size() == answers + 1; }));
    EXPECT_EQ(offerer.events.descriptions().back().sdp, "answer to " + text);
  }

  Loop loop_;
};

TEST_F(RoomTest, TwoMembersHaveALegAndTheLaterOneOffers) {
  RoomHost host(loop_, {.ice_servers = {{"turn:t", "u", "c"}}});
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  leg(*alice, "bob");
  leg(*bob, "alice");
  const Leg at_alice = *alice->events.leg_to("bob");
  const Leg at_bob = *bob->events.leg_to("alice");
  EXPECT_EQ(at_alice.offers, Party::kThem);
  EXPECT_EQ(at_bob.offers, Party::kUs);
  EXPECT_EQ(at_bob.direction, Direction::kBoth);
  EXPECT_EQ(at_bob.trickle, Trickle::kFull);
  EXPECT_EQ(at_bob.member, alice->events.self);
  ASSERT_EQ(at_bob.ice_servers.size(), 1U);
  EXPECT_EQ(at_bob.ice_servers[0].url, "turn:t");
  EXPECT_EQ(at_bob.ice_servers[0].credential, "c");
  ASSERT_EQ(alice->events.members.size(), 1U);
  EXPECT_EQ(alice->events.members[0].id, bob->events.self);
  EXPECT_EQ(alice->events.log[0], "joined");
}

TEST_F(RoomTest, DirectionsFollowFromWhoSendsAndWhoReceives) {
  RoomHost host(loop_);
  auto make = [&](const std::string& name, bool sends, bool receives, bool recorder) {
    auto c = config(host.url(), name);
    c.self.sends = sends;
    c.self.receives = receives;
    c.self.recorder = recorder;
    return join(c);
  };
  auto sender = make("sender", true, false, false);
  auto recorder = make("recorder", false, true, true);
  auto both = make("both", true, true, false);
  auto watcher = make("watcher", false, true, false);
  auto recorder2 = make("recorder2", false, true, true);
  ASSERT_TRUE(until([&] {
    return sender->events.legs.size() == 4 && recorder->events.legs.size() == 2 &&
           both->events.legs.size() == 4 && watcher->events.legs.size() == 2 &&
           recorder2->events.legs.size() == 2;
  }));
  auto check = [&](Bot& bot, const std::string& to, Direction direction, Party offers) {
    const auto found = bot.events.leg_to(to);
    ASSERT_TRUE(found) << to;
    EXPECT_EQ(found->direction, direction) << to;
    EXPECT_EQ(found->offers, offers) << to;
  };
  check(*sender, "recorder", Direction::kSend, Party::kUs);  // a recorder never offers
  check(*recorder, "sender", Direction::kReceive, Party::kThem);
  check(*recorder, "both", Direction::kReceive, Party::kThem);
  check(*both, "recorder", Direction::kSend, Party::kUs);
  check(*both, "sender", Direction::kReceive, Party::kUs);
  check(*watcher, "both", Direction::kReceive, Party::kUs);
  EXPECT_FALSE(recorder->events.leg_to("recorder2"));
  EXPECT_FALSE(recorder->events.leg_to("watcher"));
}

TEST_F(RoomTest, DescriptionsAndCandidatesGoBothWays) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  negotiate(*bob, "bob", *alice, "alice", "v=0\r\n");
  const LegId at_bob = leg(*bob, "alice");
  const LegId at_alice = leg(*alice, "bob");
  bob->client->send(at_bob, Candidate{1, "video", "candidate:1", 1});
  bob->client->send(at_bob, Candidate{0, "", "", 1});
  alice->client->send(at_alice, Candidate{0, "audio", "candidate:2", 1});
  ASSERT_TRUE(until([&] {
    return alice->events.candidates().size() == 2 && bob->events.candidates().size() == 1;
  }));
  EXPECT_EQ(alice->events.candidates()[0].text, "candidate:1");
  EXPECT_EQ(alice->events.candidates()[0].mid, "video");
  EXPECT_EQ(alice->events.candidates()[0].mline, 1U);
  EXPECT_EQ(alice->events.candidates()[0].generation, 1U);
  EXPECT_EQ(alice->events.candidates()[1].text, "");
  EXPECT_EQ(bob->events.candidates()[0].text, "candidate:2");
  // A fresh peer connection.
  bob->client->send(at_bob, offer("v=0\r\ns=2\r\n", 2));
  ASSERT_TRUE(until([&] { return alice->events.descriptions().size() == 2; }));
  EXPECT_EQ(alice->events.descriptions()[1].generation, 2U);
}

TEST_F(RoomTest, TheAnswererAsksAndTheOffererIsAsked) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  const LegId at_alice = leg(*alice, "bob");
  const LegId at_bob = leg(*bob, "alice");
  alice->events.within([&] { alice->client->request(at_alice, {Request::What::kRenegotiate}); });
  alice->client->request(at_alice, {Request::What::kRestart});
  ASSERT_TRUE(until([&] { return bob->events.requests.size() == 2; }));
  EXPECT_EQ(bob->events.requests[0].what, Request::What::kRenegotiate);
  EXPECT_EQ(bob->events.requests[1].what, Request::What::kRestart);
  bob->client->request(at_bob, {});       // has nobody to ask
  alice->client->request(LegId{99}, {});  // no such leg
  alice->client->send(at_alice, offer("not alice's turn"));
  alice->client->send(LegId{99}, offer("no such leg"));
  negotiate(*bob, "bob", *alice, "alice", "v=0");
  EXPECT_TRUE(alice->events.requests.empty());
}

TEST_F(RoomTest, AnnouncementsReachTheOthersAndLateComers) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  Self self = config(host.url(), "bob").self;
  self.audio = Member::State::kOff;
  self.video = Member::State::kOn;
  bob->events.within([&] { bob->client->announce(self); });
  ASSERT_TRUE(until([&] {
    return alice->events.members.size() == 1 &&
           alice->events.members[0].audio == Member::State::kOff;
  }));
  EXPECT_EQ(alice->events.members[0].video, Member::State::kOn);
  auto carol = join(host.url(), "carol");
  ASSERT_TRUE(until([&] { return carol->events.members.size() == 2; }));
  for (const Member& member : carol->events.members) {
    if (member.name == "bob") {
      EXPECT_EQ(member.audio, Member::State::kOff);
    }
  }
}

TEST_F(RoomTest, SomebodyWhoAskedNotToBeRecordedIsShownSo) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  RawMember page(loop_, host.url());
  page.join(RawMember::join_message("page").set("recording", "refused"));
  ASSERT_TRUE(until([&] { return alice->events.members.size() == 1; }));
  EXPECT_FALSE(alice->events.members[0].may_be_recorded);
  page.send(R"({"type":"state","recording":"allowed"})");
  EXPECT_TRUE(until([&] { return alice->events.members[0].may_be_recorded; }));
}

TEST_F(RoomTest, LeavingClosesTheLegAtTheOther) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  leg(*alice, "bob");
  bob->events.within([&] { bob->client->close(); });
  bob->client->close();
  ASSERT_TRUE(until([&] { return bob->events.end && alice->events.legs.empty(); }));
  EXPECT_TRUE(*bob->events.end);
  EXPECT_EQ(alice->events.count("leg closed: left"), 1U);
  EXPECT_TRUE(alice->events.members.empty());
  EXPECT_EQ(bob->events.log.back(), "closed");
  EXPECT_EQ(host.rooms().members("demo").size(), 1U);
}

TEST_F(RoomTest, ClosingMayComeAtAnyTime) {
  RoomHost host(loop_);
  auto never = make_room_signaling(loop_, Log("test"), config(host.url(), "never"), kFast);
  (*never)->close();
  RecordedEvents events;
  (*never)->start(events);
  auto early = start(host.url(), "early");
  early->events.within([&] { early->client->close(); });
  ASSERT_TRUE(until([&] { return early->events.end.has_value(); }));
  EXPECT_TRUE(*early->events.end);
  EXPECT_THAT(early->events.log, ElementsAre("closed"));
  EXPECT_TRUE(events.log.empty());

  auto lost = join(host.url(), "lost");
  host.kill();
  ASSERT_TRUE(until([&] { return lost->events.count("interrupted") == 1; }));
  lost->client->close();
  ASSERT_TRUE(until([&] { return lost->events.end.has_value(); }));
  EXPECT_TRUE(*lost->events.end);
}

TEST_F(RoomTest, AnyEventMayDestroyTheClient) {
  for (const std::string when : {"joined", "members", "leg alice", "received", "closed"}) {
    RoomHost host(loop_);
    RawMember alice(loop_, host.url());
    alice.join("alice");
    auto c = config(host.url(), "bob");
    auto bot = start(c);
    bot->events.on_event = [&](const std::string& event) {
      if (event == when) bot->client.reset();
    };
    if (when == "received") {
      const std::string id = alice.next("member-joined").at("member").at("id").text().value_or("");
      // Bob offers; alice may only send candidates once he did.
      const LegId to = leg(*bot, "alice");
      bot->client->send(to, offer("v=0"));
      alice.send(Json::object()
                     .set("type", "answer")
                     .set("to", id)
                     .set("generation", 1)
                     .set("sdp", "v=0"));
    }
    if (when == "closed") {
      ASSERT_TRUE(until([&] { return bot->events.leg_to("alice").has_value(); }));
      bot->client->close();
    }
    EXPECT_TRUE(until([&] { return bot->client == nullptr; })) << when;
    EXPECT_TRUE(alice.ping());
  }
}

// --- refusals

TEST_F(RoomTest, RefusalsSayWhatIsWrong) {
  RoomHost host(loop_, {.token = "s3cret", .most_members = 1});
  auto with_token = [&](const std::string& name, const std::string& token) {
    auto c = config(host.url(), name);
    c.token = token;
    return c;
  };
  auto none = start(with_token("a", ""));
  EXPECT_EQ(end_of(*none).code, Code::kDenied);
  EXPECT_THAT(end_of(*none).message, HasSubstr("a token is needed"));
  auto wrong = start(with_token("a", "wrong"));
  EXPECT_EQ(end_of(*wrong).code, Code::kDenied);
  EXPECT_THAT(end_of(*wrong).message, HasSubstr("the token is wrong"));

  auto alice = join(with_token("alice", "s3cret"));
  auto same = start(with_token("alice", "s3cret"));
  EXPECT_EQ(end_of(*same).code, Code::kDenied);
  EXPECT_THAT(end_of(*same).message, HasSubstr("\"alice\" is in this room already"));
  auto full = start(with_token("bob", "s3cret"));
  EXPECT_EQ(end_of(*full).code, Code::kDenied);
  EXPECT_THAT(end_of(*full).message, HasSubstr("room-full"));
  EXPECT_FALSE(alice->events.end);
}

TEST_F(RoomTest, WhatIsNoRoomIsRefusedBeforeConnecting) {
  auto refused = [&](const std::string& url, const std::string& name = "bot") {
    auto made = make_room_signaling(loop_, Log("test"), config(url, name), kFast);
    EXPECT_FALSE(made) << url;
    if (made) return std::string();
    EXPECT_EQ(made.error().code, Code::kUsage) << url;
    EXPECT_LT(made.error().message.size(), 500U);
    return made.error().message;
  };
  EXPECT_THAT(refused("ws://127.0.0.1:1/"), HasSubstr("/rooms/NAME"));
  EXPECT_THAT(refused("ws://127.0.0.1:1"), HasSubstr("/rooms/NAME"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/"), HasSubstr("empty"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/a/b"), HasSubstr("/rooms/NAME"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/../x"), HasSubstr("/rooms/NAME"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/..%2Fx"), HasSubstr("'/'"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/a%0Ab"), HasSubstr("control"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/a%E2%80%AEb"), HasSubstr("bidi"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/%FF"), HasSubstr("UTF-8"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/" + std::string(10000, 'r')),
              HasSubstr("10000 characters"));
  EXPECT_THAT(refused("ws:///rooms/r"), HasSubstr("host"));
  EXPECT_THAT(refused("ws://127.0.0.1:99999/rooms/r"), HasSubstr("not a URL"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/r", std::string(10000, 'n')),
              HasSubstr("our name has 10000 characters"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/r", "../me"), HasSubstr("our name"));
  EXPECT_THAT(refused("ws://127.0.0.1:1/rooms/r", "a\u202Eb"), HasSubstr("bidi"));
}

TEST_F(RoomTest, RoomsWithUnusualNamesAreReached) {
  RoomHost host(loop_);
  auto one = join(host.url("Caf\u00E9%20%23%3F%25"), "one");
  auto two = join(host.url("Caf%C3%A9 %23%3F%25"), "two");
  leg(*one, "two");
  EXPECT_THAT(host.rooms().rooms(), ElementsAre("Caf\u00E9 #?%"));
}

TEST_F(RoomTest, AServerThatIsNotThereIsAConnectError) {
  uint16_t port = 0;
  {
    RoomHost host(loop_);
    port = host.port();
  }
  auto bot = start("ws://127.0.0.1:" + std::to_string(port) + "/rooms/demo", "bot");
  EXPECT_EQ(end_of(*bot).code, Code::kConnect);
  EXPECT_THAT(end_of(*bot).message, HasSubstr(std::to_string(port)));
}

TEST_F(RoomTest, AServerThatKnowsNoRoomsIsAnError) {
  auto http = HttpServer::create(loop_, Log("test"), {});
  ASSERT_TRUE(http);
  auto bot = start("ws://127.0.0.1:" + std::to_string((*http)->port()) + "/rooms/demo", "bot");
  EXPECT_EQ(end_of(*bot).code, Code::kConnect);
}

// A server that says what the test wants.
class FakeServer {
 public:
  explicit FakeServer(Loop& loop) {
    http_ = std::move(*HttpServer::create(loop, Log("fake"), {}));
    http_->websocket("/rooms/{room}",
                     [this](const HttpRequest&, std::unique_ptr<ServerWebSocket> socket) {
                       ++connections;
                       auto* raw = socket.get();
                       sockets.push_back(std::move(socket));
                       raw->on_message([this, raw](std::string_view text) {
                         heard.emplace_back(text);
                         if (on_message) on_message(*raw, text);
                       });
                     });
  }
  std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(http_->port()) + "/rooms/demo";
  }
  static std::string joined() {
    return R"({"type":"joined","version":1,"id":"me","key":"k","since":5,"room":"demo",)"
           R"("members":[{"id":"them","name":"them","since":3,"sends":true,"receives":true}],)"
           R"("iceServers":[]})";
  }
  std::function<void(ServerWebSocket&, std::string_view)> on_message;
  std::vector<std::unique_ptr<ServerWebSocket>> sockets;
  std::vector<std::string> heard;
  int connections = 0;

 private:
  std::unique_ptr<HttpServer> http_;
};

TEST_F(RoomTest, AServerThatSaysNothingIsATimeout) {
  FakeServer server(loop_);
  auto c = config(server.url(), "bot");
  c.deadline = 200ms;
  auto bot = start(c);
  EXPECT_EQ(end_of(*bot).code, Code::kTimeout);
}

TEST_F(RoomTest, AServerThatSpeaksSomethingElseIsBadInput) {
  for (const std::string& text :
       {std::string("hello"), std::string("[]"), std::string(100000, '['),
        std::string(R"({"type":"joined","version":1})"),
        std::string(R"({"type":"joined","version":1,"id":"a/b","key":"k","since":1,"room":"r"})"),
        std::string(R"({"type":"joined","version":2})")}) {
    FakeServer server(loop_);
    server.on_message = [&](ServerWebSocket& socket, std::string_view) { socket.send(text); };
    auto bot = start(server.url(), "bot");
    const Error error = end_of(*bot);
    EXPECT_EQ(error.code, text.find("\"version\":2") != std::string::npos ? Code::kUnsupported
                                                                          : Code::kBadInput)
        << text.substr(0, 80);
  }
}

TEST_F(RoomTest, GarbageAmongGoodMessagesIsPassedOver) {
  FakeServer server(loop_);
  server.on_message = [&](ServerWebSocket& socket, std::string_view text) {
    if (text.find("\"join\"") == std::string_view::npos) return;
    socket.send(FakeServer::joined());
    for (const char* bad :
         {"hello", "{}", R"({"type":"dance"})", R"({"type":"offer","from":"nobody"})",
          R"({"type":"offer","from":"nobody","generation":1,"sdp":"v=0"})",
          R"({"type":"answer","from":"them","generation":1,"sdp":"nobody asked"})",
          R"({"type":"offer","from":"them","generation":1,"sdp":"not their turn"})",
          R"({"type":"candidate","from":"them","generation":7,"candidate":"garbage"})",
          R"({"type":"member-left","id":"nobody","reason":"left"})",
          R"({"type":"member-joined","member":{"id":"x","name":"../x","since":1}})",
          R"({"type":"member-changed","member":{"id":"y","name":"y","since":1}})",
          R"({"type":"error","code":"bad-message","message":"\u001b[2J"})",
          R"({"type":"renegotiate","from":"them","restart":true})"})
      socket.send(bad);
    socket.send(FakeServer::joined());
  };
  auto bot = join(server.url(), "bot");
  ASSERT_TRUE(until([&] { return bot->events.requests.size() == 1; }));
  EXPECT_TRUE(bot->events.got.empty());
  EXPECT_EQ(bot->events.members.size(), 1U);
  EXPECT_EQ(bot->events.legs.size(), 1U);
  EXPECT_FALSE(bot->events.end);
}

// --- losing the connection and coming back

TEST_F(RoomTest, ServerKilledAndRestartedMembersKeepIdsAndLegs) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  auto rec_config = config(host.url(), "recorder");
  rec_config.self.recorder = true;
  rec_config.self.sends = false;
  auto recorder = join(rec_config);
  // Somebody who will not come back: when it is given up, the grace for the missing is over.
  RawMember ghost(loop_, host.url());
  ghost.join("ghost");
  negotiate(*bob, "bob", *alice, "alice", "v=0\r\ns=1\r\n");
  for (Bot* bot : {alice.get(), bob.get(), recorder.get()})
    ASSERT_TRUE(until([&] { return bot->events.legs.size() == 3; }));
  const std::vector<std::string> ids = {alice->events.self, bob->events.self,
                                        recorder->events.self};
  host.kill();
  for (Bot* bot : {alice.get(), bob.get(), recorder.get()})
    ASSERT_TRUE(until([&] { return bot->events.count("interrupted") == 1; }));
  // Sent while nobody listens: it waits.
  bob->client->send(leg(*bob, "alice"), offer("v=0\r\ns=2\r\n"));
  bob->client->send(leg(*bob, "alice"), Candidate{0, "0", "candidate:later", 1});
  host.start();
  for (Bot* bot : {alice.get(), bob.get(), recorder.get()})
    ASSERT_TRUE(until([&] { return bot->events.count("resumed") == 1; }));
  ASSERT_TRUE(until([&] {
    return alice->events.descriptions().size() == 2 && !alice->events.candidates().empty();
  }));
  EXPECT_EQ(alice->events.descriptions()[1].sdp, "v=0\r\ns=2\r\n");
  EXPECT_EQ(alice->events.candidates()[0].text, "candidate:later");
  alice->client->send(leg(*alice, "bob"), answer("v=0\r\n"));
  ASSERT_TRUE(until([&] { return bob->events.descriptions().size() == 2; }));
  negotiate(*bob, "bob", *alice, "alice", "v=0\r\ns=3\r\n");

  ASSERT_TRUE(until([&] { return host.rooms().members("demo").size() == 3; }));
  std::vector<std::string> now;
  for (const Member& member : host.rooms().members("demo")) now.push_back(member.id);
  EXPECT_THAT(now, testing::UnorderedElementsAreArray(ids));
  for (Bot* bot : {alice.get(), bob.get(), recorder.get()}) {
    ASSERT_TRUE(until([&] { return bot->events.members.size() == 2; }));
    EXPECT_EQ(bot->events.legs.size(), 2U);
    EXPECT_EQ(bot->events.count("interrupted"), 1U);
    EXPECT_EQ(bot->events.count("leg closed: lost"), 1U);
  }
}

TEST_F(RoomTest, RestartsOneAfterTheOtherAreSurvived) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  for (size_t i = 1; i <= 5; ++i) {
    host.kill();
    host.start();
    ASSERT_TRUE(until(
        [&] { return alice->events.count("resumed") == i && bob->events.count("resumed") == i; }));
    negotiate(*bob, "bob", *alice, "alice", "v=0\r\ns=" + std::to_string(i) + "\r\n");
  }
  EXPECT_EQ(alice->events.count("leg bob"), 1U);
}

TEST_F(RoomTest, AMemberThatDoesNotComeBackHasLeft) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  auto bob = join(host.url(), "bob");
  leg(*alice, "bob");
  host.kill();
  ASSERT_TRUE(until([&] { return alice->events.count("interrupted") == 1; }));
  bob->client.reset();
  host.start();
  ASSERT_TRUE(until([&] { return alice->events.count("resumed") == 1; }));
  EXPECT_EQ(alice->events.legs.size(), 1U);
  EXPECT_EQ(alice->events.members.size(), 1U);
  EXPECT_TRUE(until([&] { return alice->events.count("leg closed: lost") == 1; }));
  EXPECT_TRUE(until([&] { return alice->events.members.empty(); }));
}

TEST_F(RoomTest, NewMembersMetAfterTheRestart) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  host.kill();
  ASSERT_TRUE(until([&] { return alice->events.count("interrupted") == 1; }));
  host.start();
  auto carol = join(host.url(), "carol");
  leg(*alice, "carol");
  leg(*carol, "alice");
  const Party at_alice = alice->events.leg_to("carol")->offers;
  const Party at_carol = carol->events.leg_to("alice")->offers;
  EXPECT_NE(at_alice, at_carol);
}

TEST_F(RoomTest, AServerThatFallsSilentIsLeftAndJoinedAgain) {
  FakeServer silent(loop_);
  silent.on_message = [&](ServerWebSocket& socket, std::string_view text) {
    if (text.find("\"join\"") != std::string_view::npos) socket.send(FakeServer::joined());
  };
  auto times = kFast;
  times.dead_after = 300ms;
  auto bot = join(config(silent.url(), "bot"), times);
  ASSERT_TRUE(until([&] { return bot->events.count("resumed") >= 2; }));
  EXPECT_GE(silent.connections, 3);
  EXPECT_EQ(bot->events.count("leg them"), 1U);
  // It asked for its old place, and it did ping.
  EXPECT_THAT(silent.heard, testing::Contains(HasSubstr("\"key\":\"k\"")));
  EXPECT_THAT(silent.heard, testing::Contains(HasSubstr("\"ping\"")));
}

TEST_F(RoomTest, ALostServerIsGivenUpInTheEnd) {
  RoomHost host(loop_);
  auto c = config(host.url(), "alice");
  c.reconnect_for = 300ms;
  auto alice = join(c);
  host.kill();
  const Error error = end_of(*alice);
  EXPECT_EQ(error.code, Code::kConnect);
  EXPECT_THAT(error.message, HasSubstr("300 ms"));
  EXPECT_EQ(alice->events.count("interrupted"), 1U);
}

TEST_F(RoomTest, AServerThatShutsDownIsWaitedFor) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  bool down = false;
  host.rooms().shut_down([&] { down = true; });
  ASSERT_TRUE(until([&] { return down && alice->events.count("interrupted") == 1; }));
  host.kill();
  host.start();
  EXPECT_TRUE(until([&] { return alice->events.count("resumed") == 1; }));
  EXPECT_FALSE(alice->events.end);
}

TEST_F(RoomTest, BeingReplacedIsTheEnd) {
  FakeServer server(loop_);
  server.on_message = [&](ServerWebSocket& socket, std::string_view text) {
    if (text.find("\"join\"") != std::string_view::npos) socket.send(FakeServer::joined());
  };
  auto bot = join(server.url(), "bot");
  server.sockets[0]->send(
      R"({"type":"error","code":"replaced","message":"the same member connected again"})");
  server.sockets[0]->close(4001, "replaced");
  EXPECT_EQ(end_of(*bot).code, Code::kDenied);
  EXPECT_EQ(server.connections, 1);
}

TEST_F(RoomTest, AnOfferNobodyAnswersIsSentAgain) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  alice.join("alice");
  auto bob = join(host.url(), "bob");
  bob->client->send(leg(*bob, "alice"), offer("v=0"));
  EXPECT_FALSE(alice.next("offer").is_null());
  EXPECT_FALSE(alice.next("offer").is_null());  // after 5 s
}

TEST_F(RoomTest, TheSameOfferTwiceIsAnsweredTwiceWithoutTheCallNoticing) {
  RoomHost host(loop_);
  auto alice = join(host.url(), "alice");
  RawMember bob(loop_, host.url());
  bob.join("bob");
  const Json offer_json = Json::object()
                              .set("type", "offer")
                              .set("to", alice->events.self)
                              .set("generation", 1)
                              .set("sdp", "v=0");
  bob.send(offer_json);
  const LegId at_alice = leg(*alice, "bob");
  ASSERT_TRUE(until([&] { return alice->events.descriptions().size() == 1; }));
  alice->client->send(at_alice, answer("the answer"));
  EXPECT_EQ(bob.next("answer").at("sdp").text(), "the answer");
  bob.send(offer_json);
  EXPECT_EQ(bob.next("answer").at("sdp").text(), "the answer");
  EXPECT_EQ(alice->events.descriptions().size(), 1U);
}

// --- TLS

class RoomTlsTest : public RoomTest {
 protected:
  RoomTlsTest() : certificate_(*auto_certificate(folder_.path(), {"localhost", "127.0.0.1"})) {}
  HttpServerConfig https() const {
    return {.cert_file = certificate_.cert_file, .key_file = certificate_.key_file};
  }
  test::TempFolder folder_;
  AutoCertificate certificate_;
};

TEST_F(RoomTlsTest, TwoMembersOverWssWithTheCa) {
  RoomHost host(loop_, {}, https());
  auto with_ca = [&](const std::string& name) {
    auto c = config(host.url(), name);
    c.ca_file = certificate_.ca_file;
    return c;
  };
  auto alice = join(with_ca("alice"));
  auto bob = join(with_ca("bob"));
  negotiate(*bob, "bob", *alice, "alice", std::string(200000, 'x'));
  host.kill();
  host.start();
  ASSERT_TRUE(until(
      [&] { return alice->events.count("resumed") == 1 && bob->events.count("resumed") == 1; }));
  negotiate(*bob, "bob", *alice, "alice", "v=0\r\n");
}

TEST_F(RoomTlsTest, AnUntrustedCertificateSaysHowToTrustIt) {
  RoomHost host(loop_, {}, https());
  auto bot = start(host.url(), "bot");
  const Error error = end_of(*bot);
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("--ca"));
}

TEST_F(RoomTlsTest, ACertificateForAnotherNameIsNotTrusted) {
  test::TempFolder other;
  auto made = auto_certificate(other.path(), {"elsewhere.example"});
  ASSERT_TRUE(made);
  RoomHost host(loop_, {}, {.cert_file = made->cert_file, .key_file = made->key_file});
  auto c = config(host.url(), "bot");
  c.ca_file = made->ca_file;
  auto bot = start(c);
  EXPECT_EQ(end_of(*bot).code, Code::kDenied);
}

TEST_F(RoomTlsTest, InsecureTrustsAnything) {
  RoomHost host(loop_, {}, https());
  auto c = config(host.url(), "bot");
  c.insecure = true;
  join(c);
}

TEST_F(RoomTlsTest, ACaFileThatIsNoneIsAUsageError) {
  RoomHost host(loop_, {}, https());
  auto c = config(host.url(), "bot");
  c.ca_file = "/nowhere/ca.pem";
  auto bot = start(c);
  EXPECT_EQ(end_of(*bot).code, Code::kUsage);
}

}  // namespace
}  // namespace callbot::signaling
