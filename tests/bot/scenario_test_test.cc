#include "bot/scenario_test.h"

#include <gmock/gmock.h>

#include "scenarios/report.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using test::Program;
using ::testing::HasSubstr;

class ScenarioTestTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kPatience{60000};

  std::string file(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    EXPECT_TRUE(write_atomically(path, text));
    return path.string();
  }
  std::string in(const std::string& name) { return (folder_.path() / name).string(); }
  // Exit status and output of `callbot test ...`.
  std::pair<int, std::string> test(std::vector<std::string> words) {
    words.insert(words.begin(), {CALLBOT_PROGRAM, "test"});
    Program program(loop_, words);
    const int status = program.wait(kPatience);
    return {status, program.output()};
  }
  std::vector<scenarios::RunRecord> runs(const std::string& name) {
    const auto text = read_file(in(name), 64u << 20);
    EXPECT_TRUE(text);
    if (!text) return {};
    auto runs = Json::parse(*text, {64u << 20, 64}).and_then(scenarios::runs_of);
    EXPECT_TRUE(runs) << runs.error().message;
    return runs ? *runs : std::vector<scenarios::RunRecord>{};
  }

  Loop loop_;
  test::TempFolder folder_;
};

constexpr const char* kAlone =
    "callbot: 1\nname: alone\nactors: {a: }\nsteps: [{do: join, who: a}, {expect: joined, who: "
    "a}]\n"
    "thresholds: [{metric: call.reconnects, stat: total, op: ==, value: \"${MOST:-0}\", who: a}]\n";

TEST_F(ScenarioTestTest, APassLeavesItsReports) {
  const auto [status, output] =
      test({file("alone.yaml", kAlone), "--junit", in("j.xml"), "--json", in("r.json"), "--html",
            in("r.html"), "--repeat", "2", "--var", "API_TOKEN=hush", "--var", "MOST=0"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_THAT(output, HasSubstr("PASS: 3 pass"));
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].evidence.run, 2);
  EXPECT_EQ(all[0].evidence.variables.count("API_TOKEN"), 0u);
  EXPECT_EQ(all[0].evidence.variables.at("MOST"), "0");
  const auto junit = read_file(in("j.xml"), 1u << 20);
  ASSERT_TRUE(junit);
  EXPECT_THAT(*junit, HasSubstr("tests=\"6\" failures=\"0\" errors=\"0\""));
  EXPECT_TRUE(fs::exists(in("r.html")) && fs::exists(in("r-2.html")));
}

TEST_F(ScenarioTestTest, AnUnmetDemandIsOneAndRowsAreRuns) {
  const auto rows = file("rows.csv", "MOST\n0\n1\n");
  const auto [status, output] =
      test({file("alone.yaml", kAlone), "--vars", rows, "--json", in("r.json")});
  EXPECT_EQ(status, 1) << output;
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].judged.verdict, scenarios::Verdict::kPass);
  EXPECT_EQ(all[1].judged.verdict, scenarios::Verdict::kFail);
}

TEST_F(ScenarioTestTest, TheSmokeSampleRunsAndWhatNobodyDecodedIsUnmeasured) {
  const auto [status, output] =
      test({CALLBOT_SOURCE_DIR "/tests/scenarios/smoke.yaml", "--json", in("r.json")});
  EXPECT_EQ(status, 5) << output;
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(all[0].evidence.established);
  EXPECT_EQ(all[0].evidence.ended, "");
  EXPECT_EQ(all[0].evidence.actors.size(), 2u);
  for (const auto& c : all[0].judged.cases) {
    EXPECT_NE(c.verdict, scenarios::Verdict::kFail) << c.name << ": " << c.text;
  }
}

TEST_F(ScenarioTestTest, AWrongScenarioRunsNothing) {
  const auto [status, output] = test(
      {file("alone.yaml", kAlone), file("wrong.yaml", "callbot: 1\n"), "--json", in("r.json")});
  EXPECT_EQ(status, 2);
  EXPECT_THAT(output, HasSubstr("wrong.yaml:1:1: name: missing name"));
  EXPECT_FALSE(fs::exists(in("r.json")));
}

TEST_F(ScenarioTestTest, ABaselineIsCompared) {
  const auto scenario = file("alone.yaml", kAlone);
  ASSERT_EQ(test({scenario, "--json", in("before.json")}).first, 0);
  const auto [status, output] =
      test({scenario, "--baseline", in("before.json"), "--json", in("r.json")});
  EXPECT_EQ(status, 0) << output;
  EXPECT_EQ(runs("r.json")[0].judged.cases.back().kind, scenarios::Case::kBaseline);
  EXPECT_EQ(test({scenario, "--baseline", scenario}).first, 2);
}

}  // namespace
}  // namespace callbot::bot
