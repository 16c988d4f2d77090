#include "pipelines/local_sdp.h"

#include <gmock/gmock.h>

#include <string>

namespace callbot::pipelines {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string offer_with(const std::string& kind) {
  return "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
         "m=" +
         kind +
         " 9 UDP/TLS/RTP/SAVPF 111 97\r\nc=IN IP4 0.0.0.0\r\na=mid:x\r\na=sendonly\r\n"
         "a=ssrc-group:FID 1000 2000\r\na=ssrc:1000 msid:s t\r\na=ssrc:1000 cname:c\r\n"
         "a=ssrc:2000 msid:s t\r\na=ssrc:2000 cname:c\r\n";
}

TEST(LocalSdp, NamesNoRtxStreamOfAudio) {
  const std::string seen = without_audio_rtx(offer_with("audio"));
  EXPECT_THAT(seen, HasSubstr("a=ssrc:1000 msid:s t"));
  EXPECT_THAT(seen, HasSubstr("a=ssrc:1000 cname:c"));
  EXPECT_THAT(seen, Not(HasSubstr("FID")));
  EXPECT_THAT(seen, Not(HasSubstr("2000")));
}

TEST(LocalSdp, KeepsTheRtxStreamOfVideo) {
  const std::string offer = offer_with("video");
  EXPECT_EQ(without_audio_rtx(offer), offer);
}

TEST(LocalSdp, LeavesWhatIsNoSdpAlone) { EXPECT_EQ(without_audio_rtx("hello"), "hello"); }

TEST(LocalSdp, ContentIsSaidOfItsOwnMline) {
  const std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n";
  const auto slides = [](size_t mline) { return mline == 1 ? "slides" : ""; };
  const std::string said = with_contents(sdp, slides);
  const size_t at = said.find("a=content:slides");
  ASSERT_NE(at, std::string::npos) << said;
  EXPECT_GT(at, said.find("m=video"));
  EXPECT_EQ(said.find("a=content", at + 1), std::string::npos);
  EXPECT_EQ(with_contents(sdp, [](size_t) { return ""; }), sdp);
  const auto parsed = parse_sdp(said, {});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(describe_mline(parsed->media[0]).content, "");
  EXPECT_EQ(describe_mline(parsed->media[1]).content, "slides");
}

}  // namespace
}  // namespace callbot::pipelines
