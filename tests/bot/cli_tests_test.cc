#include "bot/cli_tests.h"

#include <gmock/gmock.h>

#include "tests/support/command_line.h"

namespace callbot::bot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CliTests, TakesScenariosAndVariables) {
  const auto o = options<TestOptions>({"test", "--check", "a.yaml", "b.json", "--var", "A=1",
                                       "--var", "B=x=y", "--vars", "rows.csv"});
  EXPECT_TRUE(o.check);
  EXPECT_THAT(o.files, ElementsAre("a.yaml", "b.json"));
  EXPECT_EQ(o.vars.at("A"), "1");
  EXPECT_EQ(o.vars.at("B"), "x=y");
  EXPECT_EQ(o.csv, "rows.csv");
}

TEST(CliTests, TakesASchemaAlone) {
  EXPECT_EQ(options<TestOptions>({"test", "--schema"}).schema, "scenario");
  EXPECT_EQ(options<TestOptions>({"test", "--schema=run"}).schema, "run");
  EXPECT_THAT(complaint({"test", "--schema=other"}), HasSubstr("--schema"));
}

TEST(CliTests, SaysWhatIsMissing) {
  EXPECT_THAT(complaint({"test"}), HasSubstr("expected FILE, or --schema"));
  EXPECT_THAT(complaint({"test", "a.yaml"}), HasSubstr("does not run them yet: expected --check"));
  EXPECT_THAT(complaint({"test", "--check", "a.yaml", "--var", "A"}),
              HasSubstr("--var: \"A\": expected NAME=VALUE"));
}

}  // namespace
}  // namespace callbot::bot
