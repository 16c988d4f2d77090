#include "bot/scenario_check.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "base/loop.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using test::Program;
using ::testing::HasSubstr;

class ScenarioCheck : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    EXPECT_TRUE(write_atomically(path, text));
    return path.string();
  }
  // Exit status and output of `callbot test ...`.
  std::pair<int, std::string> check(std::vector<std::string> words,
                                    std::map<std::string, std::string> environment = {}) {
    words.insert(words.begin(), {CALLBOT_PROGRAM, "test"});
    Program program(loop_, words, std::move(environment));
    const int status = program.wait();
    return {status, program.output()};
  }

  Loop loop_;
  test::TempFolder folder_;
};

constexpr const char* kFine =
    "callbot: 1\nname: fine\nactors: {a: {count: \"${N:-2}\"}}\nsteps: [{do: join, who: a}]\n";

TEST_F(ScenarioCheck, SaysThatNothingIsWrong) {
  const auto [status, output] = check({"--check", file("fine.yaml", kFine)});
  EXPECT_EQ(status, 0);
  EXPECT_THAT(output, HasSubstr("fine.yaml: fine: 2 actors, 1 step, 0 demands\n"));
}

TEST_F(ScenarioCheck, SaysEveryMistakeOfEveryFile) {
  const auto first = file("first.yaml", std::string(kFine) + "tresholds: []\nseed: -1\n");
  const auto second = file("second.json", "{\"callbot\": 1,\n \"nmae\": \"x\"}");
  const auto [status, output] = check({"--check", first, second, file("fine.yaml", kFine)});
  EXPECT_EQ(status, 2);
  EXPECT_THAT(output, HasSubstr("first.yaml:5:1: tresholds: unknown key, did you mean"));
  EXPECT_THAT(output, HasSubstr("first.yaml:6:7: seed: expected a whole number from 0"));
  EXPECT_THAT(output, HasSubstr("second.json:2:2: nmae: unknown key, did you mean \"name\"?"));
  EXPECT_THAT(output, HasSubstr("fine.yaml: fine: 2 actors"));
}

TEST_F(ScenarioCheck, TakesVariablesFromEverywhere) {
  const auto fine = file("fine.yaml", kFine);
  EXPECT_THAT(check({"--check", fine}, {{"N", "4"}}).second, HasSubstr("4 actors"));
  EXPECT_THAT(check({"--check", fine, "--var", "N=5"}, {{"N", "4"}}).second, HasSubstr("5 actors"));
  const auto csv = file("rows.csv", "N\n3\nmany\n");
  const auto [status, output] = check({"--check", fine, "--vars", csv});
  EXPECT_EQ(status, 2);
  EXPECT_THAT(output, HasSubstr("fine.yaml:3:21: actors.a.count: expected a whole number"));
  EXPECT_EQ(check({"--check", fine, "--vars", file("bad.csv", "A B\n1\n")}).first, 2);
}

TEST_F(ScenarioCheck, AFileThatIsNotThereIsNoMistakeOfTheScenario) {
  EXPECT_EQ(check({"--check", (folder_.path() / "none.yaml").string()}).first, 4);
}

TEST_F(ScenarioCheck, PrintsBothSchemas) {
  for (const char* flag : {"--schema", "--schema=run"}) {
    const auto [status, output] = check({flag});
    EXPECT_EQ(status, 0);
    const auto schema = Json::parse(output);
    ASSERT_TRUE(schema) << schema.error().message;
    EXPECT_EQ(schema->at("$schema").text(), "https://json-schema.org/draft/2020-12/schema");
  }
}

}  // namespace
}  // namespace callbot::bot
