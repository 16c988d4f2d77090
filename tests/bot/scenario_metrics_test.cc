#include "bot/scenario_metrics.h"

#include <gmock/gmock.h>

#include "signaling/http.h"

namespace callbot::bot {
namespace {

using ::testing::HasSubstr;

class ScenarioMetricsTest : public ::testing::Test {
 protected:
  signaling::HttpReply get(const std::string& url) {
    signaling::HttpCall call;
    call.url = url;
    std::optional<Result<signaling::HttpReply>> reply;
    client_.call(call, [&](auto got) { reply = std::move(got); });
    EXPECT_TRUE(loop_.run_until([&] { return reply.has_value(); }, std::chrono::seconds(20)));
    EXPECT_TRUE(reply && *reply);
    return reply && *reply ? **reply : signaling::HttpReply();
  }

  Loop loop_;
  signaling::HttpClient client_{loop_, {}};
};

TEST_F(ScenarioMetricsTest, GivesWhatThereIsNow) {
  int asked = 0;
  auto metrics = ScenarioMetrics::create(
      loop_, ":0", [&] { return "callbot_asked_total " + std::to_string(++asked) + "\n"; });
  ASSERT_TRUE(metrics) << metrics.error().message;
  EXPECT_THAT((*metrics)->url(), HasSubstr("http://127.0.0.1:"));
  const auto first = get((*metrics)->url());
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.header("content-type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_EQ(first.body, "callbot_asked_total 1\n");
  EXPECT_EQ(get((*metrics)->url()).body, "callbot_asked_total 2\n");
  EXPECT_EQ(get((*metrics)->url() + "/other").status, 404);
}

TEST_F(ScenarioMetricsTest, SaysWhereItCannotListen) {
  auto one = ScenarioMetrics::create(loop_, ":0", [] { return ""; });
  ASSERT_TRUE(one);
  const std::string url = (*one)->url();
  const std::string address = url.substr(7, url.rfind('/') - 7);
  const auto other = ScenarioMetrics::create(loop_, address, [] { return ""; });
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConnect);
  EXPECT_THAT(other.error().message, HasSubstr(address.substr(address.find(':') + 1)));
  EXPECT_EQ(ScenarioMetrics::create(loop_, "9100", [] { return ""; }).error().code, Code::kUsage);
}

}  // namespace
}  // namespace callbot::bot
