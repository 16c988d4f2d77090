#include "signaling/janus_videoroom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/janus_room.h"

namespace callbot::signaling {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

using JanusVideoRoom = JanusRoom;

TEST_F(JanusVideoRoom, JoinsWithPinNameAndToken) {
  enter(false, false, "room=1234&pin=4711&token=t0ken&secret=s3cret");
  const auto join = next("join");
  EXPECT_EQ(join.body.at("room").whole(), 1234);
  EXPECT_EQ(join.body.at("display").text(), "tester");
  EXPECT_EQ(join.body.at("pin").text(), "4711");
  EXPECT_EQ(join.body.at("token").text(), "t0ken");
  EXPECT_EQ(join.whole.at("apisecret").text(), "s3cret");
  EXPECT_EQ(log_.self, "50");
  ASSERT_TRUE(until([this] { return log_.calls.size() == 2; }));
  EXPECT_THAT(log_.calls, ElementsAre("joined", "members"));
  EXPECT_TRUE(log_.legs.empty());
}

TEST_F(JanusVideoRoom, MembersComeAndGo) {
  there_ = {feed(7, "Ann")};
  enter(false, false);
  const auto names = [this] {
    std::string all;
    for (const auto& member : log_.members) all += member.id + ":" + member.name + " ";
    return all;
  };
  ASSERT_TRUE(until([&] { return names() == "7:Ann "; }));
  publishers(feed(8, "Bob"));
  ASSERT_TRUE(until([&] { return names() == "7:Ann 8:Bob "; }));
  room_event(R"("joining":{"id":9,"display":"Cid"})");
  ASSERT_TRUE(until([&] { return names() == "7:Ann 8:Bob 9:Cid "; }));
  janus_.event(0, room_handle_, R"({"videoroom":"event","id":8,"display":"Robert"})");
  ASSERT_TRUE(until([&] { return names() == "7:Ann 8:Robert 9:Cid "; }));
  room_event(R"("unpublished":7)");
  room_event(R"("leaving":8)");
  room_event(R"("kicked":9)");
  ASSERT_TRUE(until([&] { return names() == "7:Ann "; }));
}

TEST_F(JanusVideoRoom, ALostServerIsComeBackTo) {
  there_ = {feed(7, "Ann")};
  enter(true, true);
  offer(next_join_as_subscriber(), "attached", {line(0, 7, "a")}, "offer 1");
  answer("answer 1");
  ASSERT_TRUE(until([this] { return log_.leg(Direction::kSend) != nullptr; }));
  const LegId sending = log_.leg(Direction::kSend)->id;
  signaling_->send(sending, Description{Type::kOffer, "mine 1", 1, {}});
  janus_.reply(next("publish"), R"({"videoroom":"event","configured":"ok"})", "answer", "a1");
  wait_for_offer("a1");

  self_ = 51;
  there_ = {feed(50, "our ghost"), feed(8, "Ann again")};
  on_request_ = [this](const FakeJanus::Request& request) {
    if (request.what() != "join" || request.body.at("id").is_null()) return false;
    EXPECT_EQ(request.body.at("id").whole(), 50);
    janus_.reply(request, R"({"videoroom":"event","error_code":436,"error":"User ID exists"})");
    return true;
  };
  janus_.server().drop(0);
  ASSERT_TRUE(until([this] { return log_.interruptions == 1; }));
  ASSERT_TRUE(until([this] { return log_.resumptions == 1; }));
  ASSERT_TRUE(until([this] { return log_.requests.size() == 1; }));
  EXPECT_EQ(log_.requests[0], (std::pair{sending, Request::What::kRestart}));
  ASSERT_EQ(log_.members.size(), 1U) << "what lingers of ourselves is nobody else";
  EXPECT_EQ(log_.members[0].id, "8");

  const auto join = next_join_as_subscriber();
  EXPECT_EQ(join.body.at("streams").dump(), R"([{"feed":8,"mid":"a"},{"feed":8,"mid":"v"}])");
  offer(join, "attached", {line(0, 8, "a"), line(1, 8, "v")}, "offer 2");
  EXPECT_EQ(log_.descriptions.back().second.generation, 2U);
  EXPECT_EQ(log_.legs.size(), 2U) << "the same legs";
  signaling_->send(sending, Description{Type::kOffer, "mine 2", 2, {}});
  EXPECT_EQ(next("publish").sdp(), "mine 2");
  EXPECT_EQ(std::count(log_.calls.begin(), log_.calls.end(), "joined"), 1);
}

TEST_F(JanusVideoRoom, ARoomThatIsThereLaterThanItsServerIsWaitedFor) {
  enter(false, false);
  int refused = 0;
  on_request_ = [&](const FakeJanus::Request& request) {
    if (request.what() != "join" || ++refused > 1) return false;
    janus_.reply(request, R"({"videoroom":"event","error_code":426,"error":"No such room"})");
    return true;
  };
  janus_.server().drop(0);
  ASSERT_TRUE(until([this] { return log_.resumptions == 1; }));
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(log_.interruptions, 1);
}

TEST_F(JanusVideoRoom, RefusedInClearWords) {
  for (const auto& [code, kind, words] : {std::tuple{426, Code::kConnect, "no room 1234"},
                                          {433, Code::kDenied, "--token"},
                                          {403, Code::kDenied, "?secret="}}) {
    SignalingLog log;
    on_request_ = [&, code = code](const FakeJanus::Request& request) {
      const std::string data =
          fmt::format(R"({{"videoroom":"event","error_code":{},"error":"said so"}})", code);
      if (request.type == "create" && code == 403) janus_.error(request, code, "said so");
      if (request.what() == "join") janus_.reply(request, data, "", "", "success");
      return request.what() == "join" || (request.type == "create" && code == 403);
    };
    config_.url = janus_.room_url();
    janus_.on_request = on_request_;
    auto made = make_janus_videoroom(loop_, Log("test"), config_);
    ASSERT_TRUE(made);
    (*made)->start(log);
    ASSERT_TRUE(until([&] { return log.end.has_value(); }));
    ASSERT_FALSE(*log.end);
    EXPECT_EQ(log.end->error().code, kind);
    EXPECT_THAT(log.end->error().message, HasSubstr(words));
    EXPECT_THAT(log.calls, ElementsAre("closed"));
  }
}

TEST_F(JanusVideoRoom, AServerWhoseIdsAreTexts) {
  on_request_ = [this](const FakeJanus::Request& request) {
    if (request.what() != "join") return false;
    if (request.body.at("room").text()) {
      janus_.reply(request, R"({"videoroom":"joined","id":"me-1","publishers":[
          {"id":"ann","streams":[{"type":"audio","mid":"a"}]}]})");
    } else {
      janus_.reply(request, R"({"videoroom":"event","error_code":430,
          "error":"Invalid element type"
    })");
    }
    return true;
  };
  enter(false, false);
  EXPECT_EQ(log_.self, "me-1");
  ASSERT_TRUE(until([this] { return log_.members.size() == 1; }));
  EXPECT_EQ(log_.members[0].id, "ann");
}

TEST_F(JanusVideoRoom, RemovedAndClosedRooms) {
  enter(false, false);
  room_event(R"("leaving":"ok","reason":"kicked")");
  const Error error = end();
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("kicked"));

  SignalingLog log;
  auto made = make_janus_videoroom(loop_, Log("test"), config_);
  ASSERT_TRUE(made);
  (*made)->start(log);
  ASSERT_TRUE(until([&] { return !log.self.empty(); }));
  janus_.event(client(), room_handle_, R"({"videoroom":"destroyed","room":1234})");
  ASSERT_TRUE(until([&] { return log.end.has_value(); }));
  EXPECT_EQ(log.end->error().code, Code::kConnect);
}

TEST_F(JanusVideoRoom, NotInTheRoomWithinTheDeadline) {
  config_.deadline = 200ms;
  on_request_ = [](const FakeJanus::Request& request) { return request.what() == "join"; };
  start(false, false);
  EXPECT_EQ(end().code, Code::kTimeout);
}

TEST_F(JanusVideoRoom, ClosingFreesTheSessionAndIsTheEnd) {
  subscribe_to_seven();
  signaling_->close();
  signaling_->close();
  EXPECT_FALSE(log_.end) << "called from inside close()";
  publishers(feed(8, "Bob"));
  ASSERT_TRUE(until([this] { return log_.end.has_value(); }));
  EXPECT_TRUE(*log_.end);
  EXPECT_EQ(janus_.count("destroy"), 1U);
  signaling_->send(LegId{1}, Description{});
  signaling_->request(LegId{1}, {Request::What::kRestart});
  signaling_->announce({.name = "another"});
  EXPECT_TRUE(never([this] { return log_.calls.back() != "closed"; }));
}

TEST_F(JanusVideoRoom, ClosingWhileTheServerIsAway) {
  enter(false, false);
  janus_.on_request = [](const FakeJanus::Request&) { return true; };
  janus_.server().drop(0);
  ASSERT_TRUE(until([this] { return log_.interruptions == 1; }));
  signaling_->close();
  ASSERT_TRUE(until([this] { return log_.end.has_value(); }));
  EXPECT_TRUE(*log_.end);
}

TEST_F(JanusVideoRoom, AnotherNameIsTold) {
  enter(false, false);
  signaling_->announce({.name = "renamed"});
  EXPECT_EQ(next("configure").body.at("display").text(), "renamed");
}

TEST_F(JanusVideoRoom, HostileEventsAreIgnored) {
  subscribe_to_seven();
  const size_t calls = log_.calls.size();
  for (const char* data : {R"([])", R"({"videoroom":7})", R"({"videoroom":"event","publishers":5})",
                           R"({"videoroom":"event","publishers":[{"id":{}},[],null,"x"]})",
                           R"({"videoroom":"event","leaving":{},"unpublished":[],"joining":[]})",
                           R"({"videoroom":"updated","streams":"none"})"}) {
    janus_.event(0, room_handle_, data);
    janus_.event(0, subscriber_.handle, data);
    janus_.event(0, 424242, data);
  }
  janus_.core_event(0, 424242, "hangup");
  janus_.core_event(0, 424242, "detached");
  room_event(R"("leaving":99)");
  ASSERT_TRUE(until([&] { return log_.calls.size() > calls; }));
  EXPECT_EQ(log_.members.size(), 1U);
  EXPECT_EQ(log_.legs.size(), 1U);
  EXPECT_FALSE(log_.end);
}

}  // namespace
}  // namespace callbot::signaling
