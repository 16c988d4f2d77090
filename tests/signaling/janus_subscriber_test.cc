#include "signaling/janus_subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/janus_room.h"

namespace callbot::signaling {
namespace {

using namespace test;

using JanusSubscriber = JanusRoom;

TEST_F(JanusSubscriber, SubscribesToAllWhoSendWithOnePeerConnection) {
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

TEST_F(JanusSubscriber, CandidatesWaitForTheAnswerTheyBelongTo) {
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

TEST_F(JanusSubscriber, TheServersCandidatesCome) {
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

TEST_F(JanusSubscriber, OneExchangeAtATime) {
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

TEST_F(JanusSubscriber, WhoLeavesIsUnsubscribedUnlessJanusDidIt) {
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

TEST_F(JanusSubscriber, AnOfferOfJanusItselfIsAnsweredLikeAnyOther) {
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

TEST_F(JanusSubscriber, AnotherOfferMayComeBeforeTheAnswersConfirmation) {
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

TEST_F(JanusSubscriber, WhatJanusDoesNotGiveIsNotAskedForForEver) {
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

TEST_F(JanusSubscriber, AFeedThatIsGoneDoesNotKeepTheOthersOut) {
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

TEST_F(JanusSubscriber, TheLegGoesWithTheLastFeedAndComesWithTheNext) {
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

TEST_F(JanusSubscriber, AHangUpBringsAFreshPeerConnectionOnTheSameLeg) {
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

TEST_F(JanusSubscriber, WhoWantsNoVideoSubscribesToNone) {
  there_ = {feed(7, "Ann")};
  config_.wants_video = false;
  enter(false, true);
  EXPECT_EQ(next_join_as_subscriber().body.at("streams").dump(), R"([{"feed":7,"mid":"a"}])");
}

TEST_F(JanusSubscriber, TellsWhichLayerItWantsOfEachVideoOnce) {
  config_.layer = JoinConfig::Layer::kMedium;
  subscribe_to_seven();
  const auto configure = next("configure");
  EXPECT_EQ(configure.handle, subscriber_.handle);
  EXPECT_EQ(configure.body.at("streams").dump(),
            R"([{"mid":"1","substream":1,"temporal":2,"spatial_layer":1,"temporal_layer":2}])");
  janus_.reply(configure, R"({"videoroom":"event","configured":"ok"})");

  publishers(feed(8, "Bob"));
  offer(next("update"), "updated",
        {line(0, 7, "a"), line(1, 7, "v"), line(2, 8, "a"), line(3, 8, "v")}, "offer 2");
  answer("answer 2");
  const auto again = next("configure");
  ASSERT_EQ(again.body.at("streams").size(), 1U) << "the new one";
  EXPECT_EQ(again.body.at("streams").at(size_t{0}).at("mid").text(), "3");
}

TEST_F(JanusSubscriber, WithoutAWishNoLayerIsChosen) {
  subscribe_to_seven();
  EXPECT_TRUE(never([this] { return janus_.count("configure") > 0; }));
}

}  // namespace
}  // namespace callbot::signaling
