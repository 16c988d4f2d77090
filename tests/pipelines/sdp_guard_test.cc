#include "pipelines/sdp_guard.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/support/sdp_offer.h"

namespace callbot::pipelines {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(const Result<std::string>& guarded) {
  return guarded ? "taken: " + *guarded : guarded.error().message;
}

std::string offer_refusal(const std::string& text) {
  SdpGuard guard;
  return refusal(guard.remote_offer(text));
}

Sdp read(const std::string& text) {
  auto sdp = parse_sdp(text, {.most_bytes = 1u << 20, .most_mlines = 1000});
  EXPECT_TRUE(sdp) << (sdp ? "" : sdp.error().message) << text;
  return sdp ? *sdp : Sdp{};
}

std::string bundle(const Sdp& sdp) {
  const std::string* group = sdp.attributes.find("group");
  return group != nullptr ? *group : "";
}

std::string direction(const Sdp& sdp, size_t i) {
  const auto found = direction_of(sdp.media[i].attributes);
  return found ? name_of(*found) : "none";
}

std::string value(const Sdp& sdp, size_t i, std::string_view name) {
  const std::string* found = sdp.media[i].attributes.find(name);
  return found != nullptr ? *found : "none";
}

class Guard : public testing::Test {
 protected:
  Sdp offered(const std::string& text) {
    const auto shown = guard_.remote_offer(text);
    EXPECT_TRUE(shown) << refusal(shown);
    return shown ? read(*shown) : Sdp{};
  }
  // What webrtcbin would say to the last description it was shown.
  Sdp answered(const std::string& to) { return read(guard_.local_answer(as_answer(to))); }
  SdpGuard guard_;
};

TEST_F(Guard, PassesAnOfferWithWhatItSaysAndKnowsIt) {
  const Sdp shown = offered(usual_offer());
  ASSERT_EQ(shown.media.size(), 3u);
  EXPECT_EQ(bundle(shown), "BUNDLE 0 1 2");
  EXPECT_EQ(value(shown, 1, "fingerprint"), std::string("sha-256 ") + kTestFingerprint);
  EXPECT_EQ(guard_.bundle_index(), 0u);
  ASSERT_EQ(guard_.fingerprints().size(), 1u);
  EXPECT_EQ(guard_.fingerprints()[0].value, kTestFingerprint);
  EXPECT_EQ(guard_.most_message_bytes(), 262144u);
  ASSERT_NE(guard_.by_mid("1"), nullptr);
  EXPECT_EQ(guard_.by_mid("1")->kind, "video");
  EXPECT_EQ(guard_.by_ssrc(2002), guard_.by_mid("1"));
  EXPECT_EQ(guard_.by_ssrc(9), nullptr);
  EXPECT_EQ(guard_.by_mid("0")->msid, "s a");
}

TEST_F(Guard, RefusesADescriptionOf1MbAndOneWith300Mlines) {
  EXPECT_THAT(offer_refusal(usual_offer() + std::string(1 << 20, 'a')),
              HasSubstr("at most 262144 are taken"));
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i) many.push_back(audio_line(std::to_string(i)));
  EXPECT_THAT(offer_refusal(description(many, "0")), HasSubstr("more than 64 m-lines"));
}

TEST_F(Guard, ChangesNothingWhenItRefuses) {
  offered(usual_offer());
  EXPECT_FALSE(
      guard_.remote_offer(description({video_line(), audio_line(), data_line()}, "1 0 2")));
  ASSERT_EQ(guard_.mlines().size(), 3u);
  EXPECT_EQ(guard_.mlines()[0].mid, "0");
  EXPECT_TRUE(guard_.remote_offer(usual_offer()));
}

// --- mids and the order of m-lines

TEST_F(Guard, RefusesMidsThatAreMissingEmptyOddOrTwiceTheSame) {
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=mid:1\r\n", "")),
            "remote offer: m-line 1 (video) has no a=mid");
  EXPECT_THAT(offer_refusal(replaced(usual_offer(), "a=mid:1\r", "a=mid:\r")),
              HasSubstr("m-line 1 (video) has no a=mid"));
  EXPECT_THAT(offer_refusal(replaced(usual_offer(), "a=mid:1\r", "a=mid:1 2\r")),
              HasSubstr("has an odd mid: '1 2'"));
  EXPECT_THAT(
      offer_refusal(replaced(usual_offer(), "a=mid:1\r", "a=mid:" + std::string(200, 'x') + "\r")),
      HasSubstr("has an odd mid"));
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=mid:1\r", "a=mid:0\r")),
            "remote offer: mid '0' names more than one m-line");
}

TEST_F(Guard, RefusesMlinesInAnotherOrder) {
  offered(usual_offer());
  EXPECT_EQ(
      refusal(guard_.remote_offer(description({video_line(), audio_line(), data_line()}, "1 0 2"))),
      "remote offer: m-line 0 had mid '0' and now has '1': the order of m-lines must stay");
}

TEST_F(Guard, RefusesFewerMlinesThanBefore) {
  offered(usual_offer());
  EXPECT_EQ(refusal(guard_.remote_offer(description({audio_line()}, "0"))),
            "remote offer: 1 m-lines where there were 3: none may be removed");
}

TEST_F(Guard, RefusesAMlineThatChangesItsKind) {
  offered(usual_offer());
  EXPECT_EQ(refusal(guard_.remote_offer(
                description({audio_line(), audio_line("1"), data_line()}, "0 1 2"))),
            "remote offer: m-line 1 was video and is now audio");
}

TEST_F(Guard, TakesMoreMlinesThanBefore) {
  offered(usual_offer());
  const Sdp shown = offered(
      description({audio_line(), video_line(), data_line(), video_line("3", 3001)}, "0 1 2 3"));
  EXPECT_EQ(bundle(shown), "BUNDLE 0 1 2 3");
}

// --- directions

TEST_F(Guard, SaysADirectionWhereThereIsNone) {
  const Sdp shown = offered(replaced(usual_offer(), "a=sendrecv\r\n", ""));
  EXPECT_EQ(direction(shown, 0), "sendrecv");
  EXPECT_TRUE(guard_.mlines()[0].sends && guard_.mlines()[0].receives);
}

TEST_F(Guard, TakesTheSessionsDirection) {
  offered(replaced(replaced(usual_offer(), "a=sendrecv\r\n", ""), "t=0 0\r\n",
                   "t=0 0\r\na=sendonly\r\n"));
  EXPECT_TRUE(guard_.mlines()[0].sends);
  EXPECT_FALSE(guard_.mlines()[0].receives);
}

TEST_F(Guard, NeverShowsInactiveAndSaysSoInOurAnswer) {
  offered(usual_offer());
  const std::string muted = description(
      {audio_line(), replaced(video_line(), "sendrecv", "inactive"), data_line()}, "0 1 2");
  const Sdp shown = offered(muted);
  EXPECT_EQ(direction(shown, 1), "sendrecv");
  EXPECT_FALSE(guard_.mlines()[1].sends);
  const Sdp answer = answered(muted);
  EXPECT_EQ(direction(answer, 0), "recvonly");
  EXPECT_EQ(direction(answer, 1), "inactive");
}

TEST_F(Guard, ShowsInactiveAsSendrecvFromTheBeginning) {
  const Sdp shown = offered(replaced(usual_offer(), "sendrecv", "inactive"));
  EXPECT_EQ(direction(shown, 0), "sendrecv");
  EXPECT_EQ(direction(answered(usual_offer()), 0), "inactive");
}

TEST_F(Guard, ShowsTheSameDirectionForEver) {
  offered(usual_offer());
  for (const char* said : {"recvonly", "inactive", "sendonly", "sendrecv"}) {
    const Sdp shown = offered(replaced(usual_offer(), "sendrecv", said));
    EXPECT_EQ(direction(shown, 1), "sendrecv") << said;
  }
}

TEST_F(Guard, AnswersRecvonlyWithNothingIfWeOnlyReceive) {
  const std::string text = replaced(usual_offer(), "sendrecv", "recvonly");
  offered(text);
  EXPECT_EQ(direction(read(guard_.local_answer(as_answer(usual_offer()))), 0), "inactive");
}

// --- transport

TEST_F(Guard, CopiesTheSessionsTransportToTheMlines) {
  std::string bare = usual_offer();
  bare = replaced(bare, transport_lines(), "");
  const Sdp shown = offered(replaced(bare, "t=0 0\r\n", "t=0 0\r\n" + transport_lines()));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(value(shown, i, "setup"), "actpass");
    EXPECT_EQ(value(shown, i, "ice-ufrag"), "abcd");
    EXPECT_EQ(value(shown, i, "fingerprint"), std::string("sha-256 ") + kTestFingerprint);
  }
  EXPECT_FALSE(shown.attributes.has("fingerprint"));
}

TEST_F(Guard, CopiesTheTransportOfTheBundlesFirstMline) {
  std::string bundled = replaced(video_line(), transport_lines(), "");
  bundled = replaced(bundled, "m=video 9", "m=video 0");
  bundled = replaced(bundled, "a=rtcp-mux\r\n", "a=bundle-only\r\n");
  const Sdp shown = offered(description({audio_line(), bundled}, "0 1"));
  EXPECT_EQ(shown.media[1].port, 9u);
  EXPECT_EQ(value(shown, 1, "ice-pwd"), "abcdefghijklmnopqrstuvwx");
  EXPECT_EQ(value(shown, 1, "rtcp-mux"), "");
  EXPECT_EQ(value(shown, 1, "bundle-only"), "none");
}

TEST_F(Guard, RefusesMissingDifferentAndMalformedFingerprints) {
  const std::string line = std::string("a=fingerprint:sha-256 ") + kTestFingerprint + "\r\n";
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), line, "")), "remote offer: no DTLS fingerprint");
  std::string other = video_line();
  other = replaced(other, "sha-256 A0", "sha-256 A1");
  EXPECT_EQ(offer_refusal(description({audio_line(), other}, "0 1")),
            "remote offer: m-lines have different fingerprints");
  for (const char* odd : {"sha-256 A0:0F", "sha-256", "sha-256 A0:0F x", "sha-256 zz"})
    EXPECT_EQ(
        offer_refusal(replaced(usual_offer(), line, std::string("a=fingerprint:") + odd + "\r\n")),
        "remote offer: a fingerprint is malformed")
        << odd;
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=fingerprint:sha-256", "a=fingerprint:md5")),
            "remote offer: no fingerprint of a hash that we can check");
}

TEST_F(Guard, RefusesAFingerprintOfTheSessionThatTheMlinesContradict) {
  std::string text = usual_offer();
  text.insert(text.find("m=audio"),
              replaced(std::string("a=fingerprint:sha-256 ") + kTestFingerprint + "\r\n", "A0:0F",
                       "B0:0F"));
  EXPECT_EQ(offer_refusal(text), "remote offer: m-lines have different fingerprints");
}

TEST_F(Guard, TakesSeveralHashesBestFirstAndLowerCase) {
  std::string sha1 = kTestFingerprint;
  sha1.resize(59);
  const std::string line = std::string("a=fingerprint:sha-256 ") + kTestFingerprint + "\r\n";
  const std::string both = "a=fingerprint:SHA-1 " + replaced(sha1, "A0", "a0") + "\r\n" + line;
  const Sdp shown = offered(replaced(usual_offer(), line, both));
  ASSERT_EQ(guard_.fingerprints().size(), 2u);
  EXPECT_EQ(guard_.fingerprints()[0].hash, "sha-256");
  EXPECT_EQ(guard_.fingerprints()[1].value, sha1);
  EXPECT_EQ(value(shown, 0, "fingerprint"), std::string("sha-256 ") + kTestFingerprint);
}

TEST_F(Guard, RefusesADtlsRoleThatIsMissingOddOrDifferent) {
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=setup:actpass\r\n", "")),
            "remote offer: m-line 0 (audio) has no a=setup");
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=setup:actpass", "a=setup:holdconn")),
            "remote offer: m-line 0 (audio) has a=setup:holdconn in an offer");
  EXPECT_EQ(offer_refusal(description(
                {audio_line(), replaced(video_line(), "setup:actpass", "setup:active")}, "0 1")),
            "remote offer: m-lines of the bundle differ in a=setup");
}

TEST_F(Guard, RefusesMissingAndMalformedIceCredentials) {
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=ice-ufrag:abcd\r\n", "")),
            "remote offer: no ICE credentials");
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=ice-ufrag:abcd", "a=ice-ufrag:abc")),
            "remote offer: malformed ICE credentials");
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "qrstuvwx", "qrst vwx")),
            "remote offer: malformed ICE credentials");
  EXPECT_EQ(offer_refusal(
                replaced(usual_offer(), "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:short")),
            "remote offer: malformed ICE credentials");
}

TEST_F(Guard, MakesIceCredentialsEqualWithinTheBundle) {
  const std::string other = replaced(video_line(), "ice-ufrag:abcd", "ice-ufrag:efgh") +
                            "a=candidate:9 1 udp 1 10.0.0.9 5000 typ host\r\n";
  const std::string head = audio_line() + "a=candidate:1 1 udp 1 10.0.0.1 5000 typ host\r\n";
  const Sdp shown = offered(description({head, other}, "0 1"));
  EXPECT_EQ(value(shown, 1, "ice-ufrag"), "abcd");
  EXPECT_EQ(count_of(write_sdp(shown), "a=candidate:"), 1u);
}

TEST_F(Guard, SeesAnIceRestart) {
  offered(usual_offer());
  EXPECT_FALSE(guard_.restarts_ice());
  offered(usual_offer());
  EXPECT_FALSE(guard_.restarts_ice());
  offered(replaced(usual_offer(), "ice-ufrag:abcd", "ice-ufrag:efgh"));
  EXPECT_TRUE(guard_.restarts_ice());
}

TEST_F(Guard, RefusesAnotherFingerprintWithoutAnIceRestart) {
  offered(usual_offer());
  const std::string other = replaced(usual_offer(), "sha-256 A0", "sha-256 A1");
  EXPECT_EQ(refusal(guard_.remote_offer(other)),
            "remote offer: another DTLS fingerprint without an ICE restart");
  EXPECT_TRUE(guard_.remote_offer(replaced(other, "ice-ufrag:abcd", "ice-ufrag:efgh")));
}

TEST_F(Guard, RefusesMediaWithoutRtcpMux) {
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "a=rtcp-mux\r\n", "")),
            "remote offer: m-line 0 (audio) has no a=rtcp-mux");
}

// --- the bundle

TEST_F(Guard, PutsAMediaLineAtTheHeadOfTheBundleAndRestoresItsOrder) {
  const std::string text = description({data_line(), audio_line(), video_line()}, "2 0 1");
  const Sdp shown = offered(text);
  EXPECT_EQ(bundle(shown), "BUNDLE 0 2 1");
  EXPECT_EQ(guard_.bundle_index(), 1u);
  // webrtcbin's own answer goes by the order of the m-lines.
  EXPECT_EQ(bundle(read(guard_.own_answer(as_answer(text)))), "BUNDLE 0 2 1");
  EXPECT_EQ(bundle(answered(text)), "BUNDLE 2 0 1");
}

TEST_F(Guard, MovesOurCandidatesToTheHeadOfTheirBundle) {
  const std::string text = description({data_line(), audio_line(), video_line()}, "2 0 1");
  offered(text);
  std::string ours = as_answer(text);
  ours.insert(ours.find("m=video"), "a=candidate:1 1 udp 1 10.0.0.1 5000 typ host\r\n");
  const Sdp answer = read(guard_.local_answer(ours));
  EXPECT_TRUE(answer.media[0].attributes.has("candidate"));
  EXPECT_FALSE(answer.media[1].attributes.has("candidate"));
}

TEST_F(Guard, KeepsTheHeadOverLaterOffers) {
  offered(description({audio_line(), video_line()}, "1 0"));
  EXPECT_EQ(guard_.bundle_index(), 1u);
  EXPECT_EQ(bundle(offered(description({audio_line(), video_line()}, "0 1"))), "BUNDLE 1 0");
  EXPECT_EQ(guard_.bundle_index(), 1u);
}

TEST_F(Guard, RefusesAnOfferWithNothingButADataChannel) {
  const auto guarded = guard_.remote_offer(description({data_line("0")}, "0"));
  EXPECT_EQ(refusal(guarded), "remote offer: nothing but a data channel");
  EXPECT_EQ(guarded.error().code, Code::kUnsupported);
}

TEST_F(Guard, RefusesABundleThatNamesWhatIsNotThere) {
  EXPECT_EQ(offer_refusal(description({audio_line()}, "0 1")),
            "remote offer: the BUNDLE group names mid '1', which no m-line has (is the SDP cut "
            "off?)");
  EXPECT_EQ(offer_refusal(description({audio_line()}, "0 0")),
            "remote offer: the BUNDLE group names mid '0' twice");
}

TEST_F(Guard, RefusesSeveralMlinesWithoutABundleButTakesOne) {
  EXPECT_EQ(offer_refusal(description({audio_line(), video_line()}, "")),
            "remote offer: several m-lines, but no BUNDLE group");
  const std::string one = description({audio_line()}, "");
  EXPECT_EQ(bundle(offered(one)), "BUNDLE 0");
  EXPECT_EQ(bundle(answered(one)), "");
}

TEST_F(Guard, RejectsAMlineOutsideTheBundle) {
  const Sdp shown = offered(description({audio_line(), video_line()}, "0"));
  EXPECT_EQ(shown.media[1].port, 0u);
  EXPECT_EQ(answered(description({audio_line(), video_line()}, "0")).media[1].port, 0u);
}

// --- rejected m-lines

TEST_F(Guard, CompletesARejectedMlineThatSaysNothing) {
  const std::string text =
      description({audio_line(), lines("m=video 0 UDP/TLS/RTP/SAVPF 0\n"), video_line()}, "0 1");
  const Sdp shown = offered(text);
  EXPECT_EQ(shown.media[1].port, 0u);
  for (const char* name : {"mid", "fingerprint", "setup", "ice-ufrag", "ice-pwd", "inactive"})
    EXPECT_TRUE(shown.media[1].attributes.has(name)) << name;
  const Sdp answer = read(guard_.local_answer(as_answer(write_sdp(shown))));
  EXPECT_EQ(answer.media[1].kind, "video");
  EXPECT_EQ(answer.media[1].port, 0u);
}

TEST_F(Guard, AnswersUnknownKindsWithPort0) {
  const std::string text = description(
      {audio_line(), lines("m=text 9 RTP/AVP 98\na=mid:t\na=rtpmap:98 t140/1000\n")}, "0");
  const Sdp shown = offered(text);
  EXPECT_EQ(shown.media[1].port, 0u);
  const Sdp answer = read(guard_.local_answer(as_answer(text)));
  EXPECT_EQ(answer.media[1].kind, "text");
  EXPECT_EQ(answer.media[1].protocol, "RTP/AVP");
  EXPECT_EQ(answer.media[1].port, 0u);
  EXPECT_EQ(bundle(answer), "BUNDLE 0");
}

TEST_F(Guard, GoesOnShowingAMlineThatIsRejectedLater) {
  offered(usual_offer());
  const std::string gone = description(
      {audio_line(), lines("m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:1\n"), data_line()}, "0 2");
  const Sdp shown = offered(gone);
  EXPECT_EQ(shown.media[1].port, 9u);
  EXPECT_EQ(direction(shown, 1), "sendrecv");
  EXPECT_EQ(bundle(shown), "BUNDLE 0 1 2");
  EXPECT_FALSE(shown.media[1].attributes.has("ssrc"));
  EXPECT_FALSE(guard_.mlines()[1].accepted);
  const Sdp answer = answered(usual_offer());
  EXPECT_EQ(answer.media[1].port, 0u);
  EXPECT_EQ(bundle(answer), "BUNDLE 0 2");
}

TEST_F(Guard, LetsTheHeadOfTheBundleBeRejectedLater) {
  offered(usual_offer());
  offered(description(
      {lines("m=audio 0 UDP/TLS/RTP/SAVPF 111\na=mid:0\n"), video_line(), data_line()}, "1 2"));
  EXPECT_EQ(guard_.bundle_index(), 0u);
  EXPECT_EQ(bundle(answered(usual_offer())), "BUNDLE 1 2");
}

TEST_F(Guard, ShowsTheOldMidWhenAMlineIsReplaced) {
  offered(usual_offer());
  offered(description(
      {audio_line(), lines("m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:1\n"), data_line()}, "0 2"));
  const Sdp shown =
      offered(description({audio_line(), video_line("9", 3001), data_line()}, "0 9 2"));
  EXPECT_EQ(value(shown, 1, "mid"), "1");
  EXPECT_EQ(bundle(shown), "BUNDLE 0 1 2");
  EXPECT_EQ(guard_.mlines()[1].mid, "9");
  EXPECT_EQ(guard_.by_ssrc(3001), &guard_.mlines()[1]);
  const Sdp answer = answered(usual_offer());
  EXPECT_EQ(value(answer, 1, "mid"), "9");
  EXPECT_EQ(bundle(answer), "BUNDLE 0 9 2");
}

TEST_F(Guard, RefusesAReplacementWhereNothingWasRejected) {
  offered(usual_offer());
  EXPECT_THAT(refusal(guard_.remote_offer(
                  description({audio_line(), video_line("9"), data_line()}, "0 9 2"))),
              HasSubstr("m-line 1 had mid '1' and now has '9'"));
}

TEST_F(Guard, DoesNotTakeAReplacementOfAnotherKind) {
  offered(usual_offer());
  offered(description(
      {audio_line(), lines("m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:1\n"), data_line()}, "0 2"));
  const Sdp shown = offered(
      description({audio_line(), replaced(audio_line("9"), "1001", "1009"), data_line()}, "0 9 2"));
  EXPECT_EQ(shown.media[1].kind, "video");
  EXPECT_FALSE(guard_.mlines()[1].accepted);
  const Sdp answer = answered(usual_offer());
  EXPECT_EQ(answer.media[1].kind, "audio");
  EXPECT_EQ(answer.media[1].port, 0u);
}

TEST_F(Guard, RefusesAnOfferThatLeavesNothingToReceive) {
  EXPECT_EQ(offer_refusal(replaced(usual_offer(), "SAVPF", "AVP")),
            "remote offer: nothing but a data channel");
  EXPECT_EQ(offer_refusal(description({lines("m=audio 0 UDP/TLS/RTP/SAVPF 0\na=mid:0\n")}, "0")),
            "remote offer: no audio or video that we could take");
}

// --- codecs and what else is in an m-line

TEST_F(Guard, LetsOneCodecThroughInTheirOrder) {
  SdpGuard guard({.codecs = {"h264", "vp8", "opus"}});
  const auto shown = guard.remote_offer(usual_offer());
  ASSERT_TRUE(shown) << refusal(shown);
  EXPECT_THAT(*shown, HasSubstr("SAVPF 96 97\r\n"));
  EXPECT_THAT(*shown, Not(HasSubstr("H264")));
  ASSERT_TRUE(guard.mlines()[1].chosen);
  EXPECT_EQ(guard.mlines()[1].codecs[*guard.mlines()[1].chosen].rtp_name, "VP8");
}

TEST_F(Guard, LetsOneCodecThroughInOurOrder) {
  SdpGuard guard({.codecs = {"h264", "vp8", "opus"}, .codecs_by_us = true});
  const auto shown = guard.remote_offer(usual_offer());
  ASSERT_TRUE(shown) << refusal(shown);
  EXPECT_THAT(*shown, HasSubstr("SAVPF 98 99\r\n"));
}

TEST_F(Guard, GivesEachStreamThatIsSentALineOfItsCodec) {
  const std::vector<std::string> codecs = {"VP8", "OPUS", "H264"};
  SdpGuard guard({.codecs = codecs, .codecs_by_us = true, .sent = {"VP8", "OPUS", "H264", "VP8"}});
  const auto shown = guard.remote_offer(description(
      {audio_line("0"), video_line("1"), video_line("2"), video_line("3"), video_line("4")},
      "0 1 2 3 4"));
  ASSERT_TRUE(shown) << refusal(shown);
  std::vector<std::string> chosen;
  for (const SdpMline& mline : guard.mlines())
    chosen.push_back(mline.chosen ? mline.codecs[*mline.chosen].rtp_name : "");
  EXPECT_THAT(chosen, testing::ElementsAre("opus", "VP8", "H264", "VP8", "VP8"));
}

TEST_F(Guard, KeepsTheCodecThatWasChosen) {
  SdpGuard guard({.codecs = {"vp8", "h264", "opus"}});
  ASSERT_TRUE(guard.remote_offer(usual_offer()));
  const auto shown =
      guard.remote_offer(replaced(usual_offer(), "SAVPF 96 97 98 99", "SAVPF 98 99 96 97"));
  ASSERT_TRUE(shown);
  EXPECT_THAT(*shown, HasSubstr("SAVPF 96 97\r\n"));
}

TEST_F(Guard, RejectsWhatHasNoCodecOfOurs) {
  SdpGuard guard({.codecs = {"opus"}});
  const auto shown = guard.remote_offer(usual_offer());
  ASSERT_TRUE(shown);
  EXPECT_EQ(read(*shown).media[1].port, 0u);
  EXPECT_FALSE(guard.mlines()[1].accepted);
}

TEST_F(Guard, RejectsVideoOrAudioIfToldTo) {
  SdpGuard guard({.take_video = false});
  const auto shown = guard.remote_offer(usual_offer());
  ASSERT_TRUE(shown);
  EXPECT_EQ(read(*shown).media[1].port, 0u);
  // It says so with the names of the formats, and nobody who sends them all the same is listened
  // to.
  const Sdp said = read(guard.local_answer(as_answer(*shown)));
  EXPECT_EQ(said.media[1].port, 0u);
  EXPECT_TRUE(said.media[1].attributes.has("rtpmap"));
  std::set<int> video;
  for (const std::string& format : said.media[1].formats) video.insert(std::stoi(format));
  EXPECT_EQ(guard.refused_payloads(), video);
  ASSERT_TRUE(guard_.remote_offer(usual_offer()));
  EXPECT_TRUE(guard_.refused_payloads().empty());
}

TEST_F(Guard, DeclinesSimulcastAndKnowsItsRids) {
  const std::string simulcast =
      replaced(video_line(), "a=rtcp-rsize\r\n",
               "a=rtcp-rsize\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n");
  const auto shown = guard_.remote_offer(description({audio_line(), simulcast}, "0 1"));
  ASSERT_TRUE(shown);
  EXPECT_THAT(*shown, Not(HasSubstr("simulcast")));
  EXPECT_THAT(*shown, Not(HasSubstr("a=rid")));
  EXPECT_EQ(guard_.by_mid("1")->rids, (std::vector<std::string>{"h", "l"}));
}

TEST_F(Guard, PassesNothingItDoesNotKnow) {
  std::string text =
      replaced(usual_offer(), "a=rtcp-rsize\r\n",
               "a=rtcp-rsize\r\na=crypto:1 AES x\r\na=x-own:1\r\nb=AS:30\r\n"
               "a=candidate:1 1 udp 1 host.local 5 typ host\r\na=candidate:junk\r\n");
  const auto shown = guard_.remote_offer(text);
  ASSERT_TRUE(shown);
  for (const char* gone : {"crypto", "x-own", "b=AS", "candidate"})
    EXPECT_THAT(*shown, Not(HasSubstr(gone)));
}

TEST_F(Guard, TakesOneDataChannelLineOfTheModernForm) {
  const Sdp two = offered(description({audio_line(), data_line("1"), data_line("2")}, "0 1 2"));
  EXPECT_EQ(two.media[1].port, 9u);
  EXPECT_EQ(two.media[2].port, 0u);
  SdpGuard guard;
  const std::string old = replaced(data_line("1"), "webrtc-datachannel", "5000");
  ASSERT_TRUE(guard.remote_offer(description({audio_line(), old}, "0 1")));
  EXPECT_FALSE(guard.mlines()[1].accepted);
}

TEST_F(Guard, AnnouncesTheLargestMessageWeTake) {
  SdpGuard guard({.most_message_bytes = 12345});
  ASSERT_TRUE(guard.remote_offer(usual_offer()));
  const Sdp answer = read(
      guard.local_answer(replaced(as_answer(usual_offer()), "a=max-message-size:262144", "a=x:y")));
  EXPECT_EQ(value(answer, 2, "max-message-size"), "12345");
}

// --- candidates

TEST_F(Guard, SendsEveryCandidateToTheHeadOfTheBundle) {
  EXPECT_FALSE(guard_.remote_candidate(0, "0", "candidate:1 1 udp 1 10.0.0.1 5000 typ host"));
  offered(description({data_line(), audio_line(), video_line()}, "2 0 1"));
  const auto candidate =
      guard_.remote_candidate(0, "2", "candidate:1 1 udp 1 10.0.0.1 5000 typ host");
  ASSERT_TRUE(candidate);
  EXPECT_EQ(candidate->mline, 1u);
  EXPECT_EQ(candidate->text, "candidate:1 1 udp 1 10.0.0.1 5000 typ host");
  const auto end = guard_.remote_candidate(0, "2", "");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->mline, 1u);
}

TEST_F(Guard, DropsCandidatesThatAreOfNoUse) {
  offered(description({audio_line(), video_line()}, "0"));
  const char* good = "candidate:1 1 udp 1 10.0.0.1 5000 typ host";
  EXPECT_TRUE(guard_.remote_candidate(0, "", good));
  EXPECT_FALSE(guard_.remote_candidate(0, "x", good)) << "no such mid";
  EXPECT_FALSE(guard_.remote_candidate(1, "1", good)) << "rejected";
  EXPECT_FALSE(guard_.remote_candidate(7, "", good)) << "no such m-line";
  EXPECT_FALSE(guard_.remote_candidate(0, "0", "candidate:1 1 udp 1 a.local 5000 typ host"));
  EXPECT_FALSE(guard_.remote_candidate(0, "0", "garbage"));
  EXPECT_FALSE(guard_.remote_candidate(0, "0", std::string(good) + " ufrag other"));
  EXPECT_TRUE(guard_.remote_candidate(0, "0", std::string(good) + " ufrag abcd"));
}

TEST_F(Guard, TakesSoManyCandidatesAndNoMore) {
  offered(usual_offer());
  size_t taken = 0;
  for (int i = 0; i < 1000; ++i)
    taken += guard_.remote_candidate(
                 0, "0", fmt::format("candidate:{} 1 udp 1 10.0.0.1 {} typ host", i, 5000 + i))
                 ? 1
                 : 0;
  EXPECT_EQ(taken, SdpLimits{}.most_candidates);
}

// --- answers to our offers

class GuardedOffer : public Guard {
 protected:
  // As webrtcbin writes it: m-lines after the first with port 0 and bundle-only.
  GuardedOffer() {
    std::string own = usual_offer();
    own = replaced(own, "m=video 9", "m=video 0");
    own = replaced(own, "a=mid:1\r\n", "a=mid:1\r\na=bundle-only\r\n");
    sent_ = read(guard_.local_offer(own));
  }
  Sdp sent_;
};

TEST_F(GuardedOffer, SaysPort9WhereMlinesAreNotRejected) {
  EXPECT_EQ(sent_.media[1].port, 9u);
  EXPECT_EQ(value(sent_, 1, "bundle-only"), "none");
}

TEST_F(GuardedOffer, PassesTheAnswer) {
  const auto shown = guard_.remote_answer(as_answer(usual_offer()));
  ASSERT_TRUE(shown) << refusal(shown);
  EXPECT_EQ(bundle(read(*shown)), "BUNDLE 0 1 2");
}

TEST_F(GuardedOffer, KeepsTheHeadOfOurBundleInTheAnswer) {
  const auto shown =
      guard_.remote_answer(replaced(as_answer(usual_offer()), "BUNDLE 0 1 2", "BUNDLE 2 1 0"));
  ASSERT_TRUE(shown) << refusal(shown);
  EXPECT_EQ(bundle(read(*shown)), "BUNDLE 0 1 2");
  EXPECT_EQ(guard_.bundle_index(), 0u);
}

TEST_F(GuardedOffer, RefusesAnAnswerThatRejectsTheHeadOfTheBundle) {
  const std::string answer = replaced(replaced(as_answer(usual_offer()), "m=audio 9", "m=audio 0"),
                                      "BUNDLE 0 1 2", "BUNDLE 1 2");
  EXPECT_EQ(refusal(guard_.remote_answer(answer)),
            "remote answer: m-line 0, which carries the bundle, is rejected");
}

TEST_F(GuardedOffer, TakesAnAnswerThatRejectsAnother) {
  const std::string answer = replaced(replaced(as_answer(usual_offer()), "m=video 9", "m=video 0"),
                                      "BUNDLE 0 1 2", "BUNDLE 0 2");
  const auto shown = guard_.remote_answer(answer);
  ASSERT_TRUE(shown) << refusal(shown);
  EXPECT_EQ(read(*shown).media[1].port, 0u);
  EXPECT_EQ(read(*shown).media[1].kind, "video");
}

TEST_F(GuardedOffer, RefusesAnAnswerThatIsNotToOurOffer) {
  const auto answer = as_answer(usual_offer());
  EXPECT_EQ(refusal(guard_.remote_answer(as_answer(description({audio_line()}, "0")))),
            "remote answer: 1 m-lines in answer to 3");
  EXPECT_EQ(refusal(guard_.remote_answer(
                replaced(replaced(answer, "a=mid:1", "a=mid:7"), "BUNDLE 0 1 2", "BUNDLE 0 7 2"))),
            "remote answer: m-line 1 has mid '7', our offer's has '1'");
  EXPECT_EQ(refusal(guard_.remote_answer(replaced(answer, "m=video", "m=audio"))),
            "remote answer: m-line 1 is audio, our offer's is video");
  EXPECT_EQ(refusal(guard_.remote_answer(replaced(answer, "a=setup:active", "a=setup:actpass"))),
            "remote answer: m-line 0 (audio) has a=setup:actpass in an answer");
  EXPECT_EQ(refusal(guard_.remote_answer(replaced(answer, "a=group:BUNDLE 0 1 2\r\n", ""))),
            "remote answer: several m-lines, but no BUNDLE group");
  EXPECT_THAT(refusal(guard_.remote_answer(replaced(answer, "BUNDLE 0 1 2", "BUNDLE 0 2"))),
              HasSubstr("m-line 1 (video) of the answer is outside the bundle"));
  SdpGuard fresh;
  EXPECT_EQ(refusal(fresh.remote_answer(answer)),
            "remote answer: an answer, but we have not offered anything");
}

TEST_F(GuardedOffer, ShowsNoDirectionThatOurOfferDidNotAllow) {
  SdpGuard guard;
  guard.local_offer(replaced(usual_offer(), "sendrecv", "recvonly"));
  const auto shown =
      guard.remote_answer(replaced(as_answer(usual_offer()), "a=recvonly", "a=inactive"));
  ASSERT_TRUE(shown) << refusal(shown);
  EXPECT_EQ(direction(read(*shown), 0), "sendonly");
  SdpGuard sender;
  sender.local_offer(replaced(usual_offer(), "sendrecv", "sendonly"));
  const auto kept =
      sender.remote_answer(replaced(as_answer(usual_offer()), "a=recvonly", "a=inactive"));
  ASSERT_TRUE(kept) << refusal(kept);
  EXPECT_EQ(direction(read(*kept), 0), "recvonly");
  EXPECT_FALSE(sender.mlines()[0].receives);
}

TEST_F(GuardedOffer, HoldsTheirNextOfferToTheOrderOfOurs) {
  ASSERT_TRUE(guard_.remote_answer(as_answer(usual_offer())));
  EXPECT_THAT(
      refusal(guard_.remote_offer(description({video_line(), audio_line(), data_line()}, "1 0 2"))),
      HasSubstr("the order of m-lines must stay"));
  EXPECT_TRUE(guard_.remote_offer(usual_offer()));
}

}  // namespace
}  // namespace callbot::pipelines
