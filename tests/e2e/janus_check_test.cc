// The verb check call in a VideoRoom of a real Janus: the way that it measures is the way to the
// server and back.
#include <gmock/gmock.h>
#include <gst/gst.h>

#include "bot/check_call.h"
#include "network/conditions.h"
#include "tests/support/janus_process.h"
#include "tests/support/measured_check.h"
#include "tests/support/program.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 90s;

class JanusCheck : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
  void SetUp() override {
    if (const auto why = test::JanusProcess::unusable(); !why.empty()) GTEST_SKIP() << why;
    auto janus = test::JanusProcess::start(loop_);
    ASSERT_TRUE(janus) << janus.error().message;
    janus_ = std::move(*janus);
  }
  CheckCallOptions options() const {
    CheckCallOptions o;
    o.join.url = janus_->room_url();
    o.duration = 2s;
    o.most_bitrate = 0;
    o.json = true;
    return o;
  }
  void run(CheckCallOptions o) {
    check_ = std::make_unique<CheckCall>(loop_, console_, std::move(o),
                                         [&](auto done) { done_ = std::move(done); });
    check_->start();
    ASSERT_TRUE(loop_.run_until([&] { return done_.has_value(); }, kPatience));
    ASSERT_FALSE(done_->error) << done_->error->message;
  }
  static std::string said(const CheckReport& report) { return to_text(report, judge(report)); }

  Loop loop_;
  Console console_{true};
  std::unique_ptr<test::JanusProcess> janus_;
  std::optional<CheckCall::Done> done_;
  std::unique_ptr<CheckCall> check_;
};

TEST_F(JanusCheck, PassesAndMeasures) {
  CheckCallOptions o = options();
  o.most_bitrate = 1'000'000;
  run(o);
  const CheckReport& report = check_->report();
  EXPECT_EQ(done_->status, kExitGood) << said(report);
  SCOPED_TRACE(said(report));
  ASSERT_NO_FATAL_FAILURE(test::expect_measured(report));
}

// The first end's line, on which the server is.
TEST_F(JanusCheck, TheWayToTheServerIsWhatIsMeasured) {
  CheckCallOptions o = options();
  o.join.network = *network::parse_network(R"({"up":{"delay":"300ms"},"down":{"delay":"100ms"}})");
  run(o);
  const CheckReport& report = check_->report();
  ASSERT_TRUE(report.echo.way[0].way && report.echo.way[1].way) << said(report);
  EXPECT_GE(*report.echo.way[0].way, 0.3) << said(report);
  EXPECT_GE(*report.echo.way[1].way, 0.1) << said(report);
  EXPECT_GE(judge(report).level, CheckVerdict::Level::kWarn) << said(report);
}

TEST_F(JanusCheck, TheProgramPrintsJson) {
  test::Program program(loop_, {CALLBOT_PROGRAM, "check", "call", janus_->room_url(), "--duration",
                                "1s", "--no-bitrate", "--json"});
  EXPECT_EQ(program.wait(kPatience), 0) << program.output();
  const auto json = Json::parse(program.output());
  ASSERT_TRUE(json) << program.output();
  EXPECT_TRUE(json->at("echo").at("rtt_s").number()) << program.output();
  // All of it runs in one namespace.
  EXPECT_EQ(json->at("echo").at("path").text(), "a server on this machine") << program.output();
}

}  // namespace
}  // namespace callbot::bot
