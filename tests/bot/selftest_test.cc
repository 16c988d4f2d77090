#include "bot/selftest.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace callbot::bot {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ExitStatus selftest(bool json, std::string& out) {
  testing::internal::CaptureStdout();
  Console console(json);
  const ExitStatus status = run_selftest(console, {.json = json});
  out = testing::internal::GetCapturedStdout();
  return status;
}

TEST(SelftestVerb, PrintsWhatWasMadeBesideWhatIsReported) {
  std::string out;
  EXPECT_EQ(selftest(false, out), kExitGood) << out;
  EXPECT_THAT(out, AllOf(HasSubstr("sound 80 ms later"), HasSubstr("av.skew"),
                         HasSubstr("rtp.loss"), Not(HasSubstr("OFF"))));
}

TEST(SelftestVerb, AsJsonItIsOneValue) {
  std::string out;
  EXPECT_EQ(selftest(true, out), kExitGood);
  const auto json = Json::parse(out);
  ASSERT_TRUE(json) << out;
  ASSERT_GT(json->at("rows").size(), 100u);
  const Json& first = json->at("rows").at(size_t{0});
  EXPECT_EQ(first.at("metric").text(), "video.frames");
  EXPECT_EQ(first.at("true").number(), 360);
  EXPECT_EQ(first.at("reported").number(), 360);
  EXPECT_GT(json->at("not_tried").size(), 5u);
}

}  // namespace
}  // namespace callbot::bot
