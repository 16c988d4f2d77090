#include "bot/network_report.h"

#include <gmock/gmock.h>

#include "tests/support/call_room.h"

namespace callbot::bot {
namespace {

using network::Drop;
using network::WayStats;
using ::testing::HasSubstr;

WayStats busy_way() {
  WayStats way;
  way.truth.in = 1000;
  way.truth.out = 880;
  way.truth.waiting = 5;
  way.truth.dropped[static_cast<size_t>(Drop::kLoss)] = 100;
  way.truth.dropped[static_cast<size_t>(Drop::kQueue)] = 15;
  way.truth.duplicated = 3;
  way.truth.reordered = 2;
  way.truth.delay_sum_s = 88;
  way.truth.delay_max_s = 0.25;
  way.passed.bytes = {1, 2, 3, 4, 5};
  way.overrun = 7;
  return way;
}

TEST(NetworkReport, TellsOneDirectionInWords) {
  EXPECT_EQ(text_of(busy_way()),
            "1000 packets, 100 dropped by loss, 15 dropped by queue, 3 twice, 2 held back, "
            "5 waiting, delay 100 ms mean 250 ms max, 7 lost by the relay itself");
  EXPECT_EQ(text_of(WayStats{}), "0 packets, delay 0 s mean 0 s max");
}

TEST(NetworkReport, TellsOneDirectionAsJson) {
  const Json json = json_of(busy_way());
  EXPECT_EQ(json.at("in").whole(), 1000);
  EXPECT_EQ(json.at("out").whole(), 880);
  EXPECT_EQ(json.at("dropped").at("loss").whole(), 100);
  EXPECT_EQ(json.at("dropped").at("blackout").whole(), 0);
  EXPECT_DOUBLE_EQ(*json.at("delayMean").number(), 0.1);
  EXPECT_EQ(json.at("bytesPassed").at("stun").whole(), 1);
  EXPECT_EQ(json.at("bytesPassed").at("rtp").whole(), 3);
  EXPECT_EQ(json.at("overrun").whole(), 7);
}

// Of a line that lost nothing.
network::Phase without_loss(int64_t begin_ns, const network::Conditions& conditions) {
  network::Phase phase{.conditions = conditions, .begin_ns = begin_ns, .end_ns = begin_ns + 1};
  phase.after.up.truth.in = phase.after.up.truth.out = 1000;
  phase.after.up.arrived.packets[static_cast<size_t>(network::PacketKind::kRtp)] = 1000;
  return phase;
}

TEST(NetworkReport, IsProvedByPathAndEffectOfEachPhase) {
  const std::vector clean{without_loss(0, {})};
  EXPECT_EQ(network_proved(clean, {}), "");
  const auto around = network_proved(clean, fail(Code::kUnmeasured, "around it"));
  ASSERT_FALSE(around);
  EXPECT_EQ(around.error().message, "around it");
  const std::vector two{without_loss(0, {}), without_loss(2'500'000'000, {.up = {.loss = 0.1}})};
  const auto unseen = network_proved(two, {});
  ASSERT_FALSE(unseen);
  EXPECT_EQ(unseen.error().message,
            "up loss 10 %; down clean: up: 0 of 1000 packets had random loss, 100 were to be "
            "expected");
  const Json json = json_of(two);
  EXPECT_EQ(json.at(size_t{0}).at("observed").boolean(), true);
  EXPECT_TRUE(json.at(size_t{0}).at("why").is_null());
  EXPECT_DOUBLE_EQ(*json.at(size_t{1}).at("at").number(), 2.5);
  EXPECT_EQ(json.at(size_t{1}).at("conditions").text(), "up loss 10 %; down clean");
  EXPECT_EQ(json.at(size_t{1}).at("observed").boolean(), false);
  EXPECT_THAT(*json.at(size_t{1}).at("why").text(), HasSubstr("0 of 1000 packets"));
}

class NetworkEventTest : public test::CallRoom {
 protected:
  // A machine that is busy with something else may be too slow, and then it has to say so.
  const testing::Matcher<std::string> kProved =
      testing::AnyOf(HasSubstr("; verified"), HasSubstr("the relay let packets go"));
};

TEST_F(NetworkEventTest, SendAndRecordSayWhatTheirNetworkDidAndThatItIsProved) {
  auto sending = small("bot");
  sending.join.network = *network::parse_network(R"({"up": {"delay": "30ms"}, "seed": 3})");
  sending.count = 2;
  auto& sender = start(sending);
  auto recording = into_folder();
  recording.join.network = *network::parse_network("clean");
  auto& recorder = start(recording);
  ASSERT_TRUE(tracks(recorder, 4));
  testing::internal::CaptureStdout();
  stopped(recorder);
  const std::string recorded = testing::internal::GetCapturedStdout();
  EXPECT_THAT(recorded,
              testing::ContainsRegex("network +recorder: clean .seed 1.; up [0-9]+ packets"));
  EXPECT_THAT(recorded, kProved);
  auto& second = start(into_folder());  // without one of its own
  ASSERT_TRUE(tracks(second, 4));
  testing::internal::CaptureStdout();
  ASSERT_TRUE(left(sender));
  const std::string sent = testing::internal::GetCapturedStdout();
  for (const char* bot :
       {"bot-1: up delay 30 ms; down clean .seed 3.", "bot-2: up delay 30 ms; down clean .seed 4."})
    EXPECT_THAT(sent, testing::ContainsRegex(
                          std::string("network +") + bot +
                          "; up [0-9]+ packets, delay 30 ms mean 30 ms max; down [0-9]+"));
  EXPECT_THAT(sent, kProved);
  testing::internal::CaptureStdout();
  stopped(second);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), testing::Not(HasSubstr("packets")));
}

}  // namespace
}  // namespace callbot::bot
