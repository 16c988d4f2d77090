// The VideoRoom against a real Janus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signaling/janus_videoroom.h"
#include "tests/support/janus_process.h"
#include "tests/support/signaling_log.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::JanusProcess;
using test::SignalingLog;
using testing::HasSubstr;
using testing::Not;
using Type = Description::Type;

constexpr auto kSoon = 10s;

// What is published becomes visible with its media only; here it is about the messages.

constexpr const char* kOffer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n"
    "a=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    "a=fingerprint:sha-256 "
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:"
    "FF\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:1 cname:x\r\n";

class RealJanusRoom : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = JanusProcess::unavailable(); !why.empty()) GTEST_SKIP() << why;
    ASSERT_TRUE(JanusProcess::installed()) << JanusProcess::kHowTo;
  }
  void serve(test::JanusSetup setup = {}) {
    auto janus = JanusProcess::start(loop_, std::move(setup));
    ASSERT_TRUE(janus) << janus.error().message;
    janus_ = std::move(*janus);
  }
  std::unique_ptr<Signaling> join(SignalingLog& log, const std::string& query,
                                  const Self& self = {.name = "tester"},
                                  const std::string& token = "") {
    JoinConfig config;
    config.url = janus_->room_url(query);
    config.self = self;
    config.token = token;
    config.reconnect_for = 30s;
    auto made = make_janus_videoroom(loop_, Log("test"), config);
    EXPECT_TRUE(made);
    (*made)->start(log);
    EXPECT_TRUE(loop_.run_until([&] { return log.end || !log.self.empty(); }, 20s));
    return std::move(*made);
  }
  Error refused(const std::string& query, const std::string& token = "") {
    SignalingLog log;
    const auto signaling = join(log, query, {.name = "tester"}, token);
    EXPECT_TRUE(log.end && !*log.end) << query;
    return log.end && !*log.end ? log.end->error() : Error{Code::kInternal, "let in"};
  }
  Loop loop_;
  std::unique_ptr<JanusProcess> janus_;
};

TEST_F(RealJanusRoom, LetsInWhoMayAndSaysWhyNot) {
  serve({.rooms = "room-1234: { publishers = 2 }\n"
                  "room-5: { publishers = 2 pin = \"4711\" }\n"
                  "room-6: { publishers = 2 secret = \"for those who manage it\" }",
         .general = "api_secret = \"s3cret\""});
  SignalingLog plain, pin, token, managed;
  const auto a = join(plain, "room=1234&secret=s3cret");
  EXPECT_NE(plain.self, "");
  const auto b = join(pin, "room=5&pin=4711&secret=s3cret");
  EXPECT_NE(pin.self, "");
  const auto c = join(token, "room=5&apisecret=s3cret", {.name = "x"}, "4711");
  EXPECT_NE(token.self, "");
  const auto d = join(managed, "room=6&secret=s3cret");
  EXPECT_NE(managed.self, "") << "a room's secret is not for joining it";

  EXPECT_EQ(refused("room=1234").code, Code::kDenied);
  EXPECT_THAT(refused("room=1234&secret=wrong").message, HasSubstr("?secret="));
  EXPECT_EQ(refused("room=5&secret=s3cret").code, Code::kDenied);
  EXPECT_THAT(refused("room=5&pin=wrong&secret=s3cret").message, HasSubstr("pin"));
  const Error no_room = refused("room=99&secret=s3cret");
  EXPECT_EQ(no_room.code, Code::kConnect);
  EXPECT_THAT(no_room.message, HasSubstr("no room 99"));
  EXPECT_EQ(refused("room=a%20name&secret=s3cret").code, Code::kConnect);

  a->close();
  ASSERT_TRUE(loop_.run_until([&] { return plain.end.has_value(); }, kSoon));
  EXPECT_TRUE(*plain.end);
}

TEST_F(RealJanusRoom, RoomsWithNamesAndWithNumbersWhereIdsAreTexts) {
  serve({.rooms = "room-demo: { publishers = 2 }\nroom-1234: { publishers = 2 }",
         .plugin_general = "string_ids = true"});
  SignalingLog by_name, by_number;
  const auto a = join(by_name, "room=demo");
  EXPECT_NE(by_name.self, "");
  const auto b = join(by_number, "room=1234");
  EXPECT_NE(by_number.self, "");
}

TEST_F(RealJanusRoom, SeesTheOthersWhereTheRoomTells) {
  serve({.rooms = "room-1234: { publishers = 5 notify_joining = true }"});
  SignalingLog ann, bob;
  const auto a = join(ann, "room=1234", {.name = "Ann"});
  auto b = join(bob, "room=1234", {.name = "Bob"});
  ASSERT_TRUE(
      loop_.run_until([&] { return ann.members.size() == 1 && bob.members.size() == 1; }, kSoon));
  EXPECT_EQ(ann.members[0].name, "Bob");
  EXPECT_EQ(ann.members[0].id, bob.self);
  EXPECT_EQ(bob.members[0].name, "Ann");
  a->announce({.name = "Anna"});
  ASSERT_TRUE(loop_.run_until([&] { return bob.members[0].name == "Anna"; }, kSoon));
  b.reset();  // without goodbye
  EXPECT_TRUE(loop_.run_until([&] { return ann.members.empty(); }, kSoon));
}

TEST_F(RealJanusRoom, AnswersAnOfferAndAFreshOneOnTheSameLeg) {
  serve();
  SignalingLog log;
  const auto signaling = join(log, "room=1234", {.name = "sender", .sends = true});
  ASSERT_TRUE(loop_.run_until([&] { return log.legs.size() == 1; }, kSoon));
  const LegId leg = log.legs[0].id;
  for (uint32_t generation : {1U, 2U}) {
    signaling->send(leg, Description{Type::kOffer, kOffer, generation, {}});
    signaling->send(
        leg, Candidate{0, "0", "candidate:1 1 udp 2013266431 127.0.0.1 9 typ host", generation});
    signaling->send(leg, Candidate{0, "0", "", generation});
    ASSERT_TRUE(
        loop_.run_until([&] { return log.end || log.descriptions.size() == generation; }, kSoon));
    ASSERT_FALSE(log.end) << log.end->error().message;
    const Description& answer = log.descriptions.back().second;
    EXPECT_EQ(answer.type, Type::kAnswer);
    EXPECT_EQ(answer.generation, generation);
    EXPECT_THAT(answer.sdp, HasSubstr("m=audio"));
    EXPECT_THAT(answer.sdp, Not(HasSubstr("(null)")));
    EXPECT_THAT(answer.sdp, HasSubstr("a=ice-ufrag:"));
  }
}

TEST_F(RealJanusRoom, AnOfferThatIsNoneIsRefusedInClearWords) {
  serve();
  SignalingLog log;
  const auto signaling = join(log, "room=1234", {.name = "sender", .sends = true});
  ASSERT_TRUE(loop_.run_until([&] { return log.legs.size() == 1; }, kSoon));
  signaling->send(log.legs[0].id, Description{Type::kOffer, "nonsense", 1, {}});
  ASSERT_TRUE(loop_.run_until([&] { return log.end.has_value(); }, kSoon));
  ASSERT_FALSE(*log.end);
  EXPECT_THAT(log.end->error().message, HasSubstr("publishing"));
}

TEST_F(RealJanusRoom, TheServersCandidatesTrickleWhereItIsSetUpSo) {
  serve({.full_trickle = true});
  SignalingLog log;
  const auto signaling = join(log, "room=1234", {.name = "sender", .sends = true});
  ASSERT_TRUE(loop_.run_until([&] { return log.legs.size() == 1; }, kSoon));
  signaling->send(log.legs[0].id, Description{Type::kOffer, kOffer, 1, {}});
  ASSERT_TRUE(loop_.run_until(
      [&] { return !log.candidates.empty() && log.candidates.back().second.text.empty(); }, kSoon));
  EXPECT_THAT(log.candidates[0].second.text, HasSubstr("typ host"));
}

TEST_F(RealJanusRoom, AKilledServerIsComeBackToUnderTheSameId) {
  serve();
  SignalingLog log;
  const auto signaling = join(log, "room=1234", {.name = "sender", .sends = true});
  ASSERT_TRUE(loop_.run_until([&] { return log.legs.size() == 1; }, kSoon));
  signaling->send(log.legs[0].id, Description{Type::kOffer, kOffer, 1, {}});
  ASSERT_TRUE(loop_.run_until([&] { return log.descriptions.size() == 1; }, kSoon));
  janus_->kill();
  ASSERT_TRUE(loop_.run_until([&] { return log.interruptions == 1; }, kSoon));
  ASSERT_TRUE(janus_->run());
  ASSERT_TRUE(loop_.run_until([&] { return log.resumptions == 1; }, 20s));
  ASSERT_TRUE(loop_.run_until([&] { return log.requests.size() == 1; }, kSoon));

  SignalingLog other;
  const auto second = join(other, "room=1234", {.name = "watcher"});
  signaling->send(log.legs[0].id, Description{Type::kOffer, kOffer, 2, {}});
  EXPECT_TRUE(loop_.run_until([&] { return log.descriptions.size() == 2; }, kSoon));
  EXPECT_FALSE(log.end);
}

}  // namespace
}  // namespace callbot::signaling
