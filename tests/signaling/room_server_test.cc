#include "signaling/room_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "signaling/room_messages.h"
#include "tests/support/raw_socket.h"
#include "tests/support/room_host.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::RawMember;
using test::RawSocket;
using test::RoomHost;
using testing::ElementsAre;
using testing::HasSubstr;

Json offer_to(const std::string& id, const std::string& sdp = "v=0\r\n") {
  return Json::object().set("type", "offer").set("to", id).set("generation", 1).set("sdp", sdp);
}
std::string text_at(const Json& json, const char* key) { return json.at(key).text().value_or(""); }

class RoomServerTest : public testing::Test {
 protected:
  bool until(const std::function<bool()>& condition) { return loop_.run_until(condition, 10s); }
  // Proof that these two still have a working room.
  void expect_room_goes_on(RawMember& alice, RawMember& bob) {
    ASSERT_TRUE(alice.ping());
    ASSERT_TRUE(bob.ping());
    alice.send(offer_to(bob.id(), "v=0\r\ns=still here\r\n"));
    EXPECT_EQ(text_at(bob.next("offer"), "sdp"), "v=0\r\ns=still here\r\n");
    EXPECT_FALSE(alice.closed());
    EXPECT_FALSE(bob.closed());
  }
  Loop loop_;
};

TEST_F(RoomServerTest, MembersSeeEachOther) {
  RoomHost host(loop_, {.ice_servers = {{"turn:turn.example", "u", "c"}}});
  RawMember alice(loop_, host.url());
  const Json joined = alice.join("alice");
  EXPECT_EQ(joined.at("version").whole(), 1);
  EXPECT_EQ(text_at(joined, "room"), "demo");
  EXPECT_EQ(joined.at("members").size(), 0U);
  EXPECT_EQ(text_at(joined.at("iceServers").at(size_t{0}), "urls"), "turn:turn.example");
  EXPECT_EQ(room::id_for_key(alice.key()), alice.id());

  RawMember bob(loop_, host.url());
  const Json members =
      bob.join(RawMember::join_message("bob").set("audio", "on").set("recorder", true))
          .at("members");
  ASSERT_EQ(members.size(), 1U);
  EXPECT_EQ(text_at(members.at(size_t{0}), "id"), alice.id());
  EXPECT_GT(bob.since(), alice.since());
  const Json seen = alice.next("member-joined").at("member");
  EXPECT_EQ(text_at(seen, "id"), bob.id());
  EXPECT_EQ(text_at(seen, "name"), "bob");
  EXPECT_EQ(text_at(seen, "audio"), "on");
  EXPECT_TRUE(seen.at("video").is_null());
  EXPECT_EQ(seen.at("recorder").boolean(), true);
  EXPECT_EQ(text_at(seen, "recording"), "allowed");
  EXPECT_FALSE(seen.at("key").text());

  bob.send(R"({"type":"leave"})");
  const Json left = alice.next("member-left");
  EXPECT_EQ(text_at(left, "id"), bob.id());
  EXPECT_EQ(text_at(left, "reason"), "left");
  ASSERT_TRUE(bob.wait_closed());
  EXPECT_EQ(bob.closed()->code, 1000);
}

TEST_F(RoomServerTest, RoomsAreApart) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url("one"));
  RawMember bob(loop_, host.url("two"));
  alice.join("alice");
  EXPECT_EQ(bob.join("alice").at("members").size(), 0U);  // the same name, another room
  alice.send(offer_to(bob.id()));
  EXPECT_EQ(alice.next_error(), "no-such-member");
  ASSERT_TRUE(bob.ping());
  EXPECT_EQ(bob.count("offer"), 0U);
  EXPECT_THAT(host.rooms().rooms(), ElementsAre("one", "two"));
}

TEST_F(RoomServerTest, RelaysEverythingWithFromInsteadOfTo) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  bob.send(offer_to(alice.id(), "v=0\r\no=- \"x\"\t\r\n"));
  const Json offer = alice.next("offer");
  EXPECT_EQ(text_at(offer, "from"), bob.id());
  EXPECT_TRUE(offer.at("to").is_null());
  EXPECT_EQ(text_at(offer, "sdp"), "v=0\r\no=- \"x\"\t\r\n");
  EXPECT_EQ(offer.at("generation").whole(), 1);
  alice.send(Json::object()
                 .set("type", "answer")
                 .set("to", bob.id())
                 .set("generation", 1)
                 .set("sdp", "v=0"));
  EXPECT_EQ(text_at(bob.next("answer"), "from"), alice.id());
  alice.send(Json::object()
                 .set("type", "candidate")
                 .set("to", bob.id())
                 .set("generation", 1)
                 .set("candidate", "candidate:1")
                 .set("sdpMid", "a")
                 .set("sdpMLineIndex", 2));
  const Json candidate = bob.next("candidate");
  EXPECT_EQ(text_at(candidate, "candidate"), "candidate:1");
  EXPECT_EQ(text_at(candidate, "sdpMid"), "a");
  EXPECT_EQ(candidate.at("sdpMLineIndex").whole(), 2);
  alice.send(Json::object().set("type", "renegotiate").set("to", bob.id()).set("restart", true));
  EXPECT_EQ(bob.next("renegotiate").at("restart").boolean(), true);
}

TEST_F(RoomServerTest, StateChangesAreToldAndKept) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  bob.send(R"({"type":"state","audio":"off","videoSource":"screen","recording":"refused"})");
  const Json member = alice.next("member-changed").at("member");
  EXPECT_EQ(text_at(member, "audio"), "off");
  EXPECT_EQ(text_at(member, "videoSource"), "screen");
  EXPECT_EQ(text_at(member, "recording"), "refused");
  EXPECT_EQ(text_at(member, "name"), "bob");
  bob.send(R"({"type":"state","audio":"off"})");  // no change: nothing to tell
  ASSERT_TRUE(bob.ping());
  ASSERT_TRUE(alice.ping());
  EXPECT_EQ(alice.count("member-changed"), 0U);
  const auto members = host.rooms().members("demo");
  ASSERT_EQ(members.size(), 2U);
  const auto& kept = members[0].name == "bob" ? members[0] : members[1];
  EXPECT_FALSE(kept.may_be_recorded);
  EXPECT_EQ(kept.audio, Member::State::kOff);
}

TEST_F(RoomServerTest, TheTokenHasToBeRight) {
  RoomHost host(loop_, {.token = "s3cret"});
  auto error_with = [&](const Json& message) {
    RawMember member(loop_, host.url());
    member.open();
    member.send(message);
    const std::string code = member.next_error();
    EXPECT_TRUE(member.wait_closed());
    EXPECT_EQ(member.closed()->code, 1008);
    return code;
  };
  EXPECT_EQ(error_with(RawMember::join_message("a")), "bad-token");
  EXPECT_EQ(error_with(RawMember::join_message("a").set("token", "")), "bad-token");
  EXPECT_EQ(error_with(RawMember::join_message("a").set("token", "s3cre")), "bad-token");
  EXPECT_EQ(error_with(RawMember::join_message("a").set("token", "s3cret ")), "bad-token");
  RawMember member(loop_, host.url());
  EXPECT_FALSE(member.join(RawMember::join_message("a").set("token", "s3cret")).is_null());
  EXPECT_EQ(host.rooms().members("demo").size(), 1U);
}

TEST_F(RoomServerTest, AFullRoomTakesNobodyAndGoesOn) {
  RoomHost host(loop_, {.most_members = 2, .most_rooms = 1});
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  RawMember carol(loop_, host.url());
  ASSERT_TRUE(carol.open());
  carol.send(RawMember::join_message("carol"));
  EXPECT_EQ(carol.next_error(), "room-full");
  EXPECT_TRUE(carol.wait_closed());
  RawMember other(loop_, host.url("other"));
  ASSERT_TRUE(other.open());
  other.send(RawMember::join_message("dave"));
  EXPECT_EQ(other.next_error(), "room-full");
  expect_room_goes_on(alice, bob);
}

TEST_F(RoomServerTest, ANameIsTakenOnce) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("Zo\u00EB");
  bob.join("bob");
  RawMember impostor(loop_, host.url());
  ASSERT_TRUE(impostor.open());
  impostor.send(RawMember::join_message("Zoe\u0308"));  // the same, composed otherwise
  EXPECT_EQ(impostor.next_error(), "name-in-use");
  EXPECT_TRUE(impostor.wait_closed());
  expect_room_goes_on(alice, bob);
}

// --- bad input: each time the two others have to go on

struct Bad {
  const char* what;
  std::string text;
  const char* code;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.what; }

class BadFirstMessage : public RoomServerTest, public testing::WithParamInterface<Bad> {};

TEST_P(BadFirstMessage, EndsOnlyItsSender) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  RawMember mallory(loop_, host.url());
  ASSERT_TRUE(mallory.open());
  mallory.send(GetParam().text);
  EXPECT_EQ(mallory.next_error(), GetParam().code);
  EXPECT_TRUE(mallory.wait_closed());
  EXPECT_EQ(mallory.closed()->code, std::string(GetParam().code) == "too-large" ? 1009 : 1008);
  expect_room_goes_on(alice, bob);
  EXPECT_EQ(host.rooms().members("demo").size(), 2U);
}

std::string join_as(const std::string& name) { return RawMember::join_message(name).dump(); }

const std::vector<Bad>& bad_messages() {
  static const std::vector<Bad> bad = {
      {"5 MB", std::string(5000000, 'x'), "too-large"},
      {"a 5 MB join", join_as(std::string(5000000, 'x')), "too-large"},
      {"no JSON", "hello", "bad-json"},
      {"empty", "", "bad-json"},
      {"100000 deep", std::string(100000, '['), "bad-json"},
      {"deep objects",
       [] {
         std::string text;
         for (int i = 0; i < 100000; ++i) text += "{\"a\":";
         return text;
       }(),
       "bad-json"},
      {"an array", "[1,2]", "bad-message"},
      {"no type", "{}", "bad-message"},
      {"a type of the wrong shape", R"({"type":{"a":1}})", "bad-message"},
      {"unknown type", R"({"type":"dance"})", "unknown-type"},
      {"a server's type", R"({"type":"joined"})", "unknown-type"},
      {"name of the wrong shape", R"({"type":"join","version":1,"name":[]})", "bad-message"},
      {"another version", R"({"type":"join","version":99,"name":"m"})", "bad-version"},
      {"10000 characters", join_as(std::string(10000, 'n')), "bad-name"},
      {"dots", join_as("../../etc/passwd"), "bad-name"},
      {"control characters", join_as("a\x1b[2Jb"), "bad-name"},
      {"bidi marks", join_as("a\u202Eb"), "bad-name"},
      {"nothing visible", join_as("\u200D"), "bad-name"},
      {"a ping first", R"({"type":"ping","n":1})", "not-joined"},
      {"an offer first", R"({"type":"offer","to":"x","generation":1,"sdp":"v=0"})", "not-joined"},
      {"a foreign id",
       R"({"type":"join","version":1,"name":"m","id":"0123456789abcdef0123","key":"k"})",
       "bad-key"},
  };
  return bad;
}

INSTANTIATE_TEST_SUITE_P(All, BadFirstMessage, testing::ValuesIn(bad_messages()));

class BadLaterMessage : public RoomServerTest, public testing::WithParamInterface<Bad> {};

TEST_P(BadLaterMessage, IsAnsweredAndNothingElseHappens) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  RawMember mallory(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  mallory.join("mallory");
  mallory.send(GetParam().text);
  EXPECT_EQ(mallory.next_error(), GetParam().code);
  EXPECT_TRUE(mallory.ping());
  expect_room_goes_on(alice, bob);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLaterMessage,
    testing::Values(
        Bad{"no JSON", "hello", "bad-json"},
        Bad{"100000 deep", std::string(100000, '['), "bad-json"},
        Bad{"no type", "{}", "bad-message"}, Bad{"unknown type", R"({"type":"x"})", "unknown-type"},
        Bad{"join again", join_as("mallory2"), "already-joined"},
        Bad{"to nobody", R"({"type":"offer","to":"nobody","generation":1,"sdp":"v=0"})",
            "no-such-member"},
        Bad{"garbage for an SDP", R"({"type":"offer","to":"x","generation":1,"sdp":7})",
            "bad-message"},
        Bad{"a candidate with a line end",
            R"({"type":"candidate","to":"x","generation":1,"candidate":"a\r\nb"})", "bad-message"},
        Bad{"a candidate to nobody",
            R"({"type":"candidate","to":"x","generation":1,"candidate":"garbage"})",
            "no-such-member"},
        Bad{"a state of the wrong shape", R"({"type":"state","audio":"loud"})", "bad-message"}));

TEST_F(RoomServerTest, BadRoomNamesAreRefusedOnceConnected) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  for (const std::string& room :
       {std::string(10000, 'r'), std::string("..%2F..%2Fetc"), std::string("a%0Ab"),
        std::string("a%1B[2J"), std::string("a%E2%80%AEb"), std::string("%FF%FE"),
        std::string("a%00b"), std::string("%20")}) {
    RawMember mallory(loop_, host.url(room));
    ASSERT_TRUE(mallory.open()) << room;
    EXPECT_EQ(mallory.next_error(), "bad-room") << room;
    EXPECT_TRUE(mallory.wait_closed());
  }
  // Most clients' libraries would not let this out.
  RawSocket dots(loop_, host.port());
  ASSERT_TRUE(dots.send("GET /rooms/%2E%2E HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  EXPECT_TRUE(dots.wait_for("HTTP/1.1 404"));
  expect_room_goes_on(alice, bob);
  EXPECT_THAT(host.rooms().rooms(), ElementsAre("demo"));
}

TEST_F(RoomServerTest, AMessageMadeLongerByEscapingHurtsNobody) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  // C1 control characters have two bytes here, and may have six when written.
  std::string sdp;
  while (sdp.size() < 1000000) sdp += "\u0085";
  alice.send(offer_to(bob.id(), sdp));
  ASSERT_TRUE(alice.ping());
  expect_room_goes_on(alice, bob);
}

TEST_F(RoomServerTest, AnOfferOfAMegabyteIsPassedOnWhole) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  const Json empty = offer_to(bob.id(), "");
  const std::string sdp(room::kMostMessageBytes - empty.dump().size(), 'x');
  alice.send(offer_to(bob.id(), sdp));
  EXPECT_EQ(text_at(bob.next("offer"), "sdp"), sdp);
  alice.send(offer_to(bob.id(), sdp + "x"));
  EXPECT_EQ(alice.next_error(), "too-large");
  EXPECT_TRUE(alice.wait_closed());
  EXPECT_TRUE(bob.ping());
}

TEST_F(RoomServerTest, AFloodOfMessagesEndsOnlyItsSender) {
  RoomHost host(loop_, {.burst_messages = 100, .messages_per_second = 10});
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  RawMember mallory(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  mallory.join("mallory");
  for (int i = 0; i < 1000; ++i) mallory.send(R"({"type":"ping","n":1})");
  EXPECT_EQ(mallory.next_error(), "rate-limit");
  EXPECT_TRUE(mallory.wait_closed());
  expect_room_goes_on(alice, bob);
}

TEST_F(RoomServerTest, AFloodOfBytesEndsOnlyItsSender) {
  RoomServerConfig config;
  config.socket.burst_bytes = 2e6;
  config.socket.bytes_per_second = 1e5;
  RoomHost host(loop_, config);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  RawMember mallory(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  mallory.join("mallory");
  const std::string text = offer_to("nobody", std::string(900000, 'x')).dump();
  for (int i = 0; i < 10; ++i) mallory.send(text);
  std::string code;
  do code = mallory.next_error();
  while (code == "no-such-member");
  EXPECT_EQ(code, "rate-limit");
  EXPECT_TRUE(mallory.wait_closed());
  expect_room_goes_on(alice, bob);
}

TEST_F(RoomServerTest, AMemberThatReadsNothingDisturbsNobody) {
  RoomServerConfig config;
  config.socket.burst_bytes = 1e9;
  config.burst_messages = 1e9;
  RoomHost host(loop_, config);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  RawSocket deaf(loop_, host.port());
  ASSERT_TRUE(deaf.open_websocket("/rooms/demo"));
  ASSERT_TRUE(deaf.send(RawSocket::frame(1, join_as("deaf"))));
  alice.next("member-joined");  // bob
  const std::string id = text_at(alice.next("member-joined").at("member"), "id");
  const Json large = offer_to(id, std::string(500000, 'x'));
  bool busy = false;
  for (int i = 0; i < 100 && !busy; ++i) {
    alice.send(large);
    alice.send(R"({"type":"dance"})");  // is answered in any case, after the offer
    busy = alice.next_error() == "busy";
  }
  EXPECT_TRUE(busy);
  expect_room_goes_on(alice, bob);
  EXPECT_EQ(host.rooms().members("demo").size(), 3U);
}

TEST_F(RoomServerTest, AConnectionThatNeverJoinsIsClosed) {
  RoomHost host(loop_, {.join_within = 100ms});
  RawMember idle(loop_, host.url());
  ASSERT_TRUE(idle.open());
  EXPECT_EQ(idle.next_error(), "not-joined");
  EXPECT_TRUE(idle.wait_closed());
}

// --- losing the connection and coming back

TEST_F(RoomServerTest, ALostMemberIsThereUntilTheGraceIsOver) {
  RoomHost host(loop_, {.grace = 200ms});
  RawMember alice(loop_, host.url());
  alice.join("alice");
  {
    RawMember bob(loop_, host.url());
    bob.join("bob");
    alice.next("member-joined");
    bob.drop();
  }
  ASSERT_TRUE(alice.ping());
  EXPECT_EQ(host.rooms().members("demo").size(), 2U);
  EXPECT_EQ(text_at(alice.next("member-left"), "reason"), "lost");
  EXPECT_EQ(host.rooms().members("demo").size(), 1U);
}

TEST_F(RoomServerTest, ComingBackInTimeNobodyNoticesAndNothingIsLost) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  alice.next("member-joined");
  bob.close();
  ASSERT_TRUE(bob.wait_closed());
  alice.send(offer_to(bob.id(), "v=0\r\ns=meanwhile\r\n"));
  ASSERT_TRUE(alice.ping());

  RawMember again(loop_, host.url());
  const Json joined = again.join(bob.comeback_message("bob"));
  EXPECT_EQ(again.id(), bob.id());
  EXPECT_EQ(again.since(), bob.since());
  EXPECT_EQ(again.key(), bob.key());
  EXPECT_EQ(joined.at("members").size(), 1U);
  EXPECT_EQ(text_at(again.next("offer"), "sdp"), "v=0\r\ns=meanwhile\r\n");
  ASSERT_TRUE(alice.ping());
  EXPECT_EQ(
      alice.count("member-left") + alice.count("member-joined") + alice.count("member-changed"),
      0U);
  expect_room_goes_on(alice, again);
}

TEST_F(RoomServerTest, WhatIsKeptForAnAwayMemberIsBounded) {
  RoomServerConfig config;
  config.socket.burst_bytes = 1e9;
  RoomHost host(loop_, config);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  bob.close();
  ASSERT_TRUE(bob.wait_closed());
  for (int i = 0; i < 8; ++i) alice.send(offer_to(bob.id(), std::string(900000, 'x')));
  EXPECT_EQ(alice.next_error(), "busy");
  RawMember again(loop_, host.url());
  again.join(bob.comeback_message("bob"));
  ASSERT_TRUE(again.ping());
  EXPECT_EQ(host.rooms().members("demo").size(), 2U);
}

TEST_F(RoomServerTest, ASecondConnectionTakesOverTheFirst) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  RawMember again(loop_, host.url());
  again.join(bob.comeback_message("bob"));
  EXPECT_EQ(again.id(), bob.id());
  EXPECT_EQ(bob.next_error(), "replaced");
  EXPECT_TRUE(bob.wait_closed());
  EXPECT_EQ(bob.closed()->code, 4001);
  expect_room_goes_on(alice, again);
  EXPECT_EQ(alice.count("member-left"), 0U);
}

TEST_F(RoomServerTest, AnIdAloneTakesNothingOver) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  RawMember mallory(loop_, host.url());
  ASSERT_TRUE(mallory.open());
  mallory.send(RawMember::join_message("bob").set("id", bob.id()).set("key", alice.key()));
  EXPECT_EQ(mallory.next_error(), "bad-key");
  expect_room_goes_on(alice, bob);
}

TEST_F(RoomServerTest, ANewMemberMayTakeTheNameOfALostOne) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  bob.close();
  ASSERT_TRUE(bob.wait_closed());
  RawMember fresh(loop_, host.url());
  EXPECT_EQ(fresh.join("bob").at("members").size(), 1U);
  EXPECT_NE(fresh.id(), bob.id());
  const Json left = alice.next("member-left");
  EXPECT_EQ(text_at(left, "id"), bob.id());
  EXPECT_EQ(text_at(left, "reason"), "replaced");
  // And the lost one does not get it back.
  RawMember late(loop_, host.url());
  ASSERT_TRUE(late.open());
  late.send(bob.comeback_message("bob"));
  EXPECT_EQ(late.next_error(), "name-in-use");
}

TEST_F(RoomServerTest, ARestartedServerGivesTheSameIdsAndKeepsTheOrder) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  host.kill();
  ASSERT_TRUE(alice.wait_closed());
  host.start();
  // No server comes back within the millisecond that the members came in.
  ASSERT_TRUE(loop_.run_until([&] { return wall_ns() / 1'000'000 > bob.since(); }, 1s));
  RawMember carol(loop_, host.url());  // came after the restart, before the others
  carol.join("carol");
  RawMember bob_again(loop_, host.url());
  bob_again.join(bob.comeback_message("bob"));
  RawMember alice_again(loop_, host.url());
  alice_again.join(alice.comeback_message("alice"));
  EXPECT_EQ(alice_again.id(), alice.id());
  EXPECT_EQ(bob_again.id(), bob.id());
  EXPECT_EQ(alice_again.since(), alice.since());
  EXPECT_EQ(bob_again.since(), bob.since());
  EXPECT_GE(carol.since(), bob.since());
  expect_room_goes_on(alice_again, bob_again);
}

TEST_F(RoomServerTest, ASilentConnectionIsTakenForDead) {
  RoomHost host(loop_, {.dead_after = 200ms, .grace = 100ms});
  RawMember alice(loop_, host.url());
  RawMember silent(loop_, host.url());
  alice.join("alice");
  silent.join("silent");
  alice.next("member-joined");
  // Alice pings; the other one is silent, though its WebSocket still answers pings.
  Timer pings;
  pings.every(50ms, [&] { alice.send(R"({"type":"ping","n":1})"); });
  EXPECT_EQ(text_at(alice.next("member-left"), "reason"), "lost");
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_FALSE(alice.closed());
}

// --- for who embeds the server

TEST_F(RoomServerTest, HooksTellWhenARoomHasPeople) {
  std::vector<std::string> events;
  RoomHooks hooks;
  hooks.opened = [&](const std::string& room) { events.push_back("opened " + room); };
  hooks.emptied = [&](const std::string& room) { events.push_back("emptied " + room); };
  size_t last_count = 0;
  hooks.changed = [&](const std::string&, const std::vector<Member>& members) {
    last_count = members.size();
  };
  RoomHost host(loop_, {}, {}, hooks);
  RawMember recorder(loop_, host.url());
  recorder.join(RawMember::join_message("rec").set("recorder", true));
  ASSERT_TRUE(recorder.ping());
  EXPECT_TRUE(events.empty());
  RawMember alice(loop_, host.url());
  RawMember bob(loop_, host.url());
  alice.join("alice");
  bob.join("bob");
  ASSERT_TRUE(bob.ping());
  EXPECT_THAT(events, ElementsAre("opened demo"));
  EXPECT_EQ(last_count, 3U);
  alice.send(R"({"type":"leave"})");
  bob.send(R"({"type":"leave"})");
  EXPECT_TRUE(until([&] { return events.size() == 2 && last_count == 1; }));
  EXPECT_THAT(events, ElementsAre("opened demo", "emptied demo"));
  EXPECT_EQ(host.rooms().members("demo").size(), 1U);
}

TEST_F(RoomServerTest, ShutDownSaysGoodbyeToAll) {
  RoomHost host(loop_);
  RawMember alice(loop_, host.url());
  RawMember idle(loop_, host.url());
  alice.join("alice");
  ASSERT_TRUE(idle.open());
  int done = 0;
  host.rooms().shut_down([&] { ++done; });
  EXPECT_EQ(done, 0);
  EXPECT_EQ(alice.next_error(), "shutting-down");
  EXPECT_EQ(idle.next_error(), "shutting-down");
  EXPECT_TRUE(until([&] { return done == 1; }));
  ASSERT_TRUE(alice.wait_closed());
  EXPECT_EQ(alice.closed()->code, 1001);
  RawMember late(loop_, host.url());
  ASSERT_TRUE(late.open());
  EXPECT_EQ(late.next_error(), "shutting-down");
}

TEST_F(RoomServerTest, ShutDownDoesNotWaitForTheDead) {
  RoomHost host(loop_);
  RawSocket dead(loop_, host.port());
  ASSERT_TRUE(dead.open_websocket("/rooms/demo"));
  bool done = false;
  host.rooms().shut_down([&] { done = true; });
  EXPECT_TRUE(until([&] { return done; }));
}

TEST_F(RoomServerTest, ManyMembersComeAndGo) {
  RoomHost host(loop_);
  RawMember watcher(loop_, host.url());
  watcher.join("watcher");
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<RawMember>> crowd;
    for (int i = 0; i < 30; ++i) {
      crowd.push_back(std::make_unique<RawMember>(loop_, host.url()));
      ASSERT_FALSE(crowd.back()->join("m" + std::to_string(i)).is_null());
    }
    EXPECT_EQ(host.rooms().members("demo").size(), 31U);
    for (auto& member : crowd) member->send(R"({"type":"leave"})");
    EXPECT_TRUE(until([&] { return host.rooms().members("demo").size() == 1; }));
  }
  EXPECT_TRUE(watcher.ping());
}

}  // namespace
}  // namespace callbot::signaling
