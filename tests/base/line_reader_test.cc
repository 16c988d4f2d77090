#include "base/line_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>

namespace callbot {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader_ = LineReader(Descriptor(ends[0]));
    writer_ = Descriptor(ends[1]);
  }
  void write(std::string_view text) { ASSERT_TRUE(write_all(writer_.get(), text)); }

  LineReader reader_;
  Descriptor writer_;
};

TEST_F(LineReaderTest, GivesWholeLinesAndKeepsTheRest) {
  EXPECT_THAT(reader_.read(), IsEmpty());
  write("one\ntw");
  EXPECT_THAT(reader_.read(), ElementsAre("one"));
  write("o\n\nthree");
  EXPECT_THAT(reader_.read(), ElementsAre("two", ""));
  EXPECT_FALSE(reader_.ended());
}

TEST_F(LineReaderTest, ReadsWhatIsThereWhenItsWriterIsGone) {
  write(std::string(5000, 'x') + "\nhalf");
  writer_ = Descriptor();
  EXPECT_THAT(reader_.read(), ElementsAre(std::string(5000, 'x')));
  EXPECT_TRUE(reader_.ended());
  EXPECT_THAT(reader_.read(), IsEmpty());
}

TEST(LineReader, OfNothingHasEnded) {
  LineReader none;
  EXPECT_TRUE(none.ended());
  EXPECT_THAT(none.read(), IsEmpty());
}

}  // namespace
}  // namespace callbot
