// The catalogue as a user meets it: `callbot recordings ...` as a process.
#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/files.h"
#include "bot/cli.h"
#include "tests/support/made_recordings.h"
#include "tests/support/program.h"
#include "tests/support/small_disk.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Recordings : public testing::Test {
 protected:
  int run(std::vector<std::string> words) { return run_in({}, std::move(words)); }
  int run_in(std::vector<std::string> wrapper, std::vector<std::string> words) {
    words.insert(words.begin(), "recordings");
    words.insert(words.end(), {"--out", out_.path()});
    words = test::Program::callbot(std::move(words));
    wrapper.insert(wrapper.end(), words.begin(), words.end());
    test::Program program(loop_, std::move(wrapper));
    const int status = program.wait();
    text_ = program.output();
    return status;
  }

  Loop loop_;
  test::TempFolder out_;
  std::string text_;
};

TEST_F(Recordings, AreListedTaggedFoundAndExpired) {
  test::make_recording(out_.path(), {.name = "old", .started_wall_ns = 0, .members = {"bob"}});
  test::make_recording(out_.path(), {.name = "new", .started_wall_ns = wall_ns()});
  EXPECT_EQ(run({"list"}), kExitGood);
  EXPECT_THAT(text_, HasSubstr("NAME"));
  EXPECT_LT(text_.find("\nnew"), text_.find("\nold"));
  EXPECT_EQ(run({"tag", "ol", "+important", "-v"}), kExitGood) << text_;
  EXPECT_EQ(run({"find", "IMPORTANT"}), kExitGood);
  EXPECT_THAT(text_, HasSubstr("\nold"));
  EXPECT_THAT(text_, Not(HasSubstr("\nnew")));
  EXPECT_EQ(run({"show", "old"}), kExitGood);
  EXPECT_THAT(text_, HasSubstr("bob"));
  EXPECT_EQ(run({"keep", "old"}), kExitGood);
  EXPECT_EQ(run({"expire", "--keep", "30d", "--yes"}), kExitGood);
  EXPECT_TRUE(fs::exists(out_.path() / "old"));
  EXPECT_EQ(run({"keep", "old", "--off"}), kExitGood);
  EXPECT_EQ(run({"expire", "--keep", "30d"}), kExitGood);
  EXPECT_THAT(text_, HasSubstr("would delete"));
  EXPECT_TRUE(fs::exists(out_.path() / "old"));
  EXPECT_EQ(run({"expire", "--keep", "30d", "--yes"}), kExitGood);
  EXPECT_FALSE(fs::exists(out_.path() / "old"));
  EXPECT_TRUE(fs::exists(out_.path() / "new"));
}

// The folder on a file system that takes no writes.
TEST_F(Recordings, AreListedWhereNothingCanBeWritten) {
  test::make_recording(out_.path(), {.name = "one"});
  const std::vector<std::string> read_only{
      "unshare",
      test::own_mounts(),
      "sh",
      "-c",
      "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"",
      out_.path()};
  EXPECT_EQ(run_in(read_only, {"list"}), kExitGood) << text_;
  EXPECT_THAT(text_, HasSubstr("\none"));
  EXPECT_THAT(text_, HasSubstr("note: "));
  EXPECT_FALSE(fs::exists(out_.path() / ".catalogue.sqlite"));
  EXPECT_EQ(run({"list"}), kExitGood);
  EXPECT_EQ(run_in(read_only, {"list"}), kExitGood) << text_;
  EXPECT_THAT(text_, HasSubstr("\none"));
  EXPECT_THAT(text_, HasSubstr("cannot be written"));
  EXPECT_EQ(run_in(read_only, {"tag", "one", "+x"}), kExitStorage) << text_;
  EXPECT_EQ(run_in(read_only, {"expire", "--keep-count", "0", "--yes"}), kExitStorage) << text_;
  EXPECT_TRUE(fs::exists(out_.path() / "one" / "manifest.json"));
}

}  // namespace
}  // namespace callbot::bot
