#include "pipelines/sdp_media.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/support/sdp_offer.h"

namespace callbot::pipelines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

SdpMline mline_of(const std::string& media_text) {
  const auto sdp = parse_sdp(description({media_text}, ""), {});
  EXPECT_TRUE(sdp) << sdp.error().message;
  return describe_mline(sdp->media[0]);
}

std::string written(const SdpMline& mline) {
  std::set<uint32_t> seen;
  return write_sdp({.origin = "-", .attributes = {}, .media = {write_mline(mline, "P", seen)}});
}

SdpMline chromium_video() {
  std::ifstream file(CALLBOT_SOURCE_DIR
                     "/tests"
                     "/pipelines/sdp/chromium.sdp");
  std::stringstream text;
  text << file.rdbuf();
  const auto sdp = parse_sdp(text.str(), {});
  EXPECT_TRUE(sdp) << sdp.error().message;
  return describe_mline(sdp->media[1]);
}

TEST(SdpMline, KnowsCodecsTheirRtxAndFeedback) {
  const SdpMline video = mline_of(video_line());
  ASSERT_EQ(video.codecs.size(), 2u);
  EXPECT_EQ(video.codecs[0].rtp_name, "VP8");
  EXPECT_EQ(video.codecs[0].payload, 96);
  EXPECT_EQ(video.codecs[0].rtx_payload, 97);
  EXPECT_THAT(video.codecs[0].feedback, ElementsAre("nack", "nack pli"));
  EXPECT_EQ(video.codecs[1].rtp_name, "H264");
  EXPECT_EQ(video.codecs[1].fmtp,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
  const SdpMline audio = mline_of(audio_line());
  ASSERT_EQ(audio.codecs.size(), 2u);
  EXPECT_EQ(audio.codecs[0].clock, 48000);
  EXPECT_EQ(audio.codecs[0].channels, 2);
  EXPECT_EQ(audio.codecs[0].rtx_payload, -1);
  EXPECT_EQ(audio.extensions.at(1), "urn:ietf:params:rtp-hdrext:ssrc-audio-level");
}

TEST(SdpMline, KnowsStaticPayloadTypesWithoutRtpmap) {
  const SdpMline audio = mline_of(lines("m=audio 9 P 0 8 9 3\n"));
  ASSERT_EQ(audio.codecs.size(), 3u);
  EXPECT_EQ(audio.codecs[2].rtp_name, "G722");
  EXPECT_EQ(audio.codecs[2].clock, 8000);
}

TEST(SdpMline, ReadsWhatChromiumOffers) {
  const SdpMline video = chromium_video();
  std::vector<std::string> names;
  for (const SdpCodec& codec : video.codecs) names.push_back(codec.rtp_name);
  EXPECT_THAT(names, ElementsAre("VP8", "H264", "H264", "H264", "H264", "H264", "H264", "AV1",
                                 "VP9", "VP9"));
  EXPECT_EQ(video.ssrcs.size(), 2u);
  EXPECT_FALSE(video.ssrcs[0].repair);
  EXPECT_TRUE(video.ssrcs[1].repair);
  EXPECT_EQ(video.extensions.at(3),
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01");
}

TEST(SdpMline, PrefersH264WithMode1AndConstrainedBaselineAndVp9WithProfile0) {
  const SdpMline video = chromium_video();
  ASSERT_NE(best_payload(video, "h264"), nullptr);
  EXPECT_EQ(best_payload(video, "h264")->payload, 108);
  EXPECT_EQ(best_payload(video, "VP9")->payload, 98);
  EXPECT_EQ(best_payload(video, "H265"), nullptr);
}

TEST(SdpMline, TakesModeZeroIfThereIsNothingElse) {
  const SdpMline video =
      mline_of(lines("m=video 9 P 96 97\na=rtpmap:96 H264/90000\n"
                     "a=fmtp:96 profile-level-id=640028\na=rtpmap:97 H264/90000\n"
                     "a=fmtp:97 profile-level-id=42001f\n"));
  EXPECT_EQ(best_payload(video, "H264")->payload, 97);
}

TEST(SdpMline, LeavesOutWhatIsMalformed) {
  const SdpMline video = mline_of(
      lines("m=video 9 P 96 97 98 200 x 96\n"
            "a=rtpmap:96 VP8/90000\na=rtpmap:97 VP8\na=rtpmap:98 VP8/0\na=rtpmap:200 VP8/90000\n"
            "a=rtpmap:96 H264/90000\na=rtpmap:99 V\"P8/90000\n"
            "a=fmtp:96 good=1; b\"d=2; =3; alone; quote=\"x\"; two=a b;also-good=a=b\n"
            "a=rtcp-fb:96 shutdown\na=rtcp-fb:96 nack\na=rtcp-fb:* nack\na=rtcp-fb:x nack\n"
            "a=extmap:0 urn:a\na=extmap:15 urn:b\na=extmap:256 urn:c\na=extmap:3/sendonly urn:d\n"
            "a=extmap:3 urn:e\na=extmap:4\n"
            "a=ssrc:x cname:c\na=ssrc:4294967296 cname:c\na=ssrc:7 cname:c\na=ssrc:7 weird\n"));
  ASSERT_EQ(video.codecs.size(), 1u);
  EXPECT_EQ(video.codecs[0].rtp_name, "VP8");
  EXPECT_EQ(video.codecs[0].fmtp, "good=1;also-good=a=b");
  EXPECT_THAT(video.codecs[0].feedback, ElementsAre("nack"));
  EXPECT_EQ(video.extensions, (std::map<int, std::string>{{3, "urn:d"}}));
  ASSERT_EQ(video.ssrcs.size(), 1u);
  EXPECT_EQ(video.ssrcs[0].ssrc, 7u);
}

TEST(SdpMline, IsWrittenWithTheChosenCodecAlone) {
  SdpMline video = mline_of(video_line());
  video.chosen = 1;
  const std::string text = written(video);
  EXPECT_THAT(text, HasSubstr("m=video 9 P 98 99\r\n"));
  EXPECT_THAT(text, HasSubstr("a=fmtp:99 apt=98\r\n"));
  EXPECT_THAT(text, HasSubstr("a=ssrc-group:FID 2001 2002\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("VP8")));
}

TEST(SdpMline, LeavesAnSsrcToTheFirstMlineThatHasIt) {
  const SdpMline video = mline_of(video_line());
  std::set<uint32_t> seen = {2001};
  const SdpMedia media = write_mline(video, "P", seen);
  for (const SdpAttribute& a : media.attributes) EXPECT_EQ(a.value.find("2001"), std::string::npos);
  EXPECT_TRUE(seen.contains(2002));
}

TEST(SdpMline, IsReadInTimeHoweverManyLinesThereAre) {
  std::string text = "m=video 9 P";
  for (int i = 0; i < 10000; ++i) text += " 96";
  text += "\r\na=rtpmap:96 VP8/90000\r\n";
  for (int i = 0; i < 6000; ++i) text += "a=fmtp:96 =\r\na=ssrc:" + std::to_string(i) + "\r\n";
  const SdpMline video = mline_of(text);
  EXPECT_EQ(video.codecs.size(), 1u);
  EXPECT_LE(video.ssrcs.size(), 64u);
}

TEST(SdpCandidate, PassesWithWhatAnIceAgentNeeds) {
  const auto udp = usable_candidate(
      "candidate:1467250027 1 udp 2122260223 192.168.0.196 46243 typ host generation 0 ufrag abcd "
      "network-id 1 network-cost 50");
  ASSERT_TRUE(udp);
  EXPECT_EQ(udp->text,
            "candidate:1467250027 1 udp 2122260223 192.168.0.196 46243 typ host "
            "generation 0");
  EXPECT_EQ(udp->ufrag, "abcd");
  const auto relay =
      usable_candidate("a=candidate:2 1 UDP 1 2001:db8::1 3478 typ relay raddr 0.0.0.0 rport 0");
  ASSERT_TRUE(relay);
  EXPECT_THAT(relay->text, HasSubstr("2001:db8::1 3478 typ relay raddr 0.0.0.0 rport 0"));
  EXPECT_TRUE(usable_candidate("candidate:3 1 tcp 1 10.0.0.1 9 typ host tcptype active"));
}

TEST(SdpCandidate, IsDroppedIfItIsAnythingElse) {
  for (const char* odd : {
           "",
           "candidate:",
           "hello",
           "candidate:1 1 udp 1",
           "candidate:1 1 udp 1 8a7b2f30-1a2b-4c5d-9e8f-001122334455.local 5000 typ host",
           "candidate:1 1 udp 1 example.org 5000 typ host",
           "candidate:1 2 udp 1 10.0.0.1 5000 typ host",
           "candidate:1 1 ssltcp 1 10.0.0.1 5000 typ host",
           "candidate:1 1 udp -1 10.0.0.1 5000 typ host",
           "candidate:1 1 udp 1 10.0.0.1 0 typ host",
           "candidate:1 1 udp 1 10.0.0.1 70000 typ host",
           "candidate:1 1 udp 1 0.0.0.0 5000 typ host",
           "candidate:1 1 udp 1 224.0.0.1 5000 typ host",
           "candidate:1 1 udp 1 ff02::1 5000 typ host",
           "candidate:1 1 udp 1 fe80::1%eth0 5000 typ host",
           "candidate:1 1 udp 1 10.0.0.1 5000 typ alien",
           "candidate:1 1 udp 1 10.0.0.1 5000 kind host",
       })
    EXPECT_FALSE(usable_candidate(odd)) << odd;
}

}  // namespace
}  // namespace callbot::pipelines
