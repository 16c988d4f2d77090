#include "scenarios/baseline_runs.h"

#include <gmock/gmock.h>

#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RunRecord run(const std::string& scenario, const Values& variables, double bitrate = 1e6) {
  RunRecord record;
  Evidence& e = record.evidence;
  e.scenario = scenario;
  e.variables = variables;
  e.began_ns = test::at_s(0);
  e.ended_ns = test::at_s(2);
  e.actors.push_back({"bob", "bob", "main", "all", "", {test::window_s(0, 2)}});
  Series s{.metric = "rtp.bitrate", .actor = "bob", .from = "alice", .stream = "camera"};
  s.state = Measured::kOk;
  s.samples = {{test::at_s(1), bitrate}};
  e.series.push_back(s);
  return record;
}

TEST(BaselineRuns, RowsAndRepeatsFindTheirOwn) {
  const std::vector<RunRecord> all = {run("a", {{"N", "1"}, {"URL", "x"}}), run("a", {{"N", "2"}}),
                                      run("a", {{"N", "2"}}), run("b", {{"N", "1"}})};
  const auto found = [&](const Values& variables, const Values& row, size_t repeat) {
    std::vector<ptrdiff_t> out;
    for (const RunRecord* one :
         baseline_of(all, run("a", variables).evidence, {.row = row, .repeat = repeat}))
      out.push_back(one - all.data());
    return out;
  };
  EXPECT_THAT(found({{"N", "2"}}, {{"N", "2"}}, 1), ElementsAre(2));
  EXPECT_THAT(found({{"N", "2"}}, {{"N", "2"}}, 7), ElementsAre(1, 2));
  EXPECT_THAT(found({{"N", "1"}, {"URL", "y"}}, {{"N", "1"}}, 0), ElementsAre(0));
  EXPECT_THAT(found({{"N", "3"}}, {{"N", "3"}}, 0), IsEmpty());
  EXPECT_THAT(found({{"N", "2"}}, {}, 0), ElementsAre(1)) << "the same variables are nearer";
  EXPECT_THAT(found({}, {}, 9), ElementsAre(0, 1, 2));
}

TEST(BaselineRuns, WithoutARunItIsUnmeasured) {
  const std::vector<RunRecord> all = {run("a", {{"N", "1"}})};
  auto cases = compare_with(all, run("b", {}).evidence, {}, {.row = {{"N", "2"}}});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].verdict, Verdict::kUnmeasured);
  EXPECT_FALSE(cases[0].softened);
  EXPECT_EQ(cases[0].text, "the baseline has no run of \"b\" with N=2");
  auto invalid = all;
  invalid[0].evidence.invalid = {"the bot was too slow"};
  cases = compare_with(invalid, all[0].evidence, {}, {.rules = {.needs_one = false}});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_THAT(cases[0].text, HasSubstr("was invalid"));
  EXPECT_TRUE(cases[0].softened);
}

TEST(BaselineRuns, AreCompared) {
  const std::vector<RunRecord> all = {run("a", {}, 1e6), run("a", {}, 4e6)};
  const auto verdict = [&](double bitrate, size_t repeat) {
    return compare_with(all, run("a", {}, bitrate).evidence, {}, {.repeat = repeat})[0].verdict;
  };
  EXPECT_EQ(verdict(1e6, 0), Verdict::kPass);
  EXPECT_EQ(verdict(1e6, 1), Verdict::kWarn);
  EXPECT_EQ(verdict(3e6, 2), Verdict::kPass);
}

}  // namespace
}  // namespace callbot::scenarios
