#include "signaling/janus_videoroom.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_janus.h"
#include "tests/support/janus_process.h"
#include "tests/support/signaling_log.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::FakeJanus;
using test::JanusProcess;
using test::SignalingLog;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Type = Description::Type;

constexpr auto kSoon = 10s;
constexpr auto kAMoment = 150ms;  // for what must not happen

std::string feed(int id, const std::string& name) {
  return fmt::format(
      R"({{"id":{},"display":"{}","streams":[{{"type":"audio","mid":"a","mindex":0}},)"
      R"({{"type":"video","mid":"v","mindex":1,"description":"camera"}}]}})",
      id, name);
}

// An m-line of a subscription; feed 0: of nobody any more.
std::string line(int mid, int feed, const std::string& feed_mid) {
  if (feed == 0) return fmt::format(R"({{"mid":"{}","active":false}})", mid);
  return fmt::format(R"({{"mid":"{}","active":true,"feed_id":{},"feed_mid":"{}",)"
                     R"("feed_display":"name of {}","feed_description":"camera"}})",
                     mid, feed, feed_mid, feed);
}

std::string streams(const std::string& event, const std::vector<std::string>& lines) {
  return fmt::format(R"({{"videoroom":"{}","room":1234,"streams":[{}]}})", event,
                     fmt::join(lines, ","));
}

// One member of a room on a Janus that lets it in; the test answers all the rest.
class JanusRoom : public testing::Test {
 protected:
  void start(bool sends, bool receives, const std::string& query = "room=1234") {
    janus_.on_request = [this](const FakeJanus::Request& request) {
      if (on_request_ && on_request_(request)) return true;
      if (request.what() != "join" || request.body.at("ptype").text() != "publisher") return false;
      room_handle_ = request.handle;
      janus_.ack(request);
      janus_.reply(request, fmt::format(R"({{"videoroom":"joined","room":1234,"id":{},)"
                                        R"("private_id":77,"publishers":[{}]}})",
                                        self_, fmt::join(there_, ",")));
      return true;
    };
    config_.url = janus_.room_url(query);
    config_.self = {.name = "tester", .sends = sends, .receives = receives};
    auto made =
        make_janus_videoroom(loop_, Log("test"), config_,
                             {.transaction = 2s, .first_retry = 20ms, .longest_retry = 100ms});
    ASSERT_TRUE(made) << made.error().message;
    signaling_ = std::move(*made);
    signaling_->start(log_);
    EXPECT_TRUE(log_.calls.empty()) << "called from inside start()";
  }
  void enter(bool sends, bool receives, const std::string& query = "room=1234") {
    start(sends, receives, query);
    ASSERT_TRUE(until([this] { return !log_.self.empty() && !log_.calls.empty(); }));
  }
  bool until(const std::function<bool()>& condition) { return loop_.run_until(condition, kSoon); }
  bool never(const std::function<bool()>& condition) {
    return !loop_.run_until(condition, kAMoment);
  }
  // The next request of this name, after those that were taken already.
  FakeJanus::Request next(const std::string& name) {
    const size_t wanted = ++taken_[name];
    EXPECT_TRUE(until([&] { return janus_.count(name) >= wanted; })) << "no " << name;
    const auto* last = janus_.last(name);
    return last == nullptr ? FakeJanus::Request{} : *last;
  }
  FakeJanus::Request next_join_as_subscriber() {
    const size_t wanted = ++subscriptions_;
    const auto joins = [this] {
      std::vector<FakeJanus::Request> found;
      for (const auto& request : janus_.requests)
        if (request.body.at("ptype").text() == "subscriber") found.push_back(request);
      return found;
    };
    EXPECT_TRUE(until([&] { return joins().size() >= wanted; })) << "no subscriber joined";
    const auto found = joins();
    return found.size() < wanted ? FakeJanus::Request{} : found[wanted - 1];
  }
  void offer(const FakeJanus::Request& request, const std::string& event,
             const std::vector<std::string>& lines, const std::string& sdp) {
    janus_.reply(request, streams(event, lines), "offer", sdp);
    wait_for_offer(sdp);
  }
  void wait_for_offer(const std::string& sdp) {
    ASSERT_TRUE(until([&] {
      return !log_.descriptions.empty() && log_.descriptions.back().second.sdp == sdp;
    })) << sdp;
  }
  void answer(const std::string& sdp) {
    const auto& [leg, description] = log_.descriptions.back();
    signaling_->send(leg, Description{Type::kAnswer, sdp, description.generation, {}});
    const auto start = next("start");
    EXPECT_EQ(start.sdp(), sdp);
    EXPECT_EQ(start.whole.at("jsep").at("type").text(), "answer");
    janus_.reply(start, R"({"videoroom":"event","started":"ok"})");
  }
  // Subscribed to feed 7 with an answered offer.
  void subscribe_to_seven() {
    there_ = {feed(7, "Ann")};
    enter(false, true);
    subscriber_ = next_join_as_subscriber();
    offer(subscriber_, "attached", {line(0, 7, "a"), line(1, 7, "v")}, "offer 1");
    answer("answer 1");
  }
  void publishers(const std::string& feeds) {
    janus_.event(client(), room_handle_,
                 fmt::format(R"({{"videoroom":"event","room":1234,"publishers":[{}]}})", feeds));
  }
  void room_event(const std::string& what) {
    janus_.event(client(), room_handle_, R"({"videoroom":"event","room":1234,)" + what + "}");
  }
  size_t client() { return janus_.server().clients() - 1; }
  Error end() {
    EXPECT_TRUE(until([this] { return log_.end.has_value(); }));
    return log_.end && !*log_.end ? log_.end->error() : Error{Code::kInternal, "no error"};
  }
  void send_offer(const std::string& sdp, uint32_t generation) {
    signaling_->send(log_.legs.at(0).id, Description{Type::kOffer, sdp, generation, {}});
  }

  Loop loop_;
  FakeJanus janus_;
  JoinConfig config_;
  std::vector<std::string> there_;  // who is in the room when we come
  int64_t self_ = 50;
  std::function<bool(const FakeJanus::Request&)> on_request_;
  int64_t room_handle_ = 0;
  FakeJanus::Request subscriber_;
  std::map<std::string, size_t> taken_;
  size_t subscriptions_ = 0;
  SignalingLog log_;
  std::unique_ptr<Signaling> signaling_;
};

TEST_F(JanusRoom, JoinsWithPinNameAndToken) {
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

TEST_F(JanusRoom, MembersComeAndGo) {
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

TEST_F(JanusRoom, SubscribesToAllWhoSendWithOnePeerConnection) {
  there_ = {feed(7, "Ann"), R"({"id":9,"display":"only there"})"};
  enter(false, true);
  const auto join = next_join_as_subscriber();
  EXPECT_EQ(join.body.at("private_id").whole(), 77);
  EXPECT_EQ(join.body.at("streams").dump(), R"([{"feed":7,"mid":"a"},{"feed":7,"mid":"v"}])");
  EXPECT_NE(join.handle, room_handle_);

  janus_.reply(join, streams("attached", {line(0, 7, "a"), line(1, 7, "v")}), "offer", "offer 1");
  wait_for_offer("offer 1");
  ASSERT_EQ(log_.legs.size(), 1U);
  EXPECT_EQ(log_.legs[0].direction, Direction::kReceive);
  EXPECT_EQ(log_.legs[0].offers, Party::kThem);
  EXPECT_EQ(log_.legs[0].trickle, Trickle::kFull);
  const auto& [leg, description] = log_.descriptions[0];
  EXPECT_EQ(leg, log_.legs[0].id);
  EXPECT_EQ(description.type, Type::kOffer);
  EXPECT_EQ(description.generation, 1U);
  ASSERT_EQ(description.streams.size(), 2U);
  EXPECT_EQ(description.streams.at("1").member, "7");
  EXPECT_EQ(description.streams.at("1").name, "name of 7");
  EXPECT_EQ(description.streams.at("1").source, "camera");
}

TEST_F(JanusRoom, CandidatesWaitForTheAnswerTheyBelongTo) {
  there_ = {feed(7, "Ann")};
  enter(false, true);
  offer(next_join_as_subscriber(), "attached", {line(0, 7, "a")}, "offer 1");
  const LegId leg = log_.legs.at(0).id;
  signaling_->send(leg, Candidate{0, "0", "candidate:1", 1});
  EXPECT_TRUE(never([&] { return janus_.count("trickle") > 0; }));
  answer("answer 1");
  EXPECT_EQ(next("trickle").whole.at("candidate").at("candidate").text(), "candidate:1");
  signaling_->send(leg, Candidate{0, "0", "candidate:of another generation", 2});
  signaling_->send(leg, Candidate{0, "", "", 1});
  EXPECT_EQ(next("trickle").whole.at("candidate").at("completed").boolean(), true);
}

TEST_F(JanusRoom, TheServersCandidatesCome) {
  subscribe_to_seven();
  janus_.send(0, Json::object()
                     .set("janus", "trickle")
                     .set("session_id", janus_.session())
                     .set("sender", subscriber_.handle)
                     .set("candidate",
                          Json::object().set("candidate", "candidate:9").set("sdpMLineIndex", 1)));
  ASSERT_TRUE(until([this] { return log_.candidates.size() == 1; }));
  EXPECT_EQ(log_.candidates[0].second.text, "candidate:9");
  EXPECT_EQ(log_.candidates[0].second.generation, 1U);
}

TEST_F(JanusRoom, OneExchangeAtATime) {
  there_ = {feed(7, "Ann")};
  enter(false, true);
  const auto join = next_join_as_subscriber();
  publishers(feed(8, "Bob"));  // while the answer to the join is on its way
  ASSERT_TRUE(until([this] { return log_.members.size() == 2; }));
  offer(join, "attached", {line(0, 7, "a"), line(1, 7, "v")}, "offer 1");
  publishers(feed(9, "Cid"));  // while our answer is awaited
  ASSERT_TRUE(until([this] { return log_.members.size() == 3; }));
  EXPECT_TRUE(never([this] { return janus_.count("update") > 0; }));
  answer("answer 1");
  const auto update = next("update");
  EXPECT_EQ(update.body.at("subscribe").dump(),
            R"([{"feed":8,"mid":"a"},{"feed":8,"mid":"v"},{"feed":9,"mid":"a"},)"
            R"({"feed":9,"mid":"v"}])");
  EXPECT_TRUE(update.body.at("unsubscribe").is_null());
  offer(update, "updated",
        {line(0, 7, "a"), line(1, 7, "v"), line(2, 8, "a"), line(3, 8, "v"), line(4, 9, "a"),
         line(5, 9, "v")},
        "offer 2");
  EXPECT_EQ(log_.descriptions.back().second.generation, 1U) << "the same peer connection";
  EXPECT_EQ(log_.descriptions.back().second.streams.at("3").member, "8");
  answer("answer 2");
  EXPECT_TRUE(never([this] { return janus_.count("update") > 1; }));
}

TEST_F(JanusRoom, WhoLeavesIsUnsubscribedUnlessJanusDidIt) {
  there_ = {feed(8, "Bob")};
  subscribe_to_seven();
  there_.clear();
  publishers(feed(8, "Bob"));
  auto update = next("update");
  offer(update, "updated", {line(0, 7, "a"), line(1, 7, "v"), line(2, 8, "a"), line(3, 8, "v")},
        "offer 2");
  answer("answer 2");

  room_event(R"("leaving":7)");
  update = next("update");
  EXPECT_EQ(update.body.at("unsubscribe").dump(), R"([{"sub_mid":"0"},{"sub_mid":"1"}])");
  EXPECT_TRUE(update.body.at("subscribe").is_null());
  offer(update, "updated", {line(0, 0, ""), line(1, 0, ""), line(2, 8, "a"), line(3, 8, "v")},
        "offer 3");
  EXPECT_EQ(log_.descriptions.back().second.streams.size(), 2U);
  answer("answer 3");
  EXPECT_TRUE(never([this] { return janus_.count("update") > 2; }));
}

TEST_F(JanusRoom, AnOfferOfJanusItselfIsAnsweredLikeAnyOther) {
  subscribe_to_seven();
  publishers(feed(8, "Bob"));
  const auto update = next("update");
  // Janus was faster with an offer of its own, and puts ours off.
  janus_.event(0, subscriber_.handle, streams("updated", {line(0, 7, "a"), line(1, 0, "")}),
               "offer", "offer 2");
  janus_.reply(update, R"({"videoroom":"updating","room":1234})");
  wait_for_offer("offer 2");
  answer("answer 2");
  EXPECT_TRUE(never([this] { return janus_.count("update") > 1; }))
      << "what is only put off must not be asked for again";
  janus_.event(0, subscriber_.handle,
               streams("updated", {line(0, 7, "a"), line(1, 8, "v"), line(2, 8, "a")}), "offer",
               "offer 3");
  wait_for_offer("offer 3");
  EXPECT_EQ(log_.descriptions.back().second.streams.at("1").member, "8");
  answer("answer 3");
  // The line that Janus had taken away is wanted all the same.
  EXPECT_EQ(next("update").body.at("subscribe").dump(), R"([{"feed":7,"mid":"v"}])");
}

TEST_F(JanusRoom, AnotherOfferMayComeBeforeTheAnswersConfirmation) {
  subscribe_to_seven();
  janus_.event(0, subscriber_.handle, streams("updated", {line(0, 7, "a"), line(1, 7, "v")}),
               "offer", "offer 2");
  wait_for_offer("offer 2");
  signaling_->send(log_.legs.at(0).id, Description{Type::kAnswer, "answer 2", 1, {}});
  const auto start = next("start");
  janus_.event(0, subscriber_.handle, streams("updated", {line(0, 7, "a"), line(1, 7, "v")}),
               "offer", "offer 3");
  wait_for_offer("offer 3");
  janus_.reply(start, R"({"videoroom":"event","started":"ok"})");
  publishers(feed(8, "Bob"));
  EXPECT_TRUE(never([this] { return janus_.count("update") > 0; })) << "offer 3 is open";
  answer("answer 3");
  next("update");
}

TEST_F(JanusRoom, WhatJanusDoesNotGiveIsNotAskedForForEver) {
  subscribe_to_seven();
  publishers(feed(8, "Bob"));
  janus_.reply(next("update"), R"({"videoroom":"updated","room":1234})");  // nothing changed
  EXPECT_TRUE(never([this] { return janus_.count("update") > 1; }));
  publishers(feed(8, "Bob"));  // news of it: worth another try
  const auto update = next("update");
  offer(update, "updated", {line(0, 7, "a"), line(1, 7, "v"), line(2, 8, "a")}, "offer 2");
  answer("answer 2");
  EXPECT_TRUE(never([this] { return janus_.count("update") > 2; })) << "8's video was left out";
}

TEST_F(JanusRoom, AFeedThatIsGoneDoesNotKeepTheOthersOut) {
  there_ = {feed(7, "Ann"), feed(8, "ghost"), feed(9, "Cid")};
  const auto has_ghost = [](const Json& list) {
    for (size_t i = 0; i < list.size(); ++i)
      if (list.at(i).at("feed").whole() == 8) return true;
    return false;
  };
  std::vector<std::string> lines;
  on_request_ = [&](const FakeJanus::Request& request) {
    const bool joins = request.body.at("ptype").text() == "subscriber";
    if (request.what() == "start") {
      janus_.reply(request, R"({"videoroom":"event","started":"ok"})");
    } else if (joins || request.what() == "update") {
      const Json list = request.body.at(joins ? "streams" : "subscribe");
      if (has_ghost(list)) {
        janus_.reply(request, R"({"videoroom":"event","error_code":428,"error":"No such feed"})");
        return true;
      }
      for (size_t i = 0; i < list.size(); ++i)
        lines.push_back(line(static_cast<int>(lines.size()),
                             static_cast<int>(*list.at(i).at("feed").whole()),
                             *list.at(i).at("mid").text()));
      janus_.reply(request, streams(joins ? "attached" : "updated", lines), "offer",
                   fmt::format("offer of {}", lines.size()));
    } else {
      return false;
    }
    return true;
  };
  start(false, true);
  size_t answered = 0;
  ASSERT_TRUE(until([&] {
    for (; answered < log_.descriptions.size(); ++answered)
      signaling_->send(log_.descriptions[answered].first,
                       Description{Type::kAnswer, "answer", 1, {}});
    return answered > 0 && log_.descriptions.back().second.streams.size() == 4;
  }));
  EXPECT_EQ(log_.descriptions.back().second.streams.size(), 4U);
  EXPECT_EQ(log_.descriptions.back().second.streams.at("3").member, "9");
  const size_t asked = janus_.requests.size();
  EXPECT_TRUE(
      never([&] { return janus_.count("update") > 4 || janus_.requests.size() > asked + 3; }));
}

TEST_F(JanusRoom, TheLegGoesWithTheLastFeedAndComesWithTheNext) {
  subscribe_to_seven();
  const LegId first = log_.legs.at(0).id;
  room_event(R"("unpublished":7)");
  ASSERT_TRUE(until([this] { return log_.legs.empty(); }));
  EXPECT_EQ(next("detach").handle, subscriber_.handle);
  room_event(R"("unpublished":7)");  // Janus says it twice

  publishers(feed(7, "Ann"));
  offer(next_join_as_subscriber(), "attached", {line(0, 7, "a")}, "offer 2");
  ASSERT_EQ(log_.legs.size(), 1U);
  EXPECT_NE(log_.legs[0].id, first);
  EXPECT_EQ(log_.descriptions.back().second.generation, 1U);
}

TEST_F(JanusRoom, AHangUpBringsAFreshPeerConnectionOnTheSameLeg) {
  subscribe_to_seven();
  const LegId leg = log_.legs.at(0).id;
  janus_.core_event(0, subscriber_.handle, "hangup");
  auto join = next_join_as_subscriber();
  EXPECT_NE(join.handle, subscriber_.handle);
  offer(join, "attached", {line(0, 7, "a"), line(1, 7, "v")}, "offer 2");
  EXPECT_EQ(log_.descriptions.back().first, leg);
  EXPECT_EQ(log_.descriptions.back().second.generation, 2U);
  answer("answer 2");

  signaling_->request(leg, {Request::What::kRestart});
  join = next_join_as_subscriber();
  offer(join, "attached", {line(0, 7, "a"), line(1, 7, "v")}, "offer 3");
  EXPECT_EQ(log_.descriptions.back().second.generation, 3U);
  EXPECT_EQ(log_.legs.size(), 1U);
}

TEST_F(JanusRoom, PublishesWhatIsOffered) {
  enter(true, false);
  ASSERT_TRUE(until([this] { return log_.legs.size() == 1; }));
  EXPECT_EQ(log_.legs[0].direction, Direction::kSend);
  EXPECT_EQ(log_.legs[0].offers, Party::kUs);
  const LegId leg = log_.legs[0].id;
  signaling_->send(leg, Candidate{0, "0", "candidate:early", 1});
  signaling_->send(leg, Description{Type::kOffer, "offer 1", 1, {{"v", {"", "", "screen"}}}});
  signaling_->send(leg, Candidate{0, "0", "candidate:later", 1});
  const auto publish = next("publish");
  EXPECT_EQ(publish.handle, room_handle_);
  EXPECT_EQ(publish.sdp(), "offer 1");
  EXPECT_EQ(publish.body.at("descriptions").dump(), R"([{"mid":"v","description":"screen"}])");
  ASSERT_TRUE(until([this] { return janus_.count("trickle") == 2; }));
  janus_.reply(publish, R"({"videoroom":"event","configured":"ok"})", "answer", "answer 1");
  wait_for_offer("answer 1");
  EXPECT_EQ(log_.descriptions[0].second.type, Type::kAnswer);
  EXPECT_EQ(log_.descriptions[0].second.generation, 1U);

  send_offer("offer again", 1);
  const auto configure = next("configure");
  EXPECT_EQ(configure.sdp(), "offer again");
  janus_.reply(configure, R"({"videoroom":"event","configured":"ok"})", "answer", "answer 2");
  wait_for_offer("answer 2");
}

TEST_F(JanusRoom, AFreshPeerConnectionIsPublishedWhenTheOldOneIsGone) {
  enter(true, false);
  ASSERT_TRUE(until([this] { return log_.legs.size() == 1; }));
  send_offer("offer 1", 1);
  janus_.reply(next("publish"), R"({"videoroom":"event","configured":"ok"})", "answer", "a1");
  wait_for_offer("a1");
  const int64_t old_handle = room_handle_;
  send_offer("offer 2", 2);
  signaling_->send(log_.legs[0].id, Candidate{0, "0", "candidate:of 2", 2});
  signaling_->send(log_.legs[0].id, Candidate{0, "0", "candidate:of 1", 1});
  EXPECT_EQ(next("leave").handle, old_handle);
  EXPECT_EQ(next("detach").handle, old_handle);
  const auto publish = next("publish");
  EXPECT_EQ(publish.handle, room_handle_);
  EXPECT_NE(publish.handle, old_handle) << "a handle has one peer connection";
  EXPECT_EQ(publish.sdp(), "offer 2");
  EXPECT_EQ(janus_.last("join")->body.at("id").whole(), 50) << "the same member";
  EXPECT_EQ(next("trickle").whole.at("candidate").at("candidate").text(), "candidate:of 2");
  janus_.core_event(0, old_handle, "hangup");
  janus_.reply(publish, R"({"videoroom":"event","configured":"ok"})", "answer", "a2");
  wait_for_offer("a2");
  EXPECT_EQ(log_.descriptions.back().second.generation, 2U);
  EXPECT_TRUE(log_.requests.empty()) << "a hang-up that we asked for is no reason to restart";
  EXPECT_EQ(log_.interruptions + log_.resumptions, 0);
}

TEST_F(JanusRoom, WhenJanusHangsUpTheCallIsAskedForAFreshOffer) {
  enter(true, false);
  ASSERT_TRUE(until([this] { return log_.legs.size() == 1; }));
  send_offer("offer 1", 1);
  janus_.reply(next("publish"), R"({"videoroom":"event","configured":"ok"})", "answer", "a1");
  wait_for_offer("a1");
  janus_.core_event(0, room_handle_, "hangup");
  ASSERT_TRUE(until([this] { return log_.requests.size() == 1; }));
  EXPECT_EQ(log_.requests[0].second, Request::What::kRestart);
  send_offer("offer 2", 2);
  EXPECT_EQ(next("publish").sdp(), "offer 2");
}

TEST_F(JanusRoom, NoPlaceForOneMoreThatSends) {
  enter(true, false);
  ASSERT_TRUE(until([this] { return log_.legs.size() == 1; }));
  send_offer("offer 1", 1);
  janus_.reply(next("publish"),
               R"({"videoroom":"event","error_code":432,"error":"Maximum number reached"})");
  const Error error = end();
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("1234"));
  EXPECT_EQ(janus_.count("destroy"), 1U);
}

TEST_F(JanusRoom, ALostServerIsComeBackTo) {
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

TEST_F(JanusRoom, AnOfferThatWasNeverAnsweredIsPublishedAgain) {
  enter(true, false);
  ASSERT_TRUE(until([this] { return log_.legs.size() == 1; }));
  send_offer("offer 1", 1);
  signaling_->send(log_.legs[0].id, Candidate{0, "0", "candidate:1", 1});
  next("publish");
  janus_.server().drop(0);
  const auto publish = next("publish");
  EXPECT_EQ(publish.sdp(), "offer 1");
  ASSERT_TRUE(until([this] { return janus_.count("trickle") == 2; }));
  janus_.reply(publish, R"({"videoroom":"event","configured":"ok"})", "answer", "a1");
  wait_for_offer("a1");
  EXPECT_TRUE(log_.requests.empty());
}

TEST_F(JanusRoom, ARoomThatIsThereLaterThanItsServerIsWaitedFor) {
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

TEST_F(JanusRoom, RefusedInClearWords) {
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

TEST_F(JanusRoom, AServerWhoseIdsAreTexts) {
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

TEST_F(JanusRoom, RemovedAndClosedRooms) {
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

TEST_F(JanusRoom, NotInTheRoomWithinTheDeadline) {
  config_.deadline = 200ms;
  on_request_ = [](const FakeJanus::Request& request) { return request.what() == "join"; };
  start(false, false);
  EXPECT_EQ(end().code, Code::kTimeout);
}

TEST_F(JanusRoom, ClosingFreesTheSessionAndIsTheEnd) {
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

TEST_F(JanusRoom, ClosingWhileTheServerIsAway) {
  enter(false, false);
  janus_.on_request = [](const FakeJanus::Request&) { return true; };
  janus_.server().drop(0);
  ASSERT_TRUE(until([this] { return log_.interruptions == 1; }));
  signaling_->close();
  ASSERT_TRUE(until([this] { return log_.end.has_value(); }));
  EXPECT_TRUE(*log_.end);
}

TEST_F(JanusRoom, AnotherNameIsTold) {
  enter(false, false);
  signaling_->announce({.name = "renamed"});
  EXPECT_EQ(next("configure").body.at("display").text(), "renamed");
}

TEST_F(JanusRoom, HostileEventsAreIgnored) {
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

// The real one. Publishing needs media to become visible; here it is about the messages.

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
    if (!JanusProcess::installed()) GTEST_SKIP() << "janus is not installed";
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
