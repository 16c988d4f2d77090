#include "signaling/room_leg.h"

#include <gtest/gtest.h>

namespace callbot::signaling {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

Leg leg_where(Party offers) {
  Leg leg;
  leg.id = LegId{1};
  leg.offers = offers;
  leg.member = "bob";
  return leg;
}

room::Sdp sdp(Description::Type type, uint32_t generation, const std::string& text) {
  return {"bob", type, generation, text, std::nullopt};
}
room::Sdp numbered(room::Sdp message, int64_t n) {
  message.n = n;
  return message;
}
room::Sdp offer(uint32_t generation, const std::string& text = "v=0") {
  return sdp(Description::Type::kOffer, generation, text);
}
room::Sdp answer(uint32_t generation, const std::string& text = "v=0") {
  return sdp(Description::Type::kAnswer, generation, text);
}
room::IceCandidate candidate(uint32_t generation, const std::string& text = "candidate:1") {
  return {"bob", generation, text, "0", 0};
}
Description ours(Description::Type type, uint32_t generation, const std::string& text = "v=0") {
  Description d;
  d.type = type;
  d.generation = generation;
  d.sdp = text;
  return d;
}

std::vector<std::string> types(const RoomLeg::Out& out) {
  std::vector<std::string> names;
  for (const room::Message& message : out) names.emplace_back(room::type_of(message));
  return names;
}
using Types = std::vector<std::string>;

TEST(RoomLeg, OffersInTheWrongStateAreIgnored) {
  RoomLeg offerer(leg_where(Party::kUs));
  EXPECT_NE(offerer.received(offer(1)).ignored, "");
  EXPECT_TRUE(offerer.received(offer(1)).up.empty());
  EXPECT_NE(offerer.received(answer(1)).ignored, "");  // nobody asked

  RoomLeg answerer(leg_where(Party::kThem));
  EXPECT_NE(answerer.received(answer(1)).ignored, "");
  EXPECT_EQ(answerer.received(offer(2)).up.size(), 1U);
  EXPECT_NE(answerer.received(offer(1)).ignored, "");  // an old generation
}

TEST(RoomLeg, OnlyTheSideThatOffersMayOffer) {
  RoomLeg answerer(leg_where(Party::kThem));
  EXPECT_TRUE(answerer.sending(ours(Description::Type::kOffer, 1), 0).empty());
  EXPECT_TRUE(answerer.sending(ours(Description::Type::kAnswer, 1), 0).empty());  // to what?
  RoomLeg offerer(leg_where(Party::kUs));
  EXPECT_TRUE(offerer.sending(ours(Description::Type::kAnswer, 1), 0).empty());
  EXPECT_TRUE(offerer.sending(ours(Description::Type::kOffer, 0), 0).empty());
  EXPECT_EQ(types(offerer.sending(ours(Description::Type::kOffer, 1), 0)), Types{"offer"});
}

TEST(RoomLeg, AnAnswerCountsOnce) {
  RoomLeg leg(leg_where(Party::kUs));
  leg.sending(ours(Description::Type::kOffer, 1), 0);
  EXPECT_NE(leg.received(answer(2)).ignored, "");
  EXPECT_EQ(leg.received(answer(1)).up.size(), 1U);
  EXPECT_NE(leg.received(answer(1)).ignored, "");
}

TEST(RoomLeg, AnAnswerToAnEarlierOfferIsNotTakenForOneToTheLatest) {
  RoomLeg leg(leg_where(Party::kUs));
  auto out = leg.sending(ours(Description::Type::kOffer, 1), 0);
  EXPECT_EQ(std::get<room::Sdp>(out[0]).n, 1);
  EXPECT_EQ(leg.received(numbered(answer(1), 1)).up.size(), 1U);
  out = leg.sending(ours(Description::Type::kOffer, 1), 0);
  EXPECT_EQ(std::get<room::Sdp>(out[0]).n, 2);
  EXPECT_NE(leg.received(numbered(answer(1), 1)).ignored, "");
  EXPECT_EQ(leg.received(numbered(answer(1), 2)).up.size(), 1U);

  RoomLeg answerer(leg_where(Party::kThem));
  answerer.received(numbered(offer(1), 5));
  out = answerer.sending(ours(Description::Type::kAnswer, 1), 0);
  EXPECT_EQ(std::get<room::Sdp>(out[0]).n, 5);
  answerer.doubt(0);
  EXPECT_EQ(types(answerer.again()), Types{"answer"});
}

TEST(RoomLeg, TheSameOfferAgainIsAnsweredAgain) {
  RoomLeg leg(leg_where(Party::kThem));
  EXPECT_EQ(leg.received(offer(1)).up.size(), 1U);
  auto early = leg.received(offer(1));  // before we had an answer
  EXPECT_TRUE(early.up.empty());
  EXPECT_TRUE(early.again.empty());
  leg.sending(ours(Description::Type::kAnswer, 1), 0);
  leg.sending(Candidate{0, "0", "candidate:9", 1}, 0);
  auto again = leg.received(offer(1));
  EXPECT_TRUE(again.up.empty());
  EXPECT_EQ(types(again.again), (Types{"answer", "candidate"}));
  // Another text is a renegotiation.
  EXPECT_EQ(leg.received(offer(1, "v=0\r\no=2")).up.size(), 1U);
}

TEST(RoomLeg, CandidatesWaitForTheirOffer) {
  RoomLeg leg(leg_where(Party::kThem));
  EXPECT_TRUE(leg.received(candidate(1, "candidate:early")).up.empty());
  auto in = leg.received(offer(1));
  ASSERT_EQ(in.up.size(), 2U);
  EXPECT_EQ(std::get<Candidate>(in.up[1]).text, "candidate:early");
  EXPECT_EQ(leg.received(candidate(1)).up.size(), 1U);
  leg.received(offer(2));
  EXPECT_NE(leg.received(candidate(1)).ignored, "");
  EXPECT_EQ(leg.received(candidate(2)).up.size(), 1U);
}

TEST(RoomLeg, CandidatesThatNeverGetAnOfferAreBounded) {
  RoomLeg leg(leg_where(Party::kThem));
  for (int i = 0; i < 100000; ++i) leg.received(candidate(1));
  EXPECT_LE(leg.received(offer(1)).up.size(), 201U);
}

TEST(RoomLeg, AnUnansweredOfferIsSentAgainWithGrowingPauses) {
  RoomLeg leg(leg_where(Party::kUs));
  leg.sending(ours(Description::Type::kOffer, 1), 0);
  leg.sending(Candidate{0, "0", "candidate:9", 1}, 0);
  EXPECT_TRUE(leg.due(4 * kSecond).empty());
  EXPECT_EQ(types(leg.due(5 * kSecond)), (Types{"offer", "candidate"}));
  EXPECT_TRUE(leg.due(14 * kSecond).empty());
  EXPECT_EQ(types(leg.due(15 * kSecond)), (Types{"offer", "candidate"}));
  EXPECT_EQ(leg.received(answer(1)).up.size(), 1U);
  EXPECT_TRUE(leg.due(1000 * kSecond).empty());
}

TEST(RoomLeg, AfterALossWhatIsInDoubtGoesAgain) {
  RoomLeg answerer(leg_where(Party::kThem));
  answerer.received(offer(1));
  answerer.sending(ours(Description::Type::kAnswer, 1), 10 * kSecond);
  answerer.sending(Candidate{0, "0", "candidate:old", 1}, 11 * kSecond);
  answerer.sending(Candidate{0, "0", "candidate:new", 1}, 30 * kSecond);
  EXPECT_TRUE(answerer.again().empty());  // nothing is in doubt
  answerer.doubt(20 * kSecond);
  auto out = answerer.again();
  ASSERT_EQ(types(out), Types{"candidate"});
  EXPECT_EQ(std::get<room::IceCandidate>(out[0]).candidate, "candidate:new");
  EXPECT_TRUE(answerer.again().empty());

  RoomLeg offerer(leg_where(Party::kUs));
  offerer.sending(ours(Description::Type::kOffer, 1), 0);
  EXPECT_EQ(types(offerer.again()), Types{"offer"});
}

TEST(RoomLeg, ARequestIsRepeatedUntilAnOfferComes) {
  RoomLeg leg(leg_where(Party::kThem));
  EXPECT_EQ(types(leg.requesting({Request::What::kRestart})), Types{"renegotiate"});
  leg.requesting({Request::What::kRenegotiate});
  auto out = leg.again();
  ASSERT_EQ(types(out), Types{"renegotiate"});
  EXPECT_TRUE(std::get<room::Renegotiate>(out[0]).restart);  // the stronger of the two
  leg.received(offer(1));
  EXPECT_TRUE(leg.again().empty());

  RoomLeg offerer(leg_where(Party::kUs));
  EXPECT_TRUE(offerer.requesting({}).empty());
}

TEST(RoomLeg, AFreshGenerationForgetsTheOld) {
  RoomLeg leg(leg_where(Party::kUs));
  leg.sending(ours(Description::Type::kOffer, 1), 0);
  leg.sending(Candidate{0, "0", "candidate:1", 1}, 0);
  leg.received(answer(1));
  leg.sending(ours(Description::Type::kOffer, 2), 0);
  EXPECT_TRUE(leg.sending(Candidate{0, "0", "candidate:1", 1}, 0).empty());
  EXPECT_TRUE(leg.received(candidate(1)).up.empty());
  EXPECT_NE(leg.received(answer(1)).ignored, "");
  leg.doubt(0);
  EXPECT_EQ(types(leg.again()), Types{"offer"});
}

}  // namespace
}  // namespace callbot::signaling
