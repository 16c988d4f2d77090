#include "signaling/janus_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/janus_room.h"

namespace callbot::signaling {
namespace {

using namespace test;
using testing::HasSubstr;

using JanusPublisher = JanusRoom;

TEST_F(JanusPublisher, PublishesWhatIsOffered) {
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

TEST_F(JanusPublisher, AFreshPeerConnectionIsPublishedWhenTheOldOneIsGone) {
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

TEST_F(JanusPublisher, WhenJanusHangsUpTheCallIsAskedForAFreshOffer) {
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

TEST_F(JanusPublisher, NoPlaceForOneMoreThatSends) {
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

TEST_F(JanusPublisher, AnOfferThatWasNeverAnsweredIsPublishedAgain) {
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

}  // namespace
}  // namespace callbot::signaling
