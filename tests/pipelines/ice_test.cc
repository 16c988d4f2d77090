#include "pipelines/ice.h"

#include <gmock/gmock.h>

namespace callbot::pipelines {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Ice, ChoosesAddressesByInterfaceAndByAddress) {
  EXPECT_THAT(*gathering_addresses({.interfaces = {"127.0.0.1"}}), ElementsAre("127.0.0.1"));
  EXPECT_THAT(*gathering_addresses({.interfaces = {"lo"}}), Contains("127.0.0.1"));
  EXPECT_THAT(*gathering_addresses({.loopback = true}), Contains("127.0.0.1"));
  const auto unknown = gathering_addresses({.interfaces = {"nosuch0"}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kUsage);
  EXPECT_THAT(unknown.error().message, HasSubstr("nosuch0"));
}

TEST(Ice, ThereIsAlwaysAnAddressAndNoLinkLocalOne) {
  const auto all = gathering_addresses({.loopback = true});
  ASSERT_TRUE(all);
  for (const std::string& address : *all) EXPECT_THAT(address, Not(testing::StartsWith("fe80")));
  EXPECT_FALSE(gathering_addresses({})->empty());
}

TEST(Ice, ServersInWebrtcbinsSpellingWithTheirSecretsEscaped) {
  const auto uris = ice_uris({{.url = "stun:stun.example.org"},
                              {.url = "stun:other.example.org:19302"},
                              {.url = "turn:turn.example.org:3479?transport=tcp",
                               .username = "1700000000:ann/bot",
                               .credential = "p@ss:w%rd=+"},
                              {.url = "turn:[2001:db8::1]", .username = "u", .credential = "c"}});
  ASSERT_TRUE(uris) << uris.error().message;
  EXPECT_EQ(uris->stun, "stun://stun.example.org:3478");
  EXPECT_THAT(uris->turn,
              ElementsAre("turn://1700000000%3Aann%2Fbot:p%40ss%3Aw%25rd%3D%2B@turn.example.org:"
                          "3479?transport=tcp",
                          "turn://u:c@[2001:db8::1]:3478?transport=udp"));
}

TEST(Ice, RefusesWhatIsNoServer) {
  for (const char* url : {"", "stun", "stun:", "http://x", "turn:host:port", "turn:h:1?transport=x",
                          "turn:h:123456", "stun:a b", "turn:user@host", "stun:h:"}) {
    const auto uris = ice_uris({{.url = url, .username = "u", .credential = "c"}});
    ASSERT_FALSE(uris) << url;
    EXPECT_EQ(uris.error().code, Code::kUsage) << url;
  }
  EXPECT_EQ(ice_uris({{.url = "turn:host"}}).error().code, Code::kUsage) << "no credential";
}

TEST(Ice, TurnOverTlsAloneIsUnsupportedBesidePlainTurnItIsSkipped) {
  const IceServer secure{.url = "turns:turn.example.org", .username = "u", .credential = "c"};
  const IceServer plain{.url = "turn:turn.example.org", .username = "u", .credential = "c"};
  ASSERT_FALSE(ice_uris({secure}));
  EXPECT_EQ(ice_uris({secure}).error().code, Code::kUnsupported);
  const auto both = ice_uris({secure, plain});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->turn.size(), 1u);
  EXPECT_THAT(both->skipped, ElementsAre("turns:turn.example.org"));
}

}  // namespace
}  // namespace callbot::pipelines
