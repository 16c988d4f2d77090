// Data channels between two real Peers.
#include <gmock/gmock.h>

#include "pipelines/rtc_bin.h"
#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kVideo = MediaKind::kVideo;

class ChannelsTest : public testing::Test {
 protected:
  Loop loop;
  std::unique_ptr<TestPattern> pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};

  // A connected pair with one channel that both ends have open.
  struct Open {
    ChannelId a, b;
  };
  static Open open(Loopback& link) {
    const auto channel = link.a.peer->open_channel("chat");
    EXPECT_TRUE(channel);
    EXPECT_TRUE(link.connect()) << link.log();
    EXPECT_TRUE(link.run_until([&] {
      return !link.a.channels.empty() && !link.b.channels.empty();
    })) << link.log();
    return {*channel, link.b.channels.begin()->first};
  }
};

TEST_F(ChannelsTest, TextAndBytesGoBothWays) {
  Loopback link(loop, config);
  const auto [a, b] = open(link);
  EXPECT_EQ(link.b.channels[b], "chat");
  ASSERT_TRUE(link.a.peer->send_message(a, true, "grüezi"));
  ASSERT_TRUE(link.a.peer->send_message(a, false, std::string("\0\1\2", 3)));
  EXPECT_EQ(link.a.peer->send_message(a, true, "").error().code, Code::kUnsupported);
  ASSERT_TRUE(link.b.peer->send_message(b, true, "hoi"));
  ASSERT_TRUE(link.run_until([&] {
    return link.b.messages.size() == 2 && link.a.messages.size() == 1;
  })) << link.log();
  using Message = std::pair<bool, std::string>;
  EXPECT_EQ(link.b.messages[0], Message(true, "grüezi"));
  EXPECT_EQ(link.b.messages[1], Message(false, std::string("\0\1\2", 3)));
  EXPECT_EQ(link.a.messages[0], Message(true, "hoi"));
}

TEST_F(ChannelsTest, AMegabyteInPiecesArrivesWhole) {
  Loopback link(loop, config);
  const auto [a, b] = open(link);
  std::string sent;
  for (int i = 0; i < 64; ++i) {
    const std::string piece(16 * 1024, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(link.a.peer->send_message(a, false, piece));
    sent += piece;
  }
  std::string received;
  EXPECT_TRUE(link.run_until([&] { return link.b.messages.size() == 64; }, 30s)) << link.log();
  for (const auto& [text, bytes] : link.b.messages) received += bytes;
  EXPECT_TRUE(received == sent);
  EXPECT_TRUE(link.flows(link.b, kVideo));
}

TEST_F(ChannelsTest, WhatTheOtherEndDoesNotTakeIsNotSent) {
  config.answerer.most_message_bytes = 1000;
  Loopback link(loop, config);
  const auto [a, b] = open(link);
  EXPECT_THAT(link.b.said[0], HasSubstr("a=max-message-size:1000"));
  const auto sent = link.a.peer->send_message(a, false, std::string(1001, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kUnsupported);
  EXPECT_TRUE(link.a.peer->send_message(a, false, std::string(1000, 'x')));
  EXPECT_TRUE(link.run_until([&] { return link.b.messages.size() == 1; }));
}

TEST_F(ChannelsTest, AMessageThatIsTooLargeClosesTheChannelNotTheCall) {
  config.answerer.most_message_bytes = 1000;
  Loopback link(loop, config);
  link.b.munge = [](std::string sdp) {
    return replaced(std::move(sdp), "a=max-message-size:1000", "a=max-message-size:100000");
  };
  const auto [a, b] = open(link);
  ASSERT_TRUE(link.a.peer->send_message(a, false, std::string(5000, 'x')));
  ASSERT_TRUE(link.run_until([&] { return !link.b.closed_channels.empty(); })) << link.log();
  EXPECT_EQ(link.b.closed_channels[0], b);
  EXPECT_TRUE(link.b.messages.empty());
  EXPECT_FALSE(link.b.peer->send_message(b, true, "still there?"));
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_FALSE(link.b.failure);
  EXPECT_FALSE(link.a.failure);
}

TEST_F(ChannelsTest, SendingOnAClosedOrUnknownChannelSaysSo) {
  Loopback link(loop, config);
  const auto channel = link.a.peer->open_channel("chat");
  EXPECT_EQ(link.a.peer->send_message(*channel, true, "too early").error().code, Code::kConnect);
  EXPECT_EQ(link.a.peer->send_message(4711, true, "?").error().code, Code::kConnect);
}

TEST_F(ChannelsTest, ADataChannelAloneIsRefusedWithAReason) {
  config.offerer = {.receives = false};
  Loopback link(loop, config);
  ASSERT_TRUE(link.a.peer->open_channel("chat"));
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return link.b.failure.has_value(); })) << link.log();
  EXPECT_EQ(link.b.failure->code, Code::kUnsupported);
}

TEST_F(ChannelsTest, EndsWithUnsentDataInTheChannel) {
  for (int round = 0; round < 4; ++round) {
    Loopback link(loop, config);
    const auto [a, b] = open(link);
    for (int i = 0; i < 60; ++i) {
      link.a.peer->send_message(a, false, std::string(200'000, 'x'));
      link.b.peer->send_message(b, false, std::string(200'000, 'x'));
    }
    link.run_for(std::chrono::milliseconds(round * 30));
    link.a.peer.reset();
    link.b.peer.reset();
    EXPECT_TRUE(link.run_until([] { return RtcBin::ending() == 0; }, 10s)) << round;
  }
}

}  // namespace
}  // namespace callbot::pipelines
