// Two Peers over an impaired line: does the whole path lead over it, and does it do what it says?
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "network/candidate.h"
#include "pipelines/ice.h"
#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using network::Drop;
using network::PacketKind;
using testing::HasSubstr;

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

class PeerNetworkTest : public testing::Test {
 protected:
  static network::Conditions both(const network::Direction& d) { return {.up = d, .down = d}; }
  static std::string why(const Loopback& link) {
    const auto verified = link.relay->verified(link.a.peer->stats().selected_pair);
    return verified ? "verified" : verified.error().message;
  }
  static double seconds_since(int64_t begin) {
    return static_cast<double>(monotonic_ns() - begin) / 1e9;
  }
  // Where an end's own sockets are.
  static std::set<std::string> own_addresses(const LoopbackEnd& end) {
    std::set<std::string> all;
    for (const std::string& text : end.local_candidates)
      if (const auto candidate = network::parse_candidate(text))
        all.insert(candidate->address.ip() + ":" + std::to_string(candidate->address.port()));
    return all;
  }
  static std::string far_end(const LoopbackEnd& end) {
    const std::string pair = end.peer->stats().selected_pair;
    return pair.substr(pair.rfind(' ') + 1);
  }

  Loop loop;
  std::unique_ptr<TestPattern> pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};
};

TEST_F(PeerNetworkTest, TheWholePathLeadsOverTheLineAndNothingAroundIt) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(why(link), "verified");
  EXPECT_FALSE(own_addresses(link.b).contains(far_end(link.a))) << far_end(link.a);
  EXPECT_FALSE(own_addresses(link.a).contains(far_end(link.b))) << far_end(link.b);
  const auto stats = line.stats();
  for (const network::WayStats* way : {&stats.up, &stats.down})
    for (const PacketKind kind : {PacketKind::kStun, PacketKind::kDtls})
      EXPECT_GT(way->passed.packets_of(kind), 0u) << static_cast<int>(kind);
  EXPECT_GT(stats.up.passed.packets_of(PacketKind::kRtp), 10u);
  EXPECT_EQ(stats.up.refused + stats.up.overrun + stats.up.overflow, 0u);
  // Were there another way, some of it would arrive.
  line.set(both({.blackout = true}));
  link.run_for(200ms);
  const uint64_t frames = link.b.sink.frames(kVideo) + link.b.sink.frames(kAudio);
  link.run_for(1s);
  EXPECT_EQ(link.b.sink.frames(kVideo) + link.b.sink.frames(kAudio), frames);
}

TEST_F(PeerNetworkTest, WithoutARelayNothingIsVerified) {
  network::Link line;
  Loopback link(loop, config);
  const network::Relay unused(line, Log("relay"));
  ASSERT_TRUE(link.connect()) << link.log();
  const auto verified = unused.verified(link.a.peer->stats().selected_pair);
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("does not lead to the relay"));
}

TEST_F(PeerNetworkTest, OverIpv6) {
  config.offerer.ice.interfaces = config.answerer.ice.interfaces = {"::1"};
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(why(link), "verified");
}

TEST_F(PeerNetworkTest, OnWhateverAddressesTheHostHas) {
  const auto addresses = gathering_addresses({});
  ASSERT_TRUE(addresses);
  config.offerer.ice.interfaces = config.answerer.ice.interfaces = *addresses;
  network::Link line;
  Loopback link(loop, config);
  link.route(line, *addresses);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(why(link), "verified");
}

TEST_F(PeerNetworkTest, CandidatesInDescriptionsAreRelayedToo) {
  config.offerer.trickles = config.answerer.trickles = false;
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(why(link), "verified");
}

// As with a browser that only says mDNS names, or is behind a NAT.
TEST_F(PeerNetworkTest, AnEndThatIsKnownByItsChecksAloneIsRelayedToo) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  link.b.munge_candidate = [](const std::string&) { return std::string(); };
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(why(link), "verified");
  EXPECT_FALSE(own_addresses(link.b).contains(far_end(link.a)));
}

TEST_F(PeerNetworkTest, ADelayOf200MillisecondsIsInTheRoundTripAndInOneWay) {
  network::Link line({.conditions = both({.delay_s = 0.2})});
  Loopback link(loop, config);
  link.route(line);
  const auto channel = link.a.peer->open_channel("ping");
  ASSERT_TRUE(channel);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.run_until([&] { return !link.b.channels.empty(); })) << link.log();
  // What a busy machine adds is not the line's: some packet has no more than that.
  double round_trip = 1e9, one_way = 1e9;
  const int64_t begin = monotonic_ns();
  while (round_trip > 0.6 && seconds_since(begin) < 20) {
    const size_t pings = link.b.messages.size(), pongs = link.a.messages.size();
    const int64_t sent = monotonic_ns();
    ASSERT_TRUE(link.a.peer->send_message(*channel, true, "ping"));
    ASSERT_TRUE(link.run_until([&] { return link.b.messages.size() > pings; })) << link.log();
    ASSERT_TRUE(link.b.peer->send_message(link.b.channels.begin()->first, true, "pong"));
    ASSERT_TRUE(link.run_until([&] { return link.a.messages.size() > pongs; })) << link.log();
    round_trip = std::min(round_trip, seconds_since(sent));
  }
  EXPECT_GE(round_trip, 0.4);
  EXPECT_LE(round_trip, 0.6);
  // Sender and receiver share a clock: what is left is encoding and the line.
  ASSERT_TRUE(link.run_until([&] {
    for (const auto& [id, seen] : link.b.sink.seen()) {
      if (seen.info.kind != kAudio || !seen.last_ntp_ns) continue;
      const int64_t arrived = seen.last_arrival_ns + wall_ns() - monotonic_ns();
      one_way = std::min(one_way, static_cast<double>(arrived - *seen.last_ntp_ns) / 1e9);
    }
    return one_way <= 0.4;
  })) << one_way
      << " s\n"
      << link.log();
  EXPECT_GE(one_way, 0.19);
  const auto truth = line.stats().up.truth;
  EXPECT_NEAR(truth.delay_mean_s(), 0.2, 1e-6);
}

// Of the end that sends: the reports are about its streams.
TEST_F(PeerNetworkTest, RoundTripsAndJoiningTakeWhatTheLineTakes) {
  constexpr double kTrip = 0.16;
  network::Link line({.conditions = both({.delay_s = kTrip / 2})});
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  for (const LoopbackEnd* end : {&link.a, &link.b}) {
    const ConnectTimes times = end->peer->stats().times;
    ASSERT_NE(times.described_ns, 0);
    EXPECT_GE(times.ice_ns - times.described_ns, static_cast<int64_t>(kTrip * 1e9));
    EXPECT_GE(times.dtls_ns - times.ice_ns, static_cast<int64_t>(kTrip * 1e9) / 4);
  }
  // What a busy machine adds is not the line's: some report has little more.
  double least = 1e9, before_s = 0;
  uint64_t before = 0;
  ASSERT_TRUE(link.run_until(
      [&] {
        const PeerStats stats = link.a.peer->stats();
        if (stats.round_trips > before)
          least = std::min(least, (stats.round_trips_s - before_s) /
                                      static_cast<double>(stats.round_trips - before));
        before = stats.round_trips;
        before_s = stats.round_trips_s;
        return least < 2 * kTrip;
      },
      20s))
      << least << link.log();
  EXPECT_GE(least, kTrip - 0.001);
  EXPECT_EQ(link.b.peer->stats().round_trips, 0u) << "it sends nothing that is reported on";
}

// Round trips that take longer than libnice waits for an answer among them: see
// pipelines/far_peer.h.
class EveryLine : public PeerNetworkTest, public testing::WithParamInterface<network::Preset> {};

TEST_P(EveryLine, ConnectsAndCarriesSound) {
  network::Link line({.conditions = GetParam().conditions});
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kAudio, 100)) << link.log();
}

std::vector<network::Preset> lines() {
  const auto presets = network::presets();
  std::vector<network::Preset> all(presets.begin(), presets.end());
  const network::Direction far{.delay_s = 0.5};
  all.push_back({"far", "", {far, far}});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Presets, EveryLine, testing::ValuesIn(lines()), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// On a line that loses RTP one way and no RTCP the other.
TEST_F(PeerNetworkTest, RequestsThatLeftAreThoseThatCame) {
  struct All {
    uint64_t nack = 0, pli = 0, fir = 0;
  };
  const auto sent = [](const LoopbackEnd& end) {
    All all;
    for (const TrackStats& t : end.peer->stats().tracks)
      all.nack += t.nack_sent, all.pli += t.pli_sent, all.fir += t.fir_sent;
    return all;
  };
  const auto came = [](const LoopbackEnd& end) {
    All all;
    for (const SentStats& s : end.peer->stats().sent)
      all.nack += s.nack, all.pli += s.pli, all.fir += s.fir;
    return all;
  };
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.set({.up = {.loss = 0.1}});
  ASSERT_TRUE(link.run_until([&] { return sent(link.b).nack >= 10; }, 60s)) << link.log();
  line.set({});
  EXPECT_TRUE(link.run_until([&] {
    const All left = sent(link.b), there = came(link.a);
    if (left.pli == 0) link.b.peer->request_key_frame(link.b.track(kVideo)->id);
    return left.pli > 0 && left.nack == there.nack && left.pli == there.pli;
  })) << sent(link.b).nack
      << " NACKs left, " << came(link.a).nack << " came; " << sent(link.b).pli << " PLIs left, "
      << came(link.a).pli << " came";
  EXPECT_EQ(sent(link.b).fir, 0u);
  EXPECT_EQ(sent(link.a).nack + came(link.b).nack, 0u) << "nothing is sent that way";
  for (const TrackStats& t : link.b.peer->stats().tracks) {
    EXPECT_GT(t.held_frames, 0u);
    EXPECT_GT(t.held_s, 0);
    EXPECT_GE(t.packets_discarded, 0);
    EXPECT_GT(t.first_packet_ns, 0);
    EXPECT_LE(t.first_packet_ns, t.last_packet_ns);
  }
  uint64_t packets = 0;
  for (const SentStats& s : link.a.peer->stats().sent) packets += s.packets;
  EXPECT_GE(link.a.peer->stats().packets_sent, packets);
}

TEST_F(PeerNetworkTest, ABlackoutOfTwoSecondsIsSurvived) {
  network::Network network;
  network.schedule = {{0, both({.blackout = true})}, {2'000'000'000, {}}};
  network::Link line(network);
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.begin_schedule();
  ASSERT_TRUE(link.run_until([&] { return line.conditions() == network::Conditions{}; }, 10s));
  EXPECT_GT(line.stats().up.truth.dropped[static_cast<size_t>(Drop::kBlackout)], 20u);
  EXPECT_TRUE(link.flows(link.b, kVideo, 30)) << link.log();
  EXPECT_TRUE(link.flows(link.b, kAudio, 30)) << link.log();
  EXPECT_FALSE(link.a.failure) << link.log();
  EXPECT_FALSE(link.b.failure) << link.log();
}

TEST_F(PeerNetworkTest, TenPercentLossIsMendedByRetransmission) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.set(both({.loss = 0.1}));
  int64_t repaired = 0;
  ASSERT_TRUE(link.run_until(
      [&] {
        repaired = 0;
        for (const TrackStats& track : link.b.peer->stats().tracks)
          repaired += track.packets_repaired;
        return repaired >= 10;
      },
      60s))
      << repaired << link.log();
  line.set({});
  EXPECT_TRUE(link.flows(link.b, kVideo, 30)) << link.log();
  const auto truth = line.stats().up.truth;
  EXPECT_GE(truth.dropped[static_cast<size_t>(Drop::kLoss)], static_cast<uint64_t>(repaired));
  EXPECT_EQ(truth.in, truth.out + truth.dropped_all());
  EXPECT_FALSE(link.b.failure) << link.log();
}

TEST_F(PeerNetworkTest, ASlowLineQueuesAndDrops) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.set({.up = {.rate = 100e3, .queue_s = 0.2}});  // the pattern has 200 kbit/s and more
  ASSERT_TRUE(link.run_until([&] {
    return line.stats().up.truth.dropped[static_cast<size_t>(Drop::kQueue)] > 20;
  })) << link.log();
  EXPECT_GT(line.stats().up.truth.delay_max_s, 0.1);  // a full queue, less one big packet
  line.set({});
  EXPECT_TRUE(link.flows(link.b, kVideo, 30)) << link.log();
}

}  // namespace
}  // namespace callbot::pipelines
