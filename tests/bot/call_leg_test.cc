#include "bot/call_leg.h"

#include <gmock/gmock.h>

#include "pipelines/joined_source.h"
#include "tests/support/loopback.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using pipelines::CountingSink;
using signaling::Candidate;
using signaling::Description;
using signaling::LegId;
using signaling::Message;
using signaling::Request;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{60000};

// One end of a leg: what it says goes straight to the other end.
class End final : public LegOwner {
 public:
  explicit End(Loop& loop) : loop_(loop) {}
  ~End() override { leg.reset(); }

  void make(bool offers, pipelines::Source* source, const std::string& member = "m1") {
    signaling::Leg l;
    l.id = LegId{1};
    l.offers = offers ? signaling::Party::kUs : signaling::Party::kThem;
    l.direction = source != nullptr ? signaling::Direction::kSend : signaling::Direction::kReceive;
    l.member = member;
    l.name = "them";
    pipelines::PeerConfig config;
    config.ice.interfaces = {"127.0.0.1"};
    config.source = source;
    leg = std::make_unique<CallLeg>(loop_, Log(offers ? "offerer" : "answerer"), l, config, *this);
  }

  std::unique_ptr<network::Link> link;  // before make()
  std::unique_ptr<CallLeg> leg;
  End* other = nullptr;
  bool deliver = true;
  bool deliver_candidates = true;
  CountingSink sink;
  std::vector<Description> said;
  std::vector<Candidate> candidates;
  std::vector<Request::What> requests;
  std::vector<std::string> troubles;
  std::vector<TrackInfo> tracks;
  int connected = 0, removed = 0;

 private:
  Line leg_line(const std::string&) override { return {link.get()}; }
  const std::string& participant_of(const std::string& member) const override {
    EXPECT_EQ(member, "m1");
    return participant_;
  }
  void leg_send(LegId, Message message) override {
    if (auto* d = std::get_if<Description>(&message)) said.push_back(*d);
    if (auto* c = std::get_if<Candidate>(&message)) {
      candidates.push_back(*c);
      if (!deliver_candidates) return;
    }
    if (auto* d = std::get_if<Description>(&message); d != nullptr && !deliver_candidates)
      d->sdp = pipelines::without_lines(d->sdp, "a=candidate");
    if (!deliver) return;
    loop_.post(alive_.guard([this, message] {
      if (other->leg) other->leg->received(message);
    }));
  }
  void leg_request(LegId, Request request) override {
    requests.push_back(request.what);
    if (!deliver) return;
    loop_.post(alive_.guard([this, request] {
      if (other->leg) other->leg->requested(request);
    }));
  }
  void leg_connected(CallLeg&) override { ++connected; }
  void leg_trouble(CallLeg&, const Error& error, bool again) override {
    troubles.push_back(std::string(name_of(error.code)) + (again ? " again" : ""));
  }
  void leg_track_added(CallLeg& leg, const TrackInfo& track) override {
    tracks.push_back(track);
    leg.peer()->add_sink(track.id, sink);
  }
  void leg_track_removed(const TrackInfo&) override { ++removed; }
  void leg_key_frame_wait(const TrackInfo&) override {}
  void leg_key_frame_found(const TrackInfo&, std::chrono::nanoseconds) override {}
  void leg_size_changed(const TrackInfo&, uint32_t, uint32_t) override {}
  void leg_channel_message(CallLeg&, bool, std::string) override {}
  void leg_channel_closed(CallLeg&) override {}

  Loop& loop_;
  std::string participant_ = "p1";
  Alive alive_;
};

class CallLegTest : public testing::Test {
 protected:
  void SetUp() override {
    offerer_.other = &answerer_;
    answerer_.other = &offerer_;
    offerer_.make(true, pattern_.get());
    answerer_.make(false, nullptr);
  }
  bool until(const std::function<bool()>& condition) {
    return loop_.run_until(condition, kPatience);
  }
  bool connect() {
    offerer_.leg->start();
    answerer_.leg->start();
    return until([&] { return offerer_.connected > 0 && answerer_.connected > 0; });
  }
  bool flows() {
    const uint64_t before = answerer_.sink.frames(MediaKind::kVideo);
    return until([&] { return answerer_.sink.frames(MediaKind::kVideo) >= before + 10; });
  }

  Loop loop_;
  std::unique_ptr<pipelines::TestPattern> pattern_ = pipelines::small_pattern(loop_);
  End offerer_{loop_}, answerer_{loop_};
};

TEST_F(CallLegTest, ConnectsAndNamesItsTracksAfterTheParticipant) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(flows());
  ASSERT_TRUE(until([&] { return answerer_.leg->tracks().size() == 2; })) << "sound may come later";
  for (const TrackInfo& track : answerer_.leg->tracks()) {
    EXPECT_EQ(track.participant, "p1");
    EXPECT_EQ(track.name, "them");
  }
  ASSERT_EQ(offerer_.said.size(), 1u);
  EXPECT_EQ(offerer_.said[0].type, Description::Type::kOffer);
  EXPECT_EQ(offerer_.said[0].generation, 1u);
  ASSERT_EQ(answerer_.said.size(), 1u);
  EXPECT_EQ(answerer_.said[0].type, Description::Type::kAnswer);
  EXPECT_EQ(answerer_.said[0].generation, 1u);
  EXPECT_TRUE(offerer_.leg->tracks().empty());
}

TEST_F(CallLegTest, ALinkIsOnTheWayOfEveryPeerOfTheLeg) {
  answerer_.link = std::make_unique<network::Link>();
  answerer_.make(false, nullptr);
  EXPECT_FALSE(answerer_.leg->network_verified()) << "no peer";
  ASSERT_TRUE(connect() && flows());
  const auto verified = answerer_.leg->network_verified();
  EXPECT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(offerer_.leg->network_verified()) << "it has no link of its own";
  const auto rtp = [&] {
    return answerer_.link->stats().down.passed.packets_of(network::PacketKind::kRtp);
  };
  EXPECT_GT(rtp(), 0u);
  offerer_.leg->requested({Request::What::kRestart});
  ASSERT_TRUE(until([&] { return offerer_.connected == 2 && answerer_.connected == 2; }));
  const uint64_t before = rtp();
  ASSERT_TRUE(flows());
  EXPECT_GT(rtp(), before);
  EXPECT_TRUE(answerer_.leg->network_verified());
}

TEST_F(CallLegTest, ServersOfTheLegAreNotUsedWithALink) {
  signaling::Leg leg;
  leg.offers = signaling::Party::kUs;
  leg.ice_servers = {{"nonsense:", "", ""}};  // a peer that got it would refuse to be made
  offerer_.link = std::make_unique<network::Link>();
  offerer_.leg = std::make_unique<CallLeg>(loop_, Log("x"), leg, pipelines::PeerConfig{}, offerer_);
  offerer_.leg->start();
  EXPECT_NE(offerer_.leg->peer(), nullptr);
  EXPECT_TRUE(offerer_.troubles.empty());
}

TEST_F(CallLegTest, TheAnswererWaitsForAnOffer) {
  answerer_.leg->start();
  EXPECT_EQ(answerer_.leg->peer(), nullptr);
  answerer_.leg->requested({Request::What::kRestart});  // of one that does not offer: nothing
  EXPECT_EQ(answerer_.leg->peer(), nullptr);
  EXPECT_TRUE(answerer_.said.empty());
}

TEST_F(CallLegTest, CandidatesThatComeBeforeTheirOfferAreKept) {
  offerer_.deliver = false;
  offerer_.leg->start();
  ASSERT_TRUE(until([&] {
    return !offerer_.said.empty() && !offerer_.candidates.empty() &&
           offerer_.candidates.back().text.empty();
  }));
  for (const Candidate& candidate : offerer_.candidates) answerer_.leg->received(candidate);
  // The answerer's candidates would find the way alone.
  answerer_.deliver_candidates = false;
  Description offer = offerer_.said[0];
  offer.sdp = pipelines::without_lines(offer.sdp, "a=candidate");
  answerer_.leg->received(offer);
  EXPECT_TRUE(until([&] { return answerer_.connected > 0 && offerer_.connected > 0; }));
}

TEST_F(CallLegTest, ARestartIsAFreshPeerOfTheNextGeneration) {
  ASSERT_TRUE(connect() && flows());
  ASSERT_TRUE(until([&] { return answerer_.tracks.size() == 2; }));
  offerer_.leg->requested({Request::What::kRestart});
  ASSERT_TRUE(until([&] { return offerer_.connected == 2 && answerer_.connected == 2; }));
  EXPECT_EQ(offerer_.said.back().generation, 2u);
  EXPECT_EQ(answerer_.said.back().generation, 2u);
  EXPECT_EQ(answerer_.removed, 2) << "tracks of the old one have ended";
  EXPECT_TRUE(flows());
  EXPECT_TRUE(answerer_.troubles.empty());
}

// A member says so himself; a server tells nobody.
TEST_F(CallLegTest, AServersFreshConnectionIsTrouble) {
  offerer_.make(true, pattern_.get(), "");
  answerer_.make(false, nullptr, "");
  ASSERT_TRUE(connect() && flows());
  EXPECT_TRUE(offerer_.troubles.empty());
  offerer_.leg->requested({Request::What::kRestart});
  ASSERT_TRUE(until([&] { return offerer_.connected == 2 && answerer_.connected == 2; }));
  EXPECT_THAT(offerer_.troubles, ElementsAre("connect again"));
  EXPECT_THAT(answerer_.troubles, ElementsAre("connect again"));
}

TEST_F(CallLegTest, AServerIsToldWhichStreamIsAScreen) {
  std::vector<std::unique_ptr<pipelines::Source>> sources;
  sources.push_back(pipelines::small_pattern(loop_));
  sources.push_back(pipelines::small_pattern(loop_, false, true));
  pipelines::JoinedSource joined(std::move(sources), 2);
  joined.set_content(2, "slides");
  offerer_.make(true, &joined, "");
  offerer_.deliver = false;
  offerer_.leg->start();
  ASSERT_TRUE(until([&] { return !offerer_.said.empty(); }));
  const Description& offer = offerer_.said[0];
  ASSERT_EQ(offer.streams.size(), 1u);
  EXPECT_EQ(offer.streams.begin()->second.source, "screen");
  const size_t mid = offer.sdp.find("a=mid:" + offer.streams.begin()->first + "\r\n");
  EXPECT_GT(mid, offer.sdp.rfind("m=video")) << offer.sdp;
  offerer_.leg.reset();  // before its source
}

TEST_F(CallLegTest, ARenegotiationStaysOnThePeer) {
  ASSERT_TRUE(connect() && flows());
  const auto* before = answerer_.leg->peer();
  offerer_.leg->requested({Request::What::kRenegotiate});
  ASSERT_TRUE(until([&] { return answerer_.said.size() == 2; }));
  EXPECT_EQ(answerer_.said.back().generation, 1u);
  EXPECT_EQ(answerer_.leg->peer(), before);
  EXPECT_TRUE(flows());
  EXPECT_EQ(answerer_.removed, 0);
}

TEST_F(CallLegTest, WhatIsOfAnOlderGenerationOrTheWrongSideIsIgnored) {
  ASSERT_TRUE(connect() && flows());
  Description stale = answerer_.said[0];
  offerer_.leg->requested({Request::What::kRestart});
  ASSERT_TRUE(until([&] { return offerer_.connected == 2 && answerer_.connected == 2; }));
  const auto* before = offerer_.leg->peer();
  offerer_.leg->received(stale);  // an answer to the offer before
  Description offer = offerer_.said.back();
  offerer_.leg->received(offer);  // an offer to the offerer
  Description answer = answerer_.said.back();
  answerer_.leg->received(answer);  // an answer to the answerer
  answerer_.leg->received(Candidate{0, "audio0", "candidate:nonsense", 1});
  EXPECT_TRUE(flows());
  EXPECT_EQ(offerer_.leg->peer(), before);
  EXPECT_TRUE(offerer_.troubles.empty() && answerer_.troubles.empty());
}

TEST_F(CallLegTest, ADescriptionThatIsNoneEndsThePeerForGood) {
  Description garbage;
  garbage.sdp = "v=0\r\nnonsense\r\n";
  garbage.generation = 1;
  answerer_.leg->received(garbage);
  ASSERT_TRUE(until([&] { return !answerer_.troubles.empty(); }));
  EXPECT_THAT(answerer_.troubles, testing::ElementsAre("bad-input"));
  EXPECT_TRUE(answerer_.requests.empty()) << "it does not ask for another one";
  ASSERT_TRUE(until([&] { return answerer_.leg->peer() == nullptr; }));
  // A good one of the next generation is taken all the same.
  offerer_.leg->start();
  offerer_.leg->requested({Request::What::kRestart});
  EXPECT_TRUE(until([&] { return answerer_.connected > 0; }));
}

TEST_F(CallLegTest, AnAnswererWhoseOffererVanishedAsksForARestartUntilItComes) {
  ASSERT_TRUE(connect() && flows());
  offerer_.leg.reset();  // without a word
  ASSERT_TRUE(until([&] { return !answerer_.requests.empty(); }));
  EXPECT_EQ(answerer_.requests[0], Request::What::kRestart);
  ASSERT_FALSE(answerer_.troubles.empty());
  EXPECT_THAT(answerer_.troubles[0], HasSubstr("again"));
  EXPECT_EQ(answerer_.leg->peer(), nullptr);
  EXPECT_EQ(answerer_.removed, 2);
}

TEST_F(CallLegTest, AnOffererWhoseAnswererVanishedStartsAfresh) {
  ASSERT_TRUE(connect() && flows());
  answerer_.leg.reset();
  answerer_.make(false, nullptr);  // a page that was reloaded
  ASSERT_TRUE(until([&] { return offerer_.connected == 2; }));
  EXPECT_THAT(offerer_.troubles, Contains(HasSubstr("again")));
  EXPECT_GT(offerer_.said.back().generation, 1u);
  EXPECT_TRUE(flows());
}

TEST_F(CallLegTest, MayBeDestroyedWhileItConnects) {
  offerer_.leg->start();
  ASSERT_TRUE(until([&] { return !answerer_.said.empty(); }));
  answerer_.leg.reset();
  offerer_.leg.reset();
  EXPECT_EQ(offerer_.connected, 0);
}

}  // namespace
}  // namespace callbot::bot
