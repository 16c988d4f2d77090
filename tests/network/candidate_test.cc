#include "network/candidate.h"

#include <gmock/gmock.h>

#include <vector>

namespace callbot::network {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Candidate, ReadsWhatBrowsersAndLibniceWrite) {
  const auto host = parse_candidate("candidate:1 1 UDP 2015364095 127.0.0.1 58927 typ host");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->address.text(), "127.0.0.1:58927");
  EXPECT_EQ(host->type, "host");
  EXPECT_EQ(write_candidate(*host), "candidate:1 1 UDP 2015364095 127.0.0.1 58927 typ host");
  const auto srflx = parse_candidate(
      "a=candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.17 rport "
      "50000 generation 0 ufrag EsAw network-cost 999");
  ASSERT_TRUE(srflx);
  EXPECT_EQ(
      write_candidate(*srflx),
      "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 9 "
      "generation 0 ufrag EsAw network-cost 999");
  const auto relay = parse_candidate(
      "candidate:3 1 udp 41885439 2001:db8::2 5000 typ relay raddr 2001:db8::1 rport 50001");
  ASSERT_TRUE(relay);
  EXPECT_THAT(write_candidate(*relay), HasSubstr("2001:db8::2 5000 typ relay raddr :: rport 9"));
}

TEST(Candidate, IsNotWhatNobodyCanRelay) {
  for (const char* text :
       {"",
        "candidate:",
        "candidate:1",
        "nonsense",
        "candidate: 1 udp 1 127.0.0.1 1 typ host",
        "candidate:1 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 ssltcp 1 127.0.0.1 443 typ host",
        "candidate:1 1 udpx 1 127.0.0.1 443 typ host",
        "candidate:1 1 udp 2113937151 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5000 typ host",
        "candidate:1 1 udp 1 127.0.0.1 0 typ host",
        "candidate:1 1 udp 1 127.0.0.1 65536 typ host",
        "candidate:1 1 udp 1 127.0.0.1 -1 typ host",
        "candidate:1 1 udp x 127.0.0.1 1 typ host",
        "candidate:1 x udp 1 127.0.0.1 1 typ host",
        "candidate:1 1 udp 1 0.0.0.0 1 typ host",
        "candidate:1 1 udp 1 224.0.0.1 1 typ host",
        "candidate:1 1 udp 1 fe80::1 1 typ host",
        "candidate:1 1 udp 1 localhost 1 typ host",
        "candidate:1 1 udp 1 127.0.0.1 1 typ mouse",
        "candidate:1 1 udp 1 127.0.0.1 1 type host",
        "candidate:1 1 udp 1 127.0.0.1 1 typ",
        "candidate:1 1 udp 1 127.0.0.1 1 typ host\r\na=candidate:2 1 udp 1 10.0.0.1 1 typ host",
        "candidate:1 1 udp 1 127.0.0.1 1 typ host ufrag \xc3\xa9"})
    EXPECT_FALSE(parse_candidate(text)) << text;
  EXPECT_FALSE(
      parse_candidate("candidate:1 1 udp 1 127.0.0.1 1 typ host ufrag " + std::string(600, 'x')));
}

// No line ends in what comes out, whatever goes in: it would be a line of its own in a description.
TEST(Candidate, WritesOneLine) {
  for (int c = 0; c < 256; ++c) {
    const auto text = std::string("candidate:1 1 udp 1 127.0.0.1 1 typ host ufrag a") +
                      static_cast<char>(c) + "b";
    if (const auto candidate = parse_candidate(text)) {
      EXPECT_THAT(write_candidate(*candidate), Not(HasSubstr("\n"))) << c;
    }
  }
}

TEST(Candidate, InDescriptionsEachIsChangedAndNothingElseNamesAnAddress) {
  std::vector<std::string> seen;
  const std::string out = with_candidates_changed(
      "v=0\r\no=- 1 2 IN IP4 10.0.0.17\r\ns=-\r\nc=IN IP4 10.0.0.17\r\nt=0 0\r\n"
      "m=audio 50000 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP6 2001:db8::1\r\na=rtcp:50001 IN IP4 "
      "10.0.0.17\r\na=rtcp-mux\r\n"
      "a=candidate:1 1 udp 1 10.0.0.17 50000 typ host\r\na=candidate:2 1 tcp 1 10.0.0.17 9 typ "
      "host\n"
      "a=Candidate:3 1 udp 1 10.0.0.17 50000 typ host\ra=remote-candidates:1 10.0.0.17 50000\r\n"
      "a=end-of-candidates\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=broken\r\n\r\na=mid:0",
      [&](const std::string& candidate) -> std::optional<std::string> {
        seen.push_back(candidate);
        if (seen.size() == 2) return std::nullopt;
        return "candidate:changed";
      });
  EXPECT_THAT(seen, ElementsAre("candidate:1 1 udp 1 10.0.0.17 50000 typ host",
                                "candidate:2 1 tcp 1 10.0.0.17 9 typ host",
                                "Candidate:3 1 udp 1 10.0.0.17 50000 typ host"));
  EXPECT_EQ(out,
            "v=0\r\no=- 1 2 IN IP4 10.0.0.17\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
            "a=rtcp-mux\r\na=candidate:changed\r\na=candidate:changed\r\na=end-of-candidates\r\n"
            "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=broken\r\na=mid:0\r\n");
}

}  // namespace
}  // namespace callbot::network
