#include "signaling/room_messages.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace callbot::signaling::room {
namespace {

using testing::HasSubstr;

std::string code_of(std::string_view text, Sender sender = Sender::kClient) {
  const auto message = parse(text, sender);
  return message ? "" : message.error().code;
}

std::string join_named(const std::string& name) {
  return Json::object().set("type", "join").set("version", 1).set("name", name).dump();
}

TEST(RoomMessages, AJoinKeepsEverythingItSays) {
  const auto message = parse(
      R"({"type":"join","version":1,"name":"alice","token":"t","id":"ab12","key":"k","since":7,)"
      R"("recorder":true,"sends":true,"receives":true,"recording":"refused","audio":"on",)"
      R"("video":"off","videoSource":"screen","later":[1]})",
      Sender::kClient);
  ASSERT_TRUE(message) << message.error().message;
  const auto& join = std::get<Join>(*message);
  EXPECT_EQ(join.name, "alice");
  EXPECT_EQ(join.token, "t");
  ASSERT_TRUE(join.ticket);
  EXPECT_EQ(join.ticket->id, "ab12");
  EXPECT_EQ(join.ticket->key, "k");
  EXPECT_EQ(join.since, 7);
  EXPECT_TRUE(join.recorder && join.sends && join.receives);
  EXPECT_FALSE(join.media.may_be_recorded);
  EXPECT_EQ(join.media.audio, Member::State::kOn);
  EXPECT_EQ(join.media.video, Member::State::kOff);
  EXPECT_EQ(join.media.video_source, "screen");
}

// Text -> struct -> the same text, for one message of every type.
TEST(RoomMessages, EveryTypeIsReadAndWrittenAlike) {
  const RoomMember member{"b0",
                          "bob",
                          5,
                          false,
                          true,
                          true,
                          {Member::State::kOn, Member::State::kUnknown, "camera", false}};
  const std::vector<std::pair<Message, Sender>> all = {
      {Join{"alice", "t", Ticket{"ab", "k"}, 7, true, true, false, {}}, Sender::kClient},
      {Joined{"ab", "k", 9, "demo", {member}, {{"turn:h", "u", "c"}, {"stun:h", "", ""}}},
       Sender::kServer},
      {MemberJoined{member}, Sender::kServer},
      {MemberChanged{member}, Sender::kServer},
      {MemberLeft{"ab", "lost"}, Sender::kServer},
      {Sdp{"b0", Description::Type::kOffer, 1, "v=0\r\n", 7}, Sender::kClient},
      {Sdp{"b0", Description::Type::kAnswer, 4294967295U, "v=0\r\n", std::nullopt},
       Sender::kServer},
      {IceCandidate{"b0", 2, "candidate:1 1 UDP 1 192.0.2.1 9 typ host", "0", 3}, Sender::kClient},
      {IceCandidate{"b0", 2, "", "", 0}, Sender::kServer},
      {Renegotiate{"b0", true}, Sender::kClient},
      {State{Member::State::kOff, std::nullopt, "screen", true}, Sender::kClient},
      {Leave{}, Sender::kClient},
      {Ping{3}, Sender::kClient},
      {Pong{3}, Sender::kServer},
      {Problem{"room-full", "no place", "join"}, Sender::kServer},
  };
  std::set<size_t> seen;
  for (const auto& [message, sender] : all) {
    const std::string text = text_of(message, sender);
    const auto again = parse(text, sender);
    ASSERT_TRUE(again) << text << ": " << again.error().message;
    EXPECT_EQ(text_of(*again, sender), text);
    EXPECT_EQ(again->index(), message.index()) << text;
    seen.insert(message.index());
  }
  EXPECT_EQ(seen.size(), std::variant_size_v<Message>);
}

TEST(RoomMessages, WhatOnlyTheOtherSideSendsIsUnknown) {
  EXPECT_EQ(code_of(R"({"type":"joined"})"), "unknown-type");
  EXPECT_EQ(code_of(R"({"type":"error","code":"x","message":"y"})"), "unknown-type");
  EXPECT_EQ(code_of(R"({"type":"leave"})", Sender::kServer), "unknown-type");
  EXPECT_EQ(code_of(R"({"type":"dance"})"), "unknown-type");
}

TEST(RoomMessages, WhatIsNoMessageSaysWhy) {
  EXPECT_EQ(code_of(""), "bad-json");
  EXPECT_EQ(code_of("hello"), "bad-json");
  EXPECT_EQ(code_of("{\"type\":\"leave\"} x"), "bad-json");
  EXPECT_EQ(code_of("{\"type\":\"\xff\"}"), "bad-json");
  EXPECT_EQ(code_of(std::string(100000, '[')), "bad-json");
  EXPECT_EQ(code_of(std::string(kMostMessageBytes + 1, ' ')), "too-large");
  EXPECT_EQ(code_of("[]"), "bad-message");
  EXPECT_EQ(code_of("{}"), "bad-message");
  EXPECT_EQ(code_of(R"({"type":7})"), "bad-message");
  EXPECT_EQ(code_of(R"({"type":"join","version":2,"name":"a"})"), "bad-version");
  EXPECT_EQ(code_of(R"({"type":"join","version":"1","name":"a"})"), "bad-message");
  EXPECT_EQ(code_of(R"({"type":"join","name":"a"})"), "bad-message");
}

struct Wrong {
  const char* text;
  const char* named;  // what the complaint names
};

class WrongShape : public testing::TestWithParam<Wrong> {};

TEST_P(WrongShape, IsRefusedAndTheKeyIsNamed) {
  const auto message = parse(GetParam().text, Sender::kClient);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, "bad-message");
  EXPECT_THAT(message.error().message, HasSubstr(GetParam().named));
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongShape,
    testing::Values(
        Wrong{R"({"type":"join","version":1})", "name"},
        Wrong{R"({"type":"join","version":1,"name":{}})", "name"},
        Wrong{R"({"type":"join","version":1,"name":"a","token":5})", "token"},
        Wrong{R"({"type":"join","version":1,"name":"a","id":"x"})", "key"},
        Wrong{R"({"type":"join","version":1,"name":"a","id":"../x","key":"k"})", "id"},
        Wrong{R"({"type":"join","version":1,"name":"a","since":-1})", "since"},
        Wrong{R"({"type":"join","version":1,"name":"a","since":9007199254740993})", "since"},
        Wrong{R"({"type":"join","version":1,"name":"a","since":1.5})", "since"},
        Wrong{R"({"type":"join","version":1,"name":"a","sends":"yes"})", "sends"},
        Wrong{R"({"type":"join","version":1,"name":"a","audio":"loud"})", "audio"},
        Wrong{R"({"type":"join","version":1,"name":"a","videoSource":"window"})", "videoSource"},
        Wrong{R"({"type":"join","version":1,"name":"a","recording":true})", "recording"},
        Wrong{R"({"type":"offer","generation":1,"sdp":"v=0"})", "to"},
        Wrong{R"({"type":"offer","to":"","generation":1,"sdp":"v=0"})", "to"},
        Wrong{R"({"type":"offer","to":"b","generation":0,"sdp":"v=0"})", "generation"},
        Wrong{R"({"type":"offer","to":"b","generation":4294967296,"sdp":"v=0"})", "generation"},
        Wrong{R"({"type":"offer","to":"b","generation":1,"sdp":""})", "sdp"},
        Wrong{R"({"type":"offer","to":"b","generation":1,"sdp":["v=0"]})", "sdp"},
        Wrong{"{\"type\":\"offer\",\"to\":\"b\",\"generation\":1,\"sdp\":\"v=0\x7f\"}", "sdp"},
        Wrong{R"({"type":"candidate","to":"b","generation":1})", "candidate"},
        Wrong{R"({"type":"candidate","to":"b","generation":1,"candidate":"a\nb"})", "candidate"},
        Wrong{
            R"({"type":"candidate","to":"b","generation":1,"candidate":"","sdpMLineIndex":70000})",
            "sdpMLineIndex"},
        Wrong{R"({"type":"candidate","to":"b","generation":1,"candidate":"","sdpMid":3})",
              "sdpMid"},
        Wrong{R"({"type":"renegotiate","to":"b","restart":1})", "restart"},
        Wrong{R"({"type":"state","audio":null})", "audio"}, Wrong{R"({"type":"ping"})", "n"},
        Wrong{R"({"type":"ping","n":-1})", "n"}));

TEST(RoomMessages, LongTextsAreRefused) {
  const std::string candidate = std::string(kMostCandidateBytes + 1, 'c');
  EXPECT_EQ(code_of(text_of(IceCandidate{"b", 1, candidate, "0", 0}, Sender::kClient)),
            "bad-message");
  EXPECT_EQ(code_of(text_of(Join{"a", std::string(kMostTokenBytes + 1, 't')}, Sender::kClient)),
            "bad-message");
}

TEST(RoomMessages, NamesThatAreFine) {
  for (const char* name :
       {"a", "alice", "Zoë", "名前", "a.b", "...", "bob (2)", "👩‍👩‍👧",
        "می‌خواهم", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"})
    EXPECT_TRUE(check_name(name, "the name")) << name;
  EXPECT_TRUE(check_name(std::string(kMostNameCharacters, 'x'), "the name"));
}

TEST(RoomMessages, NamesThatAreNot) {
  const std::vector<std::pair<std::string, const char*>> wrong = {
      {"", "empty"},
      {".", "\".\""},
      {"..", "\"..\""},
      {"../etc", "'/'"},
      {"a/b", "'/'"},
      {std::string(10000, 'x'), "10000 characters"},
      {std::string(kMostNameCharacters + 1, 'x'), "65 characters"},
      {"a\nb", "U+000A"},
      {"a\x1b[31m", "U+001B"},
      {"a\x7f", "U+007F"},
      {"a\u202Eb", "U+202E"},
      {"a\u2066b", "U+2066"},
      {"a\u200Eb", "U+200E"},
      {"a\u061Cb", "U+061C"},
      {"a\uFEFFb", "U+FEFF"},
      {"a\u2028b", "U+2028"},
      {"\xff\xfe", "UTF-8"},
      {"a\uFFFD", "UTF-8"},
      {std::string("a\0b", 3), "UTF-8"},
      {" a", "white space"},
      {"a\u00A0", "white space"},
      {"   ", "visible"},
      {"\u200D", "visible"},
      {"\u3164", "U+3164"},
  };
  for (const auto& [name, why] : wrong) {
    const auto checked = check_name(name, "the name");
    ASSERT_FALSE(checked) << name;
    EXPECT_THAT(checked.error().message, HasSubstr(why));
    EXPECT_THAT(checked.error().message, testing::StartsWith("the name "));
  }
}

TEST(RoomMessages, AJoinWithABadNameSaysSo) {
  EXPECT_EQ(code_of(join_named("../x")), "bad-name");
  EXPECT_EQ(code_of(join_named(std::string(10000, 'x'))), "bad-name");
  EXPECT_EQ(code_of(join_named("a\u202E")), "bad-name");
  EXPECT_EQ(code_of(join_named("alice")), "");
}

TEST(RoomMessages, TheComplaintAboutHostileTextIsPrintable) {
  const auto message = parse("{\"type\":\"\u202Eevil\\n\"}", Sender::kClient);
  ASSERT_FALSE(message);
  EXPECT_THAT(message.error().message, Not(HasSubstr("\u202E")));
  EXPECT_THAT(message.error().message, Not(HasSubstr("\n")));
}

TEST(RoomMessages, AnIdFollowsFromItsKeyAndKeysDiffer) {
  const std::string key = make_key();
  EXPECT_EQ(key.size(), 32U);
  EXPECT_NE(key, make_key());
  EXPECT_EQ(id_for_key(key), id_for_key(key));
  EXPECT_NE(id_for_key(key), id_for_key(make_key()));
  // ROOMS.md: the beginning of SHA-256("callbot room member " + key).
  EXPECT_EQ(id_for_key("k"), "c64f4ef1c816aded5eb7");
}

TEST(RoomMessages, WhoHasALegAndWhoOffers) {
  RoomMember early{"b", "early", 1, false, true, true, {}};
  RoomMember late{"a", "late", 2, false, true, true, {}};
  EXPECT_TRUE(have_leg(early, late));
  EXPECT_TRUE(offers(late, early));
  EXPECT_FALSE(offers(early, late));

  late.recorder = true;
  late.sends = false;
  EXPECT_TRUE(have_leg(early, late));
  EXPECT_TRUE(offers(early, late));
  EXPECT_FALSE(offers(late, early));

  early.recorder = true;
  EXPECT_FALSE(have_leg(early, late));

  RoomMember watcher{"w", "watcher", 3, false, false, true, {}};
  RoomMember other_watcher{"x", "other", 4, false, false, true, {}};
  EXPECT_FALSE(have_leg(watcher, other_watcher));

  RoomMember same{"c", "same", 3, false, true, true, {}};
  EXPECT_TRUE(offers(watcher, same));  // the same since: "w" is larger than "c"
  EXPECT_FALSE(offers(same, watcher));
}

}  // namespace
}  // namespace callbot::signaling::room
