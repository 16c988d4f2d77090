// Who is at the other end, and is anybody still there?
#include <gmock/gmock.h>

#include "base/clock.h"
#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

const network::Conditions kCut{.up = {.blackout = true}, .down = {.blackout = true}};
constexpr network::Kinds kAllButStun{network::PacketKind::kDtls, network::PacketKind::kRtp,
                                     network::PacketKind::kRtcp, network::PacketKind::kOther};

class SecurityTest : public testing::Test {
 protected:
  Loop loop;
  std::unique_ptr<TestPattern> pattern = small_pattern(loop);
  std::unique_ptr<TestPattern> other = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {.source = other.get()}};

  static double seconds_since(int64_t begin_ns) {
    return static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
  }
};

// Another certificate's fingerprint.
std::string forged(const std::string& sdp) {
  std::string out = sdp;
  for (size_t at = out.find("a=fingerprint:sha-256 "); at != std::string::npos;
       at = out.find("a=fingerprint:sha-256 ", at + 1))
    out.replace(at + 22, 5, "12:34");
  return out;
}

// --- fingerprint

TEST_F(SecurityTest, AWrongFingerprintInTheOfferEndsTheAnswerer) {
  Loopback link(loop, config);
  link.a.munge = forged;
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.b.failure->code, Code::kDenied);
  EXPECT_THAT(link.b.failure->message, HasSubstr("fingerprint"));
  link.run_for(1s);
  EXPECT_EQ(link.b.connected_count, 0);
  EXPECT_EQ(link.b.tracks.size(), 0u);
  EXPECT_EQ(link.b.sink.frames(kVideo) + link.b.sink.frames(kAudio), 0u);
  EXPECT_EQ(link.b.peer->stats().packets_sent, 0u);
  EXPECT_EQ(link.a.sink.frames(kVideo) + link.a.sink.frames(kAudio), 0u);
}

TEST_F(SecurityTest, AWrongFingerprintInTheAnswerEndsTheOfferer) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.a.peer->open_channel("secret"));
  link.b.munge = forged;
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.a.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.a.failure->code, Code::kDenied);
  link.run_for(1s);
  EXPECT_EQ(link.a.connected_count, 0);
  EXPECT_EQ(link.a.peer->stats().packets_sent, 0u);
  EXPECT_EQ(link.b.sink.frames(kVideo) + link.b.sink.frames(kAudio), 0u);
  // Not even the channel's name got across.
  EXPECT_TRUE(link.b.channels.empty());
  EXPECT_TRUE(link.a.channels.empty());
}

TEST_F(SecurityTest, AForgedEndGetsNoChannelMessageThrough) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.a.peer->open_channel("chat"));
  link.a.munge = forged;
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  link.run_for(1s);
  EXPECT_TRUE(link.b.channels.empty());
  EXPECT_TRUE(link.b.messages.empty());
}

TEST_F(SecurityTest, TheStrongestHashOfSeveralCounts) {
  Loopback link(loop, config);
  // A right SHA-256 beside a wrong SHA-512.
  link.a.munge = [](const std::string& sdp) {
    std::string wrong = "a=fingerprint:sha-512 ";
    for (int i = 0; i < 64; ++i) wrong += i == 0 ? "AB" : ":AB";
    return replaced(sdp, "a=fingerprint:sha-256 ", wrong + "\r\na=fingerprint:sha-256 ");
  };
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.b.failure->code, Code::kDenied);
}

TEST_F(SecurityTest, AnotherFingerprintLaterIsRefused) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  link.a.munge = forged;
  link.a.peer->negotiate();
  EXPECT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
}

TEST_F(SecurityTest, NoFingerprintIsRefused) {
  Loopback link(loop, config);
  link.a.munge = [](const std::string& sdp) { return without_lines(sdp, "a=fingerprint:"); };
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.b.failure->code, Code::kBadInput);
}

// --- is anybody there

TEST_F(SecurityTest, AVanishedPeerIsNoticedWithinFiveSeconds) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.set(kCut);
  const int64_t begin = monotonic_ns();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); }, 6s)) << link.log();
  EXPECT_LE(seconds_since(begin), 5.0);
  EXPECT_GE(seconds_since(begin), 3.0);
  EXPECT_EQ(link.b.failure->code, Code::kTimeout);
}

TEST_F(SecurityTest, APeerThatOnlyLostOneDirectionIsGoneToTheOther) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.set({.up = {.blackout = true}});
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); }, 6s)) << link.log();
  EXPECT_FALSE(link.a.failure);
}

TEST_F(SecurityTest, AMutedPeerIsNotTakenForOneThatIsGone) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  for (const MediaKind kind : {kAudio, kVideo}) {
    link.a.peer->set_sending(kind, false);
    link.b.peer->set_sending(kind, false);
  }
  link.run_for(9s);
  EXPECT_FALSE(link.a.failure) << link.log();
  EXPECT_FALSE(link.b.failure) << link.log();
  link.a.peer->set_sending(kVideo, true);
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

// No media in either direction, ever, and no RTCP that gets through: what is left is STUN.
TEST_F(SecurityTest, APeerWithNothingToSayIsAskedWithStun) {
  config = {};
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  line.set({.up = {.block = kAllButStun}, .down = {.block = kAllButStun}});
  link.run_for(9s);
  EXPECT_FALSE(link.a.failure) << link.log();
  EXPECT_FALSE(link.b.failure) << link.log();
  line.set(kCut);
  const int64_t begin = monotonic_ns();
  ASSERT_TRUE(link.run_until([&] { return link.a.failure && link.b.failure; }, 6s)) << link.log();
  EXPECT_LE(seconds_since(begin), 5.1);
}

TEST_F(SecurityTest, NeverConnectedIsATimeout) {
  config.answerer.connect_deadline = 700ms;
  Loopback link(loop, config);
  link.a.munge_candidate =
      link.b.munge_candidate = [](const std::string&) { return std::string(); };
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); }, 10s)) << link.log();
  EXPECT_THAT(link.b.failure->code, testing::AnyOf(Code::kTimeout, Code::kConnect));
}

TEST_F(SecurityTest, AnEndThatHangsUpIsNoticedAtOnceOrByTheWatchdog) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  link.a.peer.reset();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); }, 6s)) << link.log();
  EXPECT_THAT(link.b.failure->code, testing::AnyOf(Code::kTimeout, Code::kConnect));
}

TEST_F(SecurityTest, FailsAtMostOnceAndSaysNothingAfterIt) {
  Loopback link(loop, config);
  link.a.munge = forged;
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  const size_t said = link.b.log.size();
  link.b.peer->remote_description(true, "garbage");
  link.b.peer->remote_candidate(0, "", "garbage");
  EXPECT_FALSE(link.b.peer->open_channel("x"));
  link.run_for(500ms);
  EXPECT_EQ(link.b.log.size(), said) << link.log();
}

}  // namespace
}  // namespace callbot::pipelines
