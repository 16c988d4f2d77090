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

}  // namespace
}  // namespace callbot::pipelines
