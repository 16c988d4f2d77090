#include "pipelines/sdp.h"

#include <gmock/gmock.h>

#include "tests/support/sdp_offer.h"

namespace callbot::pipelines {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text, const SdpLimits& limits = {}) {
  const auto sdp = parse_sdp(text, limits);
  return sdp ? "taken" : sdp.error().message;
}

TEST(Sdp, ReadsAndWritesWhatItUnderstands) {
  const auto sdp = parse_sdp(usual_offer(), {});
  ASSERT_TRUE(sdp) << sdp.error().message;
  ASSERT_EQ(sdp->media.size(), 3u);
  EXPECT_EQ(sdp->media[1].kind, "video");
  EXPECT_EQ(sdp->media[1].formats, (std::vector<std::string>{"96", "97", "98", "99"}));
  EXPECT_EQ(*sdp->media[2].attributes.find("sctp-port"), "5000");
  EXPECT_EQ(*sdp->attributes.find("group"), "BUNDLE 0 1 2");
  const auto again = parse_sdp(write_sdp(*sdp), {});
  ASSERT_TRUE(again);
  EXPECT_EQ(write_sdp(*again), write_sdp(*sdp));
}

TEST(Sdp, TakesLinesThatEndWithLfAlone) {
  EXPECT_TRUE(parse_sdp(replaced(usual_offer(), "\r\n", "\n"), {}));
}

TEST(Sdp, RefusesWhatIsTooLong) {
  EXPECT_THAT(refusal(usual_offer() + "a=x:" + std::string(1 << 20, 'x') + "\r\n"),
              HasSubstr("bytes, at most 262144 are taken"));
  std::string many = description({}, "");
  for (int i = 0; i < 300; ++i) many += lines("m=audio 9 X 0\n");
  EXPECT_EQ(refusal(many), "the SDP has more than 64 m-lines");
}

TEST(Sdp, RefusesControlCharactersAndBytesThatAreNoUtf8) {
  EXPECT_EQ(refusal(replaced(usual_offer(), "cname:c\r", "cname:\x01\r")),
            "line 20 of the SDP has a control character (0x01)");
  EXPECT_THAT(refusal(replaced(usual_offer(), "a=sendrecv\r\n", "a=sendrecv\ra=x\r\n")),
              HasSubstr("(0x0d)"));
  EXPECT_THAT(refusal(replaced(usual_offer(), "msid:s a", std::string("msid:s\0a", 8))),
              HasSubstr("(0x00)"));
  EXPECT_EQ(refusal(replaced(usual_offer(), "cname:c\r", "cname:\xff\r")),
            "the SDP is no valid UTF-8");
}

TEST(Sdp, RefusesWhatIsCutOff) {
  const std::string whole = usual_offer();
  EXPECT_EQ(refusal(whole.substr(0, whole.size() - 1)),
            "the SDP is cut off: its last line has no end");
  EXPECT_EQ(refusal(whole.substr(0, whole.size() - 7)),
            "the SDP is cut off: its last line has no end");
}

TEST(Sdp, RefusesWhatIsNoSdp) {
  EXPECT_EQ(refusal(""), "the SDP is empty");
  EXPECT_EQ(refusal("hello\r\n"), "this is no SDP: it does not begin with v=0");
  EXPECT_EQ(refusal("v=0\r\nm=audio 9 X 0\r\n"), "the SDP has no o= line");
  EXPECT_EQ(refusal(description({}, "")), "the SDP has no m-line");
  EXPECT_THAT(refusal(usual_offer() + "hello\r\n"), HasSubstr("is not of the form x=value"));
  EXPECT_THAT(refusal(usual_offer() + "m=audio\r\n"), HasSubstr("is no m-line: 'audio'"));
  EXPECT_THAT(refusal(usual_offer() + "m=audio x UDP 0\r\n"), HasSubstr("has no port number"));
  EXPECT_THAT(refusal(usual_offer() + "m=audio 70000 UDP 0\r\n"), HasSubstr("has no port number"));
  EXPECT_THAT(refusal(usual_offer() + "a=:x\r\n"), HasSubstr("has an odd attribute"));
}

TEST(SdpDirection, IsReadAndWrittenOnce) {
  SdpAttributes attributes;
  EXPECT_FALSE(direction_of(attributes));
  for (const char* name : {"sendrecv", "sendonly", "recvonly", "inactive"}) {
    SdpAttributes one;
    one.add(name);
    ASSERT_TRUE(direction_of(one));
    EXPECT_STREQ(name_of(*direction_of(one)), name);
    set_direction(attributes, *direction_of(one));
  }
  EXPECT_EQ(std::distance(attributes.begin(), attributes.end()), 1);
  EXPECT_TRUE(attributes.has("inactive"));
}

TEST(SdpNumber, IsDigitsAndNothingElse) {
  EXPECT_EQ(sdp_number("65535", 65535), 65535u);
  for (const char* odd : {"", "-1", "+1", " 1", "1 ", "0x1", "65536", "99999999999999999999999"})
    EXPECT_FALSE(sdp_number(odd, 65535)) << odd;
}

}  // namespace
}  // namespace callbot::pipelines
