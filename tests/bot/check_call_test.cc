#include "bot/check_call.h"

#include <gmock/gmock.h>
#include <gst/gst.h>

#include "bot/serve.h"
#include "signaling/websocket.h"
#include "tests/support/lossy_server.h"
#include "tests/support/measured_check.h"
#include "tests/support/program.h"
#include "tests/support/room_host.h"
#include "tests/support/turn_server.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr auto kPatience = 90s;

EchoWay good_way() {
  EchoWay way;
  way.packets = 1000;
  way.lost = way.repaired = 0;
  way.jitter = 0.002;
  way.way = way.way_95 = 0.01;
  way.delay = way.delay_95 = 0.03;
  way.marked = way.expected = 180;
  return way;
}
EchoResult good_echo(const Pairs& pair) {
  EchoResult echo;
  echo.way[0] = echo.way[1] = good_way();
  echo.pair = pair;
  return echo;
}
RateResult good_rate(const Pairs& pair) {
  const RateWay fast{{{.sent = 8e6, .received = 8e6, .good = true}}, 8e6, true};
  return {{fast, fast}, pair};
}

const Pairs kOverAServer{"host 192.0.2.2:1 -> host 192.0.2.9:5",
                         "host 192.0.2.2:2 -> host 192.0.2.9:6"};
const Pairs kOnThisMachine{"host 192.0.2.2:1 -> host 192.0.2.2:2",
                           "host 192.0.2.2:2 -> host 192.0.2.2:1"};
const Pairs kThroughTurn{"relay 192.0.2.7:1 -> relay 192.0.2.7:2",
                         "relay 192.0.2.7:2 -> relay 192.0.2.7:1"};

CheckReport good_report(const Pairs& pair = kOverAServer) {
  CheckReport report;
  report.echo = good_echo(pair);
  report.rate = good_rate(pair);
  return report;
}
CheckReport relayed_report() {
  CheckReport report = good_report(kOnThisMachine);
  report.relayed = good_echo(kThroughTurn);
  report.relayed_rate = good_rate(kThroughTurn);
  return report;
}

TEST(JudgeCheck, AGoodCallPasses) {
  const auto verdict = judge(good_report());
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kGood);
  EXPECT_THAT(verdict.why, IsEmpty());
  const std::string text = to_text(good_report(), verdict);
  EXPECT_THAT(text, HasSubstr("PASS: this machine can hold a call there\n"));
  EXPECT_THAT(text, Not(HasSubstr("on this machine")));
  EXPECT_EQ(to_json(good_report(), verdict).at("echo").at("path").text(), "network");
}

TEST(JudgeCheck, SaysTheLimitsItGoesBy) {
  const CheckLimits strict{.rtt_warn = 0.05, .rtt_fail = 0.2};
  EXPECT_THAT(to_text(good_report(), {}, strict),
              HasSubstr("loss on the line 1 % (5 %), after retransmission 0.5 % (2 %), "
                        "round trip 50 ms (200 ms),\n"));
  EXPECT_THAT(to_text(good_report(), {}), HasSubstr("bit rate 500 kbit/s (150 kbit/s)\nPASS"));
  const Json limits = to_json(good_report(), {}, strict).at("limits");
  EXPECT_EQ(limits.at("rtt_s").at("warn").number(), 0.05);
  EXPECT_EQ(limits.at("bitrate").at("fail").number(), 150'000);
}

TEST(JudgeCheck, WhatDidNotLeaveThisMachineIsSaidToBeSo) {
  const CheckReport report = good_report(kOnThisMachine);
  const auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kUnmeasured);
  const std::string text = to_text(report, verdict);
  EXPECT_THAT(text, HasSubstr("host to host on this machine: round trip, loss and bit rate are"));
  EXPECT_THAT(text, HasSubstr("UNMEASURED\n  this machine can join a call and send media; of the "
                              "way to others nothing"));
  const Json json = to_json(report, verdict);
  EXPECT_EQ(json.at("echo").at("path").text(), "this machine");
  EXPECT_EQ(json.at("bitrate").at("path").text(), "this machine");
}

TEST(JudgeCheck, OfANetworkOfOurOwnTheWayIsKnown) {
  CheckReport report = good_report(kOnThisMachine);
  report.simulated = true;
  const auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kGood);
  EXPECT_THAT(to_text(report, verdict), HasSubstr("PASS: a call can be held behind that network"));
}

TEST(JudgeCheck, TheRelayedCallIsJudgedAsTheDirectOneIs) {
  EXPECT_EQ(judge(relayed_report()).level, CheckVerdict::Level::kGood);
  EXPECT_THAT(to_text(relayed_report(), {}),
              HasSubstr("PASS: this machine can hold a call there, through TURN; of a direct way"));
  const auto why = [](CheckVerdict::Level level, const auto& harm) {
    CheckReport report = relayed_report();
    harm(report);
    const CheckVerdict verdict = judge(report);
    EXPECT_EQ(verdict.level, level);
    return verdict.why;
  };
  using enum CheckVerdict::Level;
  EXPECT_THAT(why(kFail, [](CheckReport& r) { r.relayed->value().way[0].lost = 300; }),
              ElementsAre("through TURN, there: the line lost 23.1 % of the packets; 23.1 % stayed "
                          "lost after retransmission"));
  EXPECT_THAT(why(kWarn, [](CheckReport& r) { r.relayed->value().way[1].jitter = 0.05; }),
              ElementsAre("through TURN, back: 50.0 ms of jitter"));
  EXPECT_THAT(why(kWarn, [](CheckReport& r) { r.relayed->value().way[1].way = 0.4; }),
              ElementsAre("through TURN, a packet takes 410.0 ms there and back"));
  EXPECT_THAT(why(kUnmeasured, [](CheckReport& r) { r.relayed->value().way[0].way.reset(); }),
              ElementsAre("through TURN, the round trip is not known"));
  EXPECT_THAT(why(kUnmeasured, [](CheckReport& r) { r.relayed->value().way[1].marked = 0; }),
              ElementsAre("through TURN, back: not one marked picture could be read"));
  EXPECT_THAT(why(kFail, [](CheckReport& r) { r.relayed_rate->value().way[1].achieved = 1e5; }),
              ElementsAre("through TURN, back: no more than 100 kbit/s gets through"));
  EXPECT_THAT(
      why(kUnmeasured, [](CheckReport& r) { r.relayed_rate = fail(Code::kTimeout, "nothing"); }),
      ElementsAre("through TURN, bit rate not measured: nothing"));
}

TEST(JudgeCheck, SaysWhichWayWasTheRelayedOne) {
  const CheckReport report = relayed_report();
  const auto verdict = judge(report);
  EXPECT_THAT(to_text(report, verdict),
              HasSubstr("through TURN alone\nconnection     relay 192.0.2.7:1 -> relay"));
  const Json json = to_json(report, verdict);
  EXPECT_EQ(json.at("relayed").at("path").text(), "turn");
  EXPECT_EQ(json.at("relayed_bitrate").at("path").text(), "turn");
  EXPECT_EQ(json.at("relayed_bitrate").at("there").at("bitrate").number(), 8e6);
}

TEST(JudgeCheck, EachHarmIsNamedTheWorstFirst) {
  CheckReport report = good_report();
  report.echo.way[0].jitter = 0.05;
  report.echo.way[1].lost = 100;
  report.rate->value().way[0].achieved = 400'000;
  const auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kFail);
  EXPECT_THAT(
      verdict.why,
      ElementsAre(StartsWith("back: the line lost 9.1 % of the packets; 9.1 % stayed"),
                  "there: 50.0 ms of jitter", "there: no more than 400 kbit/s gets through"));
}

TEST(JudgeCheck, WhatTheLineLosesCountsThoughItWasRepaired) {
  CheckReport report = good_report();
  report.echo.way[0].repaired = 30;
  auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kWarn);
  EXPECT_THAT(verdict.why, ElementsAre("there: the line lost 3.0 % of the packets; 0.0 % stayed "
                                       "lost after retransmission"));
  report.echo.way[0].repaired = 100;
  report.echo.way[0].lost = 4;
  verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kFail);
  EXPECT_THAT(to_text(report, verdict),
              HasSubstr("there  lost 104 of 1004 packets on the line, 4 after retransmission"));
  EXPECT_NEAR(*to_json(report, verdict).at("echo").at("there").at("line_loss").number(),
              104. / 1004, 1e-9);
}

TEST(JudgeCheck, ALittleThatStaysLostIsSeenSooner) {
  CheckReport report = good_report();
  report.echo.way[1].lost = 7;
  EXPECT_EQ(judge(report).level, CheckVerdict::Level::kWarn);
  report.echo.way[1].lost = 25;
  EXPECT_EQ(judge(report).level, CheckVerdict::Level::kFail);
}

TEST(JudgeCheck, PicturesThatCannotBeReadCount) {
  CheckReport report = good_report();
  report.echo.way[0].unread = 3;
  report.echo.way[0].undecodable = 3;
  EXPECT_EQ(judge(report).level, CheckVerdict::Level::kWarn);
  report.echo.way[0].undecodable = 30;
  const auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kFail);
  EXPECT_THAT(verdict.why, ElementsAre("there: 33 pictures came, but could not be read"));
}

TEST(JudgeCheck, WhatIsNotKnownIsNotGood) {
  const auto why = [](const auto& forget) {
    CheckReport report = good_report();
    forget(report);
    const CheckVerdict verdict = judge(report);
    EXPECT_EQ(verdict.level, CheckVerdict::Level::kUnmeasured);
    EXPECT_THAT(to_text(report, verdict), HasSubstr("UNMEASURED"));
    return verdict.why;
  };
  EXPECT_THAT(why([](CheckReport& r) { r.echo.way[0].lost.reset(); }),
              ElementsAre("there: how many packets were lost is not known"));
  EXPECT_THAT(why([](CheckReport& r) { r.echo.way[1].repaired.reset(); }),
              ElementsAre("back: how many packets were lost is not known"));
  EXPECT_THAT(why([](CheckReport& r) { r.echo.way[1].packets = 0; }),
              ElementsAre("back: how many packets were lost is not known"));
  EXPECT_THAT(why([](CheckReport& r) { r.echo.way[0].jitter.reset(); }),
              ElementsAre("there: the jitter is not known"));
  EXPECT_THAT(why([](CheckReport& r) { r.echo.way[0].way.reset(); }),
              ElementsAre("the round trip is not known"));
  EXPECT_THAT(why([](CheckReport& r) { r.rate->value().way[1].steps.clear(); }),
              ElementsAre("back: bit rate not measured"));
  EXPECT_THAT(why([](CheckReport& r) { r.rate = fail(Code::kTimeout, "nothing came"); }),
              ElementsAre("bit rate not measured: nothing came"));
}

TEST(JudgeCheck, WithoutMarksNothingIsMeasured) {
  CheckReport report = good_report();
  report.echo.way[1].marked = 0;
  EXPECT_EQ(judge(report).level, CheckVerdict::Level::kUnmeasured);
  report.echo.way[1].lost = 500;
  EXPECT_EQ(judge(report).level, CheckVerdict::Level::kFail);
}

TEST(JudgeCheck, ATurnServerThatLeadsNowhereFails) {
  CheckReport report = good_report();
  report.relayed = fail(Code::kTimeout, "nobody there");
  const auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kFail);
  EXPECT_THAT(verdict.why, ElementsAre(HasSubstr("TURN")));
  EXPECT_EQ(to_json(report, verdict).at("relayed").at("error").text(), "nobody there");
}

class CheckCallTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  CheckCallOptions options() {
    CheckCallOptions o;
    o.join.url = host_.url();
    o.duration = 2s;
    o.json = true;
    return o;
  }
  void run(CheckCallOptions o) {
    check_ = std::make_unique<CheckCall>(loop_, console_, std::move(o),
                                         [&](auto done) { done_ = std::move(done); });
    check_->start();
    ASSERT_TRUE(loop_.run_until([&] { return done_.has_value(); }, kPatience));
  }

  Loop loop_;
  Console console_{true};
  test::RoomHost host_{loop_};
  std::optional<CheckCall::Done> done_;
  std::unique_ptr<CheckCall> check_;
};

TEST_F(CheckCallTest, MeasuresACallThroughARoom) {
  CheckCallOptions o = options();
  o.most_bitrate = 1'000'000;
  run(o);
  ASSERT_FALSE(done_->error) << done_->error->message;
  const CheckReport& report = check_->report();
  ASSERT_NO_FATAL_FAILURE(test::expect_measured(report));
  EXPECT_EQ(path_of(report.echo.pair), CallPath::kMachine) << report.echo.pair[0];
  EXPECT_EQ(path_of((*report.rate)->pair), CallPath::kMachine) << (*report.rate)->pair[0];
}

// Retransmission mends nearly all of it; the line is what it is.
TEST_F(CheckCallTest, ALossyLineIsNotGoodBecauseItIsRepaired) {
  CheckCallOptions o = options();
  o.duration = 6s;
  o.most_bitrate = 0;
  o.join.network = *network::parse_network(R"({"down":{"loss":"10%"}})");
  run(o);
  ASSERT_FALSE(done_->error) << done_->error->message;
  const EchoResult& echo = check_->report().echo;
  ASSERT_TRUE(echo.way[1].line_loss() && echo.way[0].line_loss());
  EXPECT_NEAR(*echo.way[1].line_loss(), 0.1, 0.06);
  EXPECT_LT(*echo.way[1].loss(), *echo.way[1].line_loss() / 2);
  EXPECT_LT(*echo.way[0].line_loss(), 0.01);
  EXPECT_GE(judge(check_->report()).level, CheckVerdict::Level::kWarn);
}

// Known conditions on the first end's line are what is reported.
TEST_F(CheckCallTest, SaysWhatTheNetworkDoes) {
  CheckCallOptions o = options();
  o.most_bitrate = 2'000'000;
  o.join.network = *network::parse_network(
      R"({"up":{"rate":"400 kbit/s","queue":"200ms"},"down":{"delay":"400ms"}})");
  run(o);
  ASSERT_FALSE(done_->error) << done_->error->message;
  const CheckReport& report = check_->report();
  ASSERT_TRUE(report.echo.way[1].way);
  EXPECT_GE(*report.echo.way[1].way, 0.4);
  const CheckVerdict::Level level = judge(report).level;
  EXPECT_GE(level, CheckVerdict::Level::kWarn);
  EXPECT_EQ(done_->status == kExitNotGood, level == CheckVerdict::Level::kFail);
  ASSERT_TRUE(report.rate && *report.rate);
  const RateWay& there = (*report.rate)->way[0];
  EXPECT_FALSE(there.open_ended);
  EXPECT_LE(there.achieved, 400'000);
  EXPECT_GE(there.achieved, 150'000);
  EXPECT_FALSE(report.relayed);
}

TEST_F(CheckCallTest, WithATurnServerTheCallGoesThroughItOnceMore) {
  test::TurnServer turn;
  ASSERT_TRUE(loop_.run_until([&] { return turn.up(); }, kPatience)) << "is coturn installed?";
  CheckCallOptions o = options();
  o.most_bitrate = 500'000;
  o.join.interfaces = {"127.0.0.1"};
  o.join.ice_servers = {turn.flag("udp")};
  run(o);
  ASSERT_FALSE(done_->error) << done_->error->message;
  const CheckReport& report = check_->report();
  ASSERT_TRUE(report.relayed);
  ASSERT_TRUE(*report.relayed) << report.relayed->error().message;
  EXPECT_THAT((*report.relayed)->pair[0], HasSubstr("relay 127.0.0.1"));
  EXPECT_TRUE((*report.relayed)->rtt());
  for (const EchoWay& way : (*report.relayed)->way) {
    EXPECT_EQ(way.lost, 0);
    EXPECT_GT(way.marked, 20U);
  }
  EXPECT_THAT(report.echo.pair[0], HasSubstr("host 127.0.0.1"));
  ASSERT_TRUE(report.rate && *report.rate);
  EXPECT_EQ(path_of((*report.rate)->pair), CallPath::kMachine);
  ASSERT_TRUE(report.relayed_rate && *report.relayed_rate);
  EXPECT_EQ(path_of((*report.relayed_rate)->pair), CallPath::kTurn);
  for (const RateWay& way : (*report.relayed_rate)->way) EXPECT_GT(way.achieved, 200'000);
}

// It connects; that is not enough.
TEST_F(CheckCallTest, ATurnServerThatLosesAThirdOfTheMediaFails) {
  test::TurnServer turn;
  ASSERT_TRUE(loop_.run_until([&] { return turn.up(); }, kPatience)) << "is coturn installed?";
  test::LossyServer lossy(*network::Address::parse("127.0.0.1", turn.port()), 3);
  CheckCallOptions o = options();
  o.most_bitrate = 0;
  o.join.interfaces = {"127.0.0.1"};
  o.join.ice_servers = {turn.flag("udp", lossy.port())};
  run(o);
  ASSERT_FALSE(done_->error) << done_->error->message;
  const CheckReport& report = check_->report();
  ASSERT_TRUE(report.relayed);
  ASSERT_TRUE(*report.relayed) << report.relayed->error().message;
  EXPECT_GT(lossy.lost(), 50U);
  for (const EchoWay& way : (*report.relayed)->way) {
    ASSERT_TRUE(way.line_loss());
    EXPECT_NEAR(*way.line_loss(), 0.3, 0.15);
  }
  EXPECT_EQ(report.echo.way[0].lost, 0);
  EXPECT_EQ(done_->status, kExitNotGood);
  const auto verdict = judge(report);
  EXPECT_EQ(verdict.level, CheckVerdict::Level::kFail);
  ASSERT_FALSE(verdict.why.empty());
  EXPECT_THAT(verdict.why.front(), StartsWith("through TURN, there: the line lost"));
}

TEST_F(CheckCallTest, ATurnServerThatDoesNotAnswerFails) {
  CheckCallOptions o = options();
  o.most_bitrate = 0;
  o.join.interfaces = {"127.0.0.1"};
  o.join.ice_servers = {"turn:user:password@127.0.0.1:9?transport=udp"};
  run(o);
  EXPECT_EQ(done_->status, kExitNotGood);
  EXPECT_TRUE(check_->report().relayed && !*check_->report().relayed);
}

TEST_F(CheckCallTest, SomebodyElseInTheRoomEndsIt) {
  test::RawMember alice(loop_, host_.url());
  ASSERT_FALSE(alice.join("alice").is_null());
  run(options());
  ASSERT_TRUE(done_->error);
  EXPECT_EQ(done_->error->code, Code::kUsage);
  EXPECT_THAT(done_->error->message, HasSubstr("\"alice\" is in the room"));
}

TEST_F(CheckCallTest, WithoutAServerThereIsNoCall) {
  CheckCallOptions o = options();
  host_.kill();
  run(o);
  EXPECT_EQ(done_->status, kExitConnect);
}

TEST_F(CheckCallTest, InterruptedItSaysWhatItKnows) {
  CheckCallOptions o = options();
  o.duration = 60s;
  check_ =
      std::make_unique<CheckCall>(loop_, console_, o, [&](auto done) { done_ = std::move(done); });
  check_->start();
  check_->interrupt();
  ASSERT_TRUE(loop_.run_until([&] { return done_.has_value(); }, kPatience));
  EXPECT_EQ(done_->status, kExitInterrupted);
}

TEST_F(CheckCallTest, TheProgramPrintsJson) {
  test::Program program(loop_, {CALLBOT_PROGRAM, "check", "call", host_.url(), "--duration", "1s",
                                "--no-bitrate", "--json"});
  const int status = program.wait(kPatience);
  const auto json = Json::parse(program.output());
  ASSERT_TRUE(json) << program.output();
  const std::string verdict = json->at("verdict").text().value_or("");
  EXPECT_EQ(status, verdict == "FAIL" ? 1 : verdict == "UNMEASURED" ? 5 : 0) << program.output();
  EXPECT_TRUE(json->at("echo").at("rtt_s").number()) << program.output();
}

TEST_F(CheckCallTest, TheProgramPrintsJsonOfACallThatNeverWas) {
  const std::string url = host_.url();
  host_.kill();
  test::Program program(loop_, {CALLBOT_PROGRAM, "check", "call", url, "--json"});
  EXPECT_EQ(program.wait(kPatience), 3);
  // Both streams; the sentence for people stands beside it.
  const std::string output = program.output();
  const size_t first = output.find('{'), last = output.rfind('}');
  ASSERT_LT(first, last) << output;
  const auto json = Json::parse(output.substr(first, last - first + 1));
  ASSERT_TRUE(json) << output;
  EXPECT_EQ(json->at("verdict").text(), "FAIL");
  EXPECT_NE(json->at("error").text().value_or(""), "");
}

}  // namespace
}  // namespace callbot::bot
