#include "network/relay.h"

#include <dirent.h>
#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "base/clock.h"
#include "network/candidate.h"
#include "tests/support/udp_end.h"

namespace callbot::network {
namespace {

using namespace std::chrono_literals;
using test::UdpEnd;
using ::testing::HasSubstr;
using ::testing::Not;

Address address_of(const std::optional<std::string>& candidate) {
  const auto parsed = parse_candidate(candidate.value_or(""));
  EXPECT_TRUE(parsed) << candidate.value_or("nothing");
  return parsed ? parsed->address : Address();
}

size_t open_descriptors() {
  size_t count = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

class RelayTest : public testing::TestWithParam<const char*> {
 protected:
  // Waits until all that was sent up has been seen, by sending one after it.
  void settle() {
    them_.send(to_us_, test::stun("settled"));
    while (const auto got = us_.receive())
      if (got->bytes == test::stun("settled")) return;
  }
  std::string pair(const Address& near, const Address& far) {
    return "host " + near.ip() + ":" + std::to_string(near.port()) + " -> host " + far.ip() + ":" +
           std::to_string(far.port());
  }

  Link link_;
  Relay relay_{link_, Log("relay")};
  UdpEnd us_{GetParam()}, them_{GetParam()};
  Address to_us_ = address_of(relay_.candidate_for_them(us_.candidate()));
  Address to_them_ = address_of(relay_.candidate_for_us(them_.candidate()));
};

INSTANTIATE_TEST_SUITE_P(Both, RelayTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& info) {
                           return info.param == std::string("::1") ? "V6" : "V4";
                         });

TEST_P(RelayTest, CarriesBothWaysAndNobodySeesTheOther) {
  them_.send(to_us_, test::stun("hello"));
  const auto there = us_.receive();
  ASSERT_TRUE(there);
  EXPECT_EQ(there->bytes, test::stun("hello"));
  EXPECT_EQ(there->from, to_them_);
  us_.send(there->from, test::stun("echo"));
  const auto back = them_.receive();
  ASSERT_TRUE(back);
  EXPECT_EQ(back->bytes, test::stun("echo"));
  EXPECT_EQ(back->from, to_us_);
  const std::set<Address> all{us_.own(), them_.own(), to_us_, to_them_};
  EXPECT_EQ(all.size(), 4u);
}

TEST_P(RelayTest, KeepsOrderAndBytes) {
  us_.send(to_them_, test::stun());
  ASSERT_TRUE(them_.receive());
  const auto packet = [](int i) {
    return test::rtp(std::to_string(i) + std::string(static_cast<size_t>(i) % 1200, 'x'));
  };
  for (int i = 0; i < 2000; i += 50) {  // the buffers of sockets are short
    for (int j = i; j < i + 50; ++j) us_.send(to_them_, packet(j));
    for (int j = i; j < i + 50; ++j) {
      const auto got = them_.receive();
      ASSERT_TRUE(got) << j;
      ASSERT_EQ(got->bytes, packet(j));
    }
  }
  EXPECT_EQ(link_.stats().up.passed.packets_of(PacketKind::kRtp), 2000u);
}

TEST_P(RelayTest, DelaysAsItIsTold) {
  Conditions c;
  c.up.delay_s = 0.05;
  link_.set(c);
  const int64_t sent = monotonic_ns();
  us_.send(to_them_, test::stun());
  ASSERT_TRUE(them_.receive());
  EXPECT_GE(monotonic_ns() - sent, 49'000'000);
  const auto up = link_.stats().up;
  EXPECT_DOUBLE_EQ(up.truth.delay_max_s, 0.05);
  EXPECT_EQ(up.passed_all, 1u);
  EXPECT_GT(up.late_max_s, 0);
  RecordProperty("late_us", static_cast<int>(up.late_max_s * 1e6));
}

// The other end's line: up is what it sends, and what reaches it comes down.
TEST_P(RelayTest, TheLineMayBeTheOtherEnds) {
  Link line;
  Relay relay(line, Log("relay"), {}, Relay::Whose::kTheOtherEnds);
  const Address to_us = address_of(relay.candidate_for_them(us_.candidate()));
  const Address to_them = address_of(relay.candidate_for_us(them_.candidate()));
  Conditions c;
  c.up.delay_s = 0.05;
  line.set(c);
  const int64_t sent = monotonic_ns();
  them_.send(to_us, test::stun("up"));
  const auto got = us_.receive();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->from, to_them);
  EXPECT_GE(monotonic_ns() - sent, 49'000'000);
  us_.send(to_them, test::stun("down"));
  ASSERT_TRUE(them_.receive());
  us_.send(to_them, test::stun("down"));
  ASSERT_TRUE(them_.receive());
  const LinkStats stats = line.stats();
  EXPECT_EQ(stats.up.passed_all, 1u);
  EXPECT_EQ(stats.down.passed_all, 2u);
  EXPECT_DOUBLE_EQ(stats.up.truth.delay_max_s, 0.05);
  EXPECT_DOUBLE_EQ(stats.down.truth.delay_max_s, 0);
}

TEST_P(RelayTest, ABlackoutEnds) {
  us_.send(to_them_, test::stun("1"));
  ASSERT_TRUE(them_.receive());
  Conditions dark;
  dark.up.blackout = dark.down.blackout = true;
  link_.set(dark);
  us_.send(to_them_, test::stun("dark"));
  them_.send(to_us_, test::stun("dark"));
  const auto dropped = [&](const WayStats& way) {
    return way.truth.dropped[static_cast<size_t>(Drop::kBlackout)];
  };
  const int64_t begin = monotonic_ns();
  while ((dropped(link_.stats().up) == 0 || dropped(link_.stats().down) == 0) &&
         monotonic_ns() - begin < 20'000'000'000)
    std::this_thread::yield();
  link_.set({});
  us_.send(to_them_, test::stun("2"));
  them_.send(to_us_, test::stun("2"));
  EXPECT_EQ(them_.receive()->bytes, test::stun("2"));
  EXPECT_EQ(us_.receive()->bytes, test::stun("2"));
}

TEST_P(RelayTest, DuplicatesArriveTwice) {
  Conditions c;
  c.up.duplicate = 1;
  link_.set(c);
  us_.send(to_them_, test::stun("twice"));
  EXPECT_EQ(them_.receive()->bytes, test::stun("twice"));
  EXPECT_EQ(them_.receive()->bytes, test::stun("twice"));
  settle();
  EXPECT_TRUE(them_.silent());
}

TEST_P(RelayTest, KindsAreToldApart) {
  them_.send(to_us_, test::stun());
  ASSERT_TRUE(us_.receive());
  for (const auto& packet :
       {test::stun("x"), test::dtls("x"), test::rtp("x"), test::rtcp("x"), std::string("\xff", 1)})
    us_.send(to_them_, packet);
  for (size_t i = 0; i < kPacketKinds; ++i) ASSERT_TRUE(them_.receive());
  const auto up = link_.stats().up.passed;
  for (size_t i = 0; i < kPacketKinds; ++i) EXPECT_EQ(up.packets[i], 1u) << kPacketKindNames[i];
  EXPECT_EQ(up.bytes_of(PacketKind::kDtls), 3u);
}

// --- who is who

TEST_P(RelayTest, AnAddressThatNobodyAnnouncedGetsASocketWithItsFirstStun) {
  const UdpEnd reflexive{GetParam()};
  reflexive.send(to_us_, test::dtls("not first"));
  reflexive.send(to_us_, test::stun("check"));
  const auto got = us_.receive();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->bytes, test::stun("check"));
  EXPECT_NE(got->from, reflexive.own());
  EXPECT_NE(got->from, to_them_);
  us_.send(got->from, test::stun("answer"));
  const auto back = reflexive.receive();
  ASSERT_TRUE(back);
  EXPECT_EQ(back->from, to_us_);
  EXPECT_EQ(link_.stats().down.strangers, 1u);
  // Announced after all: the same socket.
  EXPECT_EQ(address_of(relay_.candidate_for_us(reflexive.candidate())), got->from);
}

TEST_P(RelayTest, APeersOwnAddressMayBeUsedBeforeItIsAnnounced) {
  const UdpEnd early{GetParam()};
  early.send(to_them_, test::stun("check"));
  const auto got = them_.receive();
  ASSERT_TRUE(got);
  EXPECT_NE(got->from, early.own());
  EXPECT_EQ(address_of(relay_.candidate_for_them(early.candidate())), got->from);
}

TEST_P(RelayTest, SeveralCandidatesEachHaveTheirSocket) {
  const UdpEnd our_other{GetParam()}, their_other{GetParam()};
  const auto to_our_other = address_of(relay_.candidate_for_them(our_other.candidate()));
  const auto to_their_other = address_of(relay_.candidate_for_us(their_other.candidate()));
  their_other.send(to_our_other, test::stun("x"));
  const auto got = our_other.receive();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->from, to_their_other);
  our_other.send(to_them_, test::stun("y"));
  EXPECT_EQ(them_.receive()->from, to_our_other);
  EXPECT_TRUE(us_.silent());
}

TEST_P(RelayTest, AskedAgainItSaysTheSame) {
  EXPECT_EQ(address_of(relay_.candidate_for_them(us_.candidate())), to_us_);
  EXPECT_EQ(address_of(relay_.candidate_for_us(them_.candidate())), to_them_);
}

// --- nothing around it

TEST_P(RelayTest, NoTextThatIsHandedOnNamesWhereItCameFrom) {
  const std::string ip = GetParam();
  const auto named =
      "candidate:1 1 udp 1 " + ip + " 4567 typ srflx raddr " + ip + " rport 4568 " + "generation 0";
  const auto shown = relay_.candidate_for_us(named);
  ASSERT_TRUE(shown);
  const auto names_a_port = testing::ContainsRegex("[^0-9]456[789]([^0-9]|$)");
  EXPECT_THAT(*shown, Not(names_a_port));
  EXPECT_THAT(*shown, HasSubstr("typ srflx raddr"));
  const auto description = relay_.description_for_them(
      "v=0\r\nm=audio 4567 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 198.51.100.7\r\na=" + us_.candidate() +
      "\r\na=candidate:2 1 udp 1 203.0.113.9 4568 typ srflx raddr 10.0.0.1 rport "
      "4569\r\na=candidate:3 1 tcp 1 10.0.0.1 9 typ host tcptype active\r\n");
  EXPECT_THAT(description, Not(names_a_port));
  EXPECT_THAT(description, Not(HasSubstr("198.51.100")));
  EXPECT_THAT(description, Not(HasSubstr("203.0.113")));
  EXPECT_THAT(description, Not(HasSubstr("tcp")));
  EXPECT_THAT(description, HasSubstr("a=candidate:1 1 UDP 2015364095 " + ip + " " +
                                     std::to_string(to_us_.port()) + " typ host"));
}

TEST_P(RelayTest, OfOursOnlyHostCandidatesAreHandedOn) {
  for (const char* type : {"srflx raddr 10.0.0.1 rport 9", "relay raddr 10.0.0.1 rport 9", "prflx"})
    EXPECT_FALSE(
        relay_.candidate_for_them("candidate:1 1 udp 1 203.0.113.9 4568 typ " + std::string(type)));
}

TEST_P(RelayTest, WhatIsNoCandidateIsLeftOut) {
  constexpr const char* kTwo =
      "candidate:1 1 udp 1 127.0.0.1 4567 typ host\r\na=candidate:1 1 udp 1 1.2.3.4 1 typ host";
  for (const char* text :
       {"nonsense", "candidate:", "candidate:1 1 udp 1 x.local 4567 typ host",
        "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active", "\xff\xfe", kTwo}) {
    EXPECT_FALSE(relay_.candidate_for_us(text)) << text;
    EXPECT_FALSE(relay_.candidate_for_them(text)) << text;
  }
  EXPECT_EQ(relay_.candidate_for_us(""), "") << "the end of candidates";
  EXPECT_EQ(relay_.candidate_for_them(""), "");
}

TEST_P(RelayTest, ItsOwnSocketsAreNobodysCandidates) {
  for (const Address& own : {to_us_, to_them_}) {
    const std::string echoed =
        "candidate:1 1 udp 1 " + own.ip() + " " + std::to_string(own.port()) + " typ host";
    EXPECT_FALSE(relay_.candidate_for_us(echoed));
    EXPECT_FALSE(relay_.candidate_for_them(echoed));
  }
}

TEST_P(RelayTest, AFloodOfCandidatesOpensNoFloodOfSockets) {
  const size_t before = open_descriptors();
  for (int port = 1000; port < 3000; ++port)
    relay_.candidate_for_us("candidate:1 1 udp 1 " + std::string(GetParam()) + " " +
                            std::to_string(port) + " typ host");
  EXPECT_LE(open_descriptors() - before, 128u);
  us_.send(to_them_, test::stun());
  EXPECT_TRUE(them_.receive()) << "those that are there go on";
}

// --- proof

TEST_P(RelayTest, IsVerifiedBySelectedPairAndWhatPassed) {
  const auto good = pair(us_.own(), to_them_);
  const auto why = [&](const std::string& p) {
    const auto verified = relay_.verified(p);
    if (verified) return std::string("verified");
    EXPECT_EQ(verified.error().code, Code::kUnmeasured);
    return verified.error().message;
  };
  EXPECT_THAT(why(""), HasSubstr("no candidate pair"));
  EXPECT_THAT(why("nonsense -> x"), HasSubstr("no candidate pair"));
  EXPECT_THAT(why(good), HasSubstr("no stun has passed the relay up"));
  for (const auto& packet : {test::stun(), test::dtls()}) us_.send(to_them_, packet);
  ASSERT_TRUE(them_.receive() && them_.receive());
  EXPECT_THAT(why(good), HasSubstr("no stun has passed the relay down"));
  for (const auto& packet : {test::stun(), test::dtls()}) them_.send(to_us_, packet);
  ASSERT_TRUE(us_.receive() && us_.receive());
  EXPECT_EQ(why(good), "verified");
  const UdpEnd nat{GetParam()};
  EXPECT_EQ(why("prflx" + pair(nat.own(), to_them_).substr(4)), "verified");
  EXPECT_THAT(why("prflx" + pair(nat.own(), them_.own()).substr(4)), HasSubstr("does not lead"));
  EXPECT_THAT(why(pair(us_.own(), them_.own())), HasSubstr("does not lead to the relay"));
  EXPECT_THAT(why(pair(them_.own(), to_them_)), HasSubstr("does not begin"));
}

// --- its life

TEST_P(RelayTest, AllOfAProcessHaveOneThread) {
  std::vector<std::unique_ptr<Relay>> more;
  for (int i = 0; i < 20; ++i) {
    more.push_back(std::make_unique<Relay>(link_, Log("relay")));
    const UdpEnd end{GetParam()};
    us_.send(address_of(more.back()->candidate_for_us(end.candidate())), test::stun());
    ASSERT_TRUE(end.receive());  // whatever thread carries it has begun
  }
  int threads = 0;
  DIR* dir = opendir("/proc/self/task");
  while (const dirent* entry = readdir(dir)) {
    std::ifstream comm(std::string("/proc/self/task/") + entry->d_name + "/comm");
    std::string name;
    threads += std::getline(comm, name) && name == "relay" ? 1 : 0;
  }
  closedir(dir);
  EXPECT_EQ(threads, 1);
}

TEST_P(RelayTest, WhatItsPeerSaysAtItsEndStillPasses) {
  auto link = std::make_unique<Link>();
  auto relay = std::make_unique<Relay>(*link, Log("relay"));
  const auto for_us = address_of(relay->candidate_for_us(them_.candidate()));
  relay->candidate_for_them(us_.candidate());
  relay.reset();
  us_.send(for_us, test::dtls("close"));
  const auto got = them_.receive();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->bytes, test::dtls("close"));
}

TEST_P(RelayTest, EverythingIsGivenBackWithTheLink) {
  const size_t before = open_descriptors();
  {
    Link link;
    Conditions slow;
    slow.up.delay_s = 30;
    link.set(slow);
    for (int i = 0; i < 10; ++i) {
      Relay relay(link, Log("relay"));
      const auto for_us = address_of(relay.candidate_for_us(them_.candidate()));
      us_.send(for_us, test::stun("under way"));
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace callbot::network
