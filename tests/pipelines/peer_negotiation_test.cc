// What a remote description may do to a Peer: nothing bad. Two real Peers, descriptions changed on
// their way. Several of these end the process (abort or segmentation fault) with a bare webrtcbin.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

// The same direction in every m-line.
std::string with_direction(std::string sdp, const std::string& direction) {
  for (const char* one : {"sendrecv", "sendonly", "recvonly", "inactive"})
    sdp = replaced(sdp, std::string("a=") + one + "\n", "a=DIRECTION\n");
  for (const char* one : {"sendrecv", "sendonly", "recvonly", "inactive"})
    sdp = replaced(sdp, std::string("a=") + one + "\r\n", "a=DIRECTION\r\n");
  return replaced(sdp, "a=DIRECTION", "a=" + direction);
}

class NegotiationTest : public testing::Test {
 protected:
  Loop loop;
  std::unique_ptr<TestPattern> pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};
};

// --- directions

TEST_F(NegotiationTest, TracksLiveThroughEveryChangeOfDirection) {
  Loopback link(loop, config);
  // The offerer is told that all is well, and goes on sending.
  link.b.munge = [](std::string sdp) { return with_direction(std::move(sdp), "recvonly"); };
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  for (const char* direction : {"inactive", "sendrecv", "recvonly", "sendonly", "inactive",
                                "recvonly", "sendrecv", "sendonly"}) {
    link.a.munge = [&](std::string sdp) { return with_direction(std::move(sdp), direction); };
    ASSERT_TRUE(link.renegotiate()) << direction << "\n" << link.log();
    const bool sends = std::string(direction).starts_with("send");
    EXPECT_THAT(link.b.said.back(), HasSubstr(sends ? "a=recvonly" : "a=inactive")) << direction;
    for (const MediaKind kind : {kAudio, kVideo})
      ASSERT_TRUE(link.flows(link.b, kind)) << direction << "\n" << link.log();
  }
  EXPECT_TRUE(link.b.removed.empty());
  EXPECT_EQ(link.b.tracks.size(), 2u);
}

// webrtcbin cannot describe itself while the pad of a track is being linked.
TEST_F(NegotiationTest, MayBeAskedForWhileTracksAreJustComing) {
  config = {.offerer = {}, .answerer = {.source = pattern.get()}};
  for (int i = 0; i < 4; ++i) {
    Loopback link(loop, config);
    ASSERT_TRUE(link.connect()) << link.log();
    while (link.a.tracks.size() < 2) ASSERT_TRUE(link.renegotiate()) << link.log();
    ASSERT_TRUE(link.renegotiate()) << link.log();
    EXPECT_TRUE(link.flows(link.a, kVideo)) << link.log();
  }
}

TEST_F(NegotiationTest, ASenderKeepsStillWhileTheOtherDoesNotReceive) {
  config = {.offerer = {}, .answerer = {.source = pattern.get()}};
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.a, kVideo)) << link.log();
  for (const char* direction : {"inactive", "sendonly"}) {
    link.a.munge = [&](std::string sdp) { return with_direction(std::move(sdp), direction); };
    ASSERT_TRUE(link.renegotiate()) << link.log();
    link.run_for(50ms);
    const uint64_t sent = link.b.peer->stats().packets_sent;
    link.run_for(400ms);
    EXPECT_EQ(link.b.peer->stats().packets_sent, sent) << direction;
    link.a.munge = nullptr;
    ASSERT_TRUE(link.renegotiate()) << link.log();
    for (const MediaKind kind : {kAudio, kVideo})
      ASSERT_TRUE(link.flows(link.a, kind)) << direction << "\n" << link.log();
  }
  EXPECT_TRUE(link.a.removed.empty());
}

TEST_F(NegotiationTest, AnAnswererThatFirstOnlyReceivesMaySendLater) {
  config = {.offerer = {}, .answerer = {.source = pattern.get()}};
  Loopback link(loop, config);
  link.a.munge = [](std::string sdp) { return with_direction(std::move(sdp), "sendonly"); };
  ASSERT_TRUE(link.connect()) << link.log();
  link.run_for(300ms);
  EXPECT_EQ(link.b.peer->stats().packets_sent, 0u);
  link.a.munge = nullptr;
  ASSERT_TRUE(link.renegotiate()) << link.log();
  for (const MediaKind kind : {kAudio, kVideo}) EXPECT_TRUE(link.flows(link.a, kind)) << link.log();
}

TEST_F(NegotiationTest, AnOffererTakesEveryDirectionAsAnAnswer) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  for (const char* direction : {"inactive", "recvonly", "sendonly", "sendrecv", "recvonly"}) {
    link.b.munge = [&](std::string sdp) { return with_direction(std::move(sdp), direction); };
    ASSERT_TRUE(link.renegotiate()) << direction << "\n" << link.log();
    link.run_for(100ms);
    const bool receives =
        direction != std::string("inactive") && direction != std::string("sendonly");
    const uint64_t sent = link.a.peer->stats().packets_sent;
    link.run_for(400ms);
    EXPECT_EQ(link.a.peer->stats().packets_sent > sent, receives) << direction;
    EXPECT_FALSE(link.a.failure) << link.log();
  }
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

// --- the crashes of 1.22

TEST_F(NegotiationTest, ReorderedMlinesAreRefused) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  link.a.munge = [](const std::string& sdp) {
    auto parts = sections(sdp);
    std::swap(parts[1], parts[2]);
    return joined(parts);
  };
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.b.failure->code, Code::kBadInput);
}

TEST_F(NegotiationTest, DataChannelFirstInTheBundleAndNoSsrcLines) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.a.peer->open_channel("chat"));
  // The offer's m-lines audio, video, application become application, audio, video; the answer's
  // come back in the offerer's order.
  link.a.munge = [](const std::string& sdp) {
    auto parts = sections(without_lines(without_lines(sdp, "a=ssrc:"), "a=ssrc-group:"));
    std::rotate(parts.begin() + 1, parts.begin() + 3, parts.end());
    std::string all = joined(parts);
    const size_t group = all.find("a=group:BUNDLE ");
    const size_t end = all.find('\n', group);
    return all.replace(group, end - group, "a=group:BUNDLE application2 audio0 video1\r");
  };
  link.b.munge = [](const std::string& sdp) {
    auto parts = sections(sdp);
    std::rotate(parts.begin() + 1, parts.begin() + 2, parts.end());
    std::string all = joined(parts);
    const size_t group = all.find("a=group:BUNDLE ");
    const size_t end = all.find('\n', group);
    return all.replace(group, end - group, "a=group:BUNDLE audio0 video1 application2\r");
  };
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_THAT(link.b.said[0], HasSubstr("a=group:BUNDLE application2 "));
  for (const MediaKind kind : {kAudio, kVideo}) {
    EXPECT_TRUE(link.flows(link.b, kind)) << link.log();
    ASSERT_NE(link.b.track(kind), nullptr);
    EXPECT_EQ(link.b.track(kind)->kind, kind);
  }
  EXPECT_EQ(link.b.track(kAudio)->mid, "audio0");
  EXPECT_EQ(link.b.track(kVideo)->mid, "video1");
  EXPECT_TRUE(link.run_until([&] { return !link.b.channels.empty(); })) << link.log();
}

TEST_F(NegotiationTest, AnswerWhoseBundleBeginsWithTheDataChannel) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.a.peer->open_channel("chat"));
  link.b.munge = [](std::string sdp) {
    const size_t group = sdp.find("a=group:BUNDLE ");
    const size_t end = sdp.find('\n', group);
    return sdp.replace(group, end - group, "a=group:BUNDLE application2 audio0 video1\r");
  };
  EXPECT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_TRUE(link.run_until([&] { return !link.b.channels.empty(); })) << link.log();
}

// --- other things that a bare webrtcbin answers with silence

TEST_F(NegotiationTest, WithoutSsrcLinesTracksKeepTheirNames) {
  Loopback link(loop, config);
  link.a.munge = [](const std::string& sdp) {
    return without_lines(without_lines(sdp, "a=ssrc:"), "a=ssrc-group:");
  };
  link.b.peer->set_track_owner("audio0", {"m1", "Ann", "microphone"});
  link.b.peer->set_track_owner("", {"m2", "Ben", "camera"});
  ASSERT_TRUE(link.connect()) << link.log();
  for (const MediaKind kind : {kAudio, kVideo}) EXPECT_TRUE(link.flows(link.b, kind)) << link.log();
  EXPECT_EQ(link.b.track(kAudio)->mid, "audio0");
  EXPECT_EQ(link.b.track(kAudio)->participant, "m1");
  EXPECT_EQ(link.b.track(kAudio)->source, "microphone");
  EXPECT_EQ(link.b.track(kVideo)->mid, "video1");
  EXPECT_EQ(link.b.track(kVideo)->name, "Ben");
}

// As in the one peer connection of an SFU, while packets flow.
TEST_F(NegotiationTest, AnMlineMayChangeHandsAndBeNobodysForAWhile) {
  Loopback link(loop, config);
  link.b.peer->set_track_owner("audio0", {"m0", "Ann", "microphone"});
  link.b.peer->set_track_owner("video1", {"m0", "Ann", "camera"});
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  for (int i = 1; i <= 10; ++i) {
    const std::string next = "m" + std::to_string(i);
    const TrackId before = link.b.track(kVideo)->id;
    link.b.peer->set_track_owner("video1", {next, "Ben", "screen"});
    ASSERT_TRUE(link.run_until([&] { return link.b.track(kVideo)->id != before; })) << link.log();
    EXPECT_EQ(link.b.track(kVideo)->participant, next);
    EXPECT_EQ(link.b.removed.back(), before);
    ASSERT_TRUE(link.flows(link.b, kVideo, 5)) << link.log();
    link.b.peer->set_track_owner("video1", {next, "Benjamin", "screen"});  // the same one
  }
  EXPECT_EQ(link.b.removed.size(), 10u) << link.log();
  link.b.peer->set_track_owner("video1", {});
  EXPECT_EQ(link.b.removed.size(), 11u);
  const uint64_t frames = link.b.sink.frames(kVideo);
  ASSERT_TRUE(link.flows(link.b, kAudio, 30)) << "the other m-line goes on\n" << link.log();
  EXPECT_EQ(link.b.sink.frames(kVideo), frames);
  link.b.peer->set_track_owner("video1", {"m11", "Cid", "camera"});
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(link.b.track(kVideo)->participant, "m11");
  EXPECT_EQ(link.b.track(kAudio)->participant, "m0");
  EXPECT_FALSE(link.b.failure);
}

TEST_F(NegotiationTest, MissingDirectionsAndSessionLevelTransportAreUnderstood) {
  Loopback link(loop, config);
  link.a.munge = [](std::string sdp) {
    for (const char* one : {"a=sendrecv", "a=sendonly"}) sdp = without_lines(sdp, one);
    auto parts = sections(sdp);
    std::string session;
    for (const char* name : {"a=setup:", "a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:"}) {
      const size_t at = parts[1].find(name);
      session += parts[1].substr(at, parts[1].find('\n', at) + 1 - at);
      for (size_t i = 1; i < parts.size(); ++i) parts[i] = without_lines(parts[i], name);
    }
    parts[0] += session;
    return joined(parts);
  };
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

TEST_F(NegotiationTest, AnUnknownMlineIsRejectedAndTheRestWorks) {
  Loopback link(loop, config);
  link.a.munge = [](const std::string& sdp) {
    return sdp + "m=x-hologram 9 UDP/TLS/RTP/SAVPF 120\r\nc=IN IP4 0.0.0.0\r\na=mid:holo\r\n";
  };
  link.b.munge = [](const std::string& sdp) {
    auto parts = sections(sdp);
    parts.resize(3);
    return joined(parts);
  };
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_THAT(link.b.said[0], HasSubstr("m=x-hologram 0 "));
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

TEST_F(NegotiationTest, RejectedByAnAnswerTheFirstLineEndsItWithAReasonALaterOneDoesNot) {
  {
    Loopback link(loop, config);
    link.b.munge = [](std::string sdp) {
      return replaced(std::move(sdp), "m=audio 9", "m=audio 0");
    };
    link.a.peer->negotiate();
    link.run_until([&] { return link.a.failure.has_value(); });
    ASSERT_TRUE(link.a.failure) << link.log();
    EXPECT_EQ(link.a.failure->code, Code::kUnsupported);
  }
  Loopback link(loop, config);
  link.b.munge = [](std::string sdp) { return replaced(std::move(sdp), "m=video 9", "m=video 0"); };
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
}

TEST_F(NegotiationTest, NotAnSdp) {
  for (const char* text : {"", "garbage", "v=0\r\n", "{\"sdp\": 1}"}) {
    Loopback link(loop, config);
    link.b.peer->remote_description(true, text);
    ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); }, 2s)) << text;
    EXPECT_EQ(link.b.failure->code, Code::kBadInput) << text;
  }
}

TEST_F(NegotiationTest, EveryCutOfAnOfferIsSurvived) {
  Loopback source(loop, config);
  source.a.peer->negotiate();
  ASSERT_TRUE(source.run_until([&] { return !source.a.said.empty(); }));
  const std::string offer = source.a.said[0];
  for (size_t size = 0; size < offer.size(); size += offer.size() / 40) {
    LoopbackEnd end, nobody;
    end.other = &nobody;
    auto peer = Peer::create(loop, Log("cut"), config.answerer, end);
    ASSERT_TRUE(peer);
    (*peer)->remote_description(true, offer.substr(0, size));
    loop.run_until([&] { return end.failure || !end.said.empty(); }, 2s);
    EXPECT_TRUE(end.failure || !end.said.empty()) << size;
  }
}

TEST_F(NegotiationTest, DescriptionsInTheWrongStateAreIgnored) {
  Loopback link(loop, config);
  link.a.peer->remote_description(false, "an answer to nothing");
  link.b.peer->remote_description(false, "an answer to an answerer");
  ASSERT_TRUE(link.connect()) << link.log();
  const std::string offer = link.a.said[0], answer = link.b.said[0];
  link.a.peer->remote_description(true, offer);
  link.a.peer->remote_description(false, answer);
  link.run_for(200ms);
  EXPECT_FALSE(link.a.failure) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

TEST_F(NegotiationTest, OffersThatComeInABurstAreTakenOneByOne) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  const std::string offer = link.a.said[0];
  link.b.deliver = false;
  const size_t before = link.b.said.size();
  for (int i = 0; i < 5; ++i) link.b.peer->remote_description(true, offer);
  EXPECT_TRUE(link.run_until([&] { return link.b.said.size() == before + 5; })) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

TEST_F(NegotiationTest, AnIceRestartNeedsAFreshPeer) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  link.a.munge = [](const std::string& sdp) {
    std::string out;
    for (const std::string& part : sections(sdp)) {
      const size_t at = part.find("a=ice-ufrag:");
      out += at == std::string::npos ? part : std::string(part).insert(at + 12, "New");
    }
    return out;
  };
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.b.failure->code, Code::kConnect);
}

// --- candidates

TEST_F(NegotiationTest, JunkAmongTheCandidatesDoesNotEndThem) {
  Loopback link(loop, config);
  std::string real;
  link.a.munge_candidate = [&](const std::string& text) {
    real = text;
    return std::string("junk that webrtcbin would take for the end");
  };
  link.b.munge_candidate = [](const std::string&) { return std::string(); };
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return !real.empty() && !link.b.said.empty(); })) << link.log();
  for (const char* junk : {"x", "candidate:", "candidate:1 1 UDP 1 nobody.local 9 typ host",
                           "candidate:1 1 UDP 1 127.0.0.1 notaport typ host"})
    link.b.peer->remote_candidate(0, "audio0", junk);
  link.run_for(200ms);
  EXPECT_EQ(link.b.connected_count, 0);
  // Of another m-line than the one that carries the bundle.
  link.b.peer->remote_candidate(1, "video1", real);
  EXPECT_TRUE(link.run_until([&] { return link.b.connected_count == 1; })) << link.log();
}

TEST_F(NegotiationTest, CandidatesBeforeTheDescriptionAreKept) {
  Loopback link(loop, config);
  std::vector<std::string> early;
  std::string offer;
  link.a.deliver = false;
  link.a.peer->negotiate();
  ASSERT_TRUE(
      link.run_until([&] { return !link.a.said.empty() && !link.a.local_candidates.empty(); }));
  for (const std::string& text : link.a.local_candidates)
    link.b.peer->remote_candidate(0, "audio0", text);
  link.run_for(50ms);
  link.b.munge_candidate = [](const std::string&) { return std::string(); };
  link.b.peer->remote_description(true, link.a.said[0]);
  EXPECT_TRUE(link.run_until([&] { return link.b.connected_count == 1; })) << link.log();
}

// --- more and fewer m-lines

// An answer to `offered` in place of the rejection that came, with the transport of `accepted`.
std::string accepting(std::string offered, const std::string& accepted) {
  for (const char* prefix : {"a=ssrc", "a=setup:", "a=fingerprint:", "a=ice-", "a=sendrecv"})
    offered = without_lines(offered, prefix);
  for (const char* prefix : {"a=setup:", "a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:"}) {
    const size_t at = accepted.find(prefix);
    offered += accepted.substr(at, accepted.find('\n', at) + 1 - at);
  }
  return offered + "a=recvonly\r\n";
}

TEST_F(NegotiationTest, AnMlineRejectedFirstAndTakenLater) {
  Loopback link(loop, config);
  link.a.munge = [](std::string sdp) { return replaced(std::move(sdp), "m=video 9", "m=video 0"); };
  link.b.munge = [&](const std::string& sdp) {
    auto parts = sections(sdp);
    parts[2] = accepting(sections(link.a.said[0])[2], parts[1]);
    return replaced(joined(parts), "BUNDLE audio0", "BUNDLE audio0 video1");
  };
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_THAT(link.b.said[0], HasSubstr("m=video 0"));
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
  EXPECT_EQ(link.b.track(kVideo), nullptr);
  link.a.munge = link.b.munge = nullptr;
  ASSERT_TRUE(link.renegotiate()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
}

TEST_F(NegotiationTest, ARemovedMlineEndsItsTrackOnly) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  link.a.munge = [](std::string sdp) { return replaced(std::move(sdp), "m=video 9", "m=video 0"); };
  link.b.munge = nullptr;
  ASSERT_TRUE(link.renegotiate()) << link.log();
  EXPECT_EQ(link.b.removed, std::vector<TrackId>{link.b.track(kVideo)->id});
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
  EXPECT_FALSE(link.b.failure);
}

}  // namespace
}  // namespace callbot::pipelines
