// Two Peers that meet at a TURN server only: coturn, as Debian packages it.
#include <gmock/gmock.h>

#include "tests/support/loopback.h"
#include "tests/support/turn_server.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class TurnTest : public testing::TestWithParam<const char*> {};

TEST_P(TurnTest, MediaGoesThroughTheRelayAlone) {
  test::TurnServer turn;
  Loop loop;
  ASSERT_TRUE(loop.run_until([&] { return turn.up(); }, 10s)) << "is coturn installed?";
  auto pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};
  for (PeerConfig* end : {&config.offerer, &config.answerer}) {
    end->ice.servers = {{turn.url(GetParam()), turn.kUser, turn.kPassword}};
    end->ice.relay_only = true;
  }
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect(30s)) << link.log();
  EXPECT_TRUE(link.flows(link.b, MediaKind::kVideo)) << link.log();
  for (const std::string& candidate : link.a.local_candidates)
    EXPECT_THAT(candidate, Not(HasSubstr("typ host")));
  EXPECT_THAT(link.b.peer->stats().selected_pair, HasSubstr("relay 127.0.0.1"));
  // Nothing to send: the watchdog has to hear the answers to its checks through the relay too.
  link.a.peer->set_sending(MediaKind::kAudio, false);
  link.a.peer->set_sending(MediaKind::kVideo, false);
  link.run_for(7s);
  EXPECT_FALSE(link.a.failure) << link.log();
  EXPECT_FALSE(link.b.failure) << link.log();
}

INSTANTIATE_TEST_SUITE_P(Over, TurnTest, testing::Values("udp", "tcp"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace callbot::pipelines
