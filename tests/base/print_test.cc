#include "base/print.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temp_folder.h"

namespace callbot {
namespace {

TEST(Print, WritesWhatIsFormatted) {
  const test::TempFolder folder;
  FILE* file = std::fopen((folder.path() / "out").c_str(), "w");
  ASSERT_NE(file, nullptr);
  write_text(file, fmt::format("{} of {}\n", 1, 2));
  std::fclose(file);
  EXPECT_EQ(read_file(folder.path() / "out", 100).value(), "1 of 2\n");
}

TEST(Print, GoesOnWhereNothingCanBeWritten) {
  FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  const std::string much(100'000, 'x');
  write_text(full, much);
  EXPECT_TRUE(std::ferror(full));
  EXPECT_EQ(output_error(), 0) << "it is not standard output";
  std::fclose(full);
}

}  // namespace
}  // namespace callbot
