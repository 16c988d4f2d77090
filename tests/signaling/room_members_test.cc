#include "signaling/room_members.h"

#include <gtest/gtest.h>

#include "tests/support/signaling_log.h"

namespace callbot::signaling {
namespace {

room::RoomMember member(const std::string& id, int64_t since, bool sends = true) {
  return {.id = id, .name = id, .since = since, .sends = sends, .receives = true};
}

class RoomMembersTest : public testing::Test {
 protected:
  void join(const std::vector<room::RoomMember>& others) {
    members_.joined(member("us", 10), {.id = "us", .since = 10, .members = others});
  }
  // We do, to who was there before us.
  LegId offer_to(const std::string& id) {
    for (const Leg& leg : log_.legs) {
      if (leg.member != id) continue;
      EXPECT_EQ(leg.offers, Party::kUs);
      members_.send(leg.id, Description{.sdp = "v=0", .generation = 1});
      return leg.id;
    }
    ADD_FAILURE() << "no leg to " << id;
    return {};
  }

  test::SignalingLog log_;
  std::vector<room::Message> put_;
  RoomMembers members_{Log("test"),
                       {.emit = [this](const auto& event) { event(log_); },
                        .put = [this](const room::Message& m) { put_.push_back(m); }}};
};

TEST_F(RoomMembersTest, ThereIsALegToEverybodyWhoSendsOrReceives) {
  join({member("alice", 1)});
  members_.take(room::MemberJoined{member("bob", 11)});
  ASSERT_EQ(log_.legs.size(), 2U);
  EXPECT_NE(log_.legs[0].id, log_.legs[1].id);
  EXPECT_NE(log_.legs[0].offers, log_.legs[1].offers) << "one came before us, one after";
  members_.take(room::MemberLeft{"alice", "left"});
  ASSERT_EQ(log_.legs.size(), 1U);
  EXPECT_EQ(log_.legs[0].member, "bob");
  ASSERT_EQ(log_.members.size(), 1U);
  EXPECT_EQ(log_.members[0].id, "bob");
}

TEST_F(RoomMembersTest, OneWhoSendsOtherMediaGetsANewLeg) {
  join({member("alice", 1)});
  const LegId before = log_.legs.at(0).id;
  members_.take(room::MemberChanged{member("alice", 1)});
  EXPECT_EQ(log_.legs.at(0).id, before);
  members_.take(room::MemberChanged{member("alice", 1, false)});
  ASSERT_EQ(log_.legs.size(), 1U);
  EXPECT_NE(log_.legs[0].id, before);
  EXPECT_EQ(log_.legs[0].direction, Direction::kSend);
}

TEST_F(RoomMembersTest, WhatIsSentToOneWhoIsMissingWaits) {
  join({member("alice", 1), member("bob", 11)});
  members_.doubt(0);
  join({});
  EXPECT_TRUE(members_.any_missing());
  const LegId leg = offer_to("alice");
  EXPECT_TRUE(put_.empty());
  members_.take(room::MemberJoined{member("alice", 1)});
  ASSERT_EQ(put_.size(), 1U);
  EXPECT_EQ(std::get<room::Sdp>(put_[0]).peer, "alice");
  members_.give_up_missing();
  ASSERT_EQ(log_.legs.size(), 1U);
  EXPECT_EQ(log_.legs[0].id, leg);
  EXPECT_FALSE(members_.any_missing());
}

TEST_F(RoomMembersTest, AServerThatTellsUsOfOurselvesOrOfNobodyDoesNoHarm) {
  join({member("us", 10)});
  members_.take(room::MemberJoined{member("us", 10)});
  members_.take(room::MemberChanged{member("carol", 3)});
  members_.take(room::MemberLeft{"carol", "left"});
  members_.take(room::Sdp{.peer = "carol"});
  members_.take(room::IceCandidate{.peer = "carol"});
  members_.take(room::Renegotiate{.peer = "carol"});
  members_.send(LegId{7}, Candidate{});
  EXPECT_TRUE(log_.legs.empty());
  EXPECT_TRUE(log_.members.empty());
  EXPECT_TRUE(put_.empty());
}

}  // namespace
}  // namespace callbot::signaling
