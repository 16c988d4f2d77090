#include "pipelines/peer.h"

#include <gmock/gmock.h>

#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

// A sending offerer and a receiving answerer.
struct Call {
  Loop& loop() { return link->loop; }
  std::unique_ptr<Loopback> link;
  std::unique_ptr<TestPattern> pattern;
};

TEST(Peer, AnswererReceivesWhatTheOffererSends) {
  Loop loop;
  LoopbackConfig config;
  config.offerer.receives = false;
  auto pattern = small_pattern(loop);
  config.offerer.source = pattern.get();
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.run_until([&] { return link.b.sink.frames(kVideo) > 60; })) << link.log();
  EXPECT_GT(link.b.sink.frames(kAudio), 50u);
  std::printf("%s\n%s\n%s\n", link.log().c_str(), link.a.said[0].c_str(), link.b.said[0].c_str());
  for (auto& t : link.b.peer->stats().tracks)
    std::printf("%lu packets %lu bytes %lu lost %ld repaired %ld frames %lu key %lu jitter %f pli %lu\n", t.track,
                t.packets, t.bytes, t.packets_lost, t.packets_repaired, t.frames, t.key_frames, t.jitter_s,
                t.key_frame_requests);
  std::printf("%s %s\n", link.b.peer->stats().selected_pair.c_str(), link.b.peer->stats().connection_state.c_str());
}

}  // namespace
}  // namespace callbot::pipelines
