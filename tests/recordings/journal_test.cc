#include "recordings/journal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "base/clock.h"
#include "base/files.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace fs = std::filesystem;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegan = 1'795'234'842 * kSecond;  // 2026-11-21T04:20:42Z

class JournalTest : public testing::Test {
 protected:
  // A line at each of these seconds from the beginning; the file was last written at `written_s`.
  Journal with_times(const std::vector<int64_t>& seconds, int64_t written_s) {
    std::string text;
    for (const int64_t s : seconds)
      text += to_line({.wall_ns = kBegan + s * kSecond, .text = std::to_string(s)}) + "\n";
    return with_text(text, written_s);
  }
  Journal with_text(const std::string& text, int64_t written_s = 0) {
    std::ofstream(path_, std::ios::binary) << text;
    const timespec then{kBegan / kSecond + written_s, 0};
    const timespec times[] = {then, then};
    EXPECT_EQ(utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
    return read_journal(path_);
  }
  static std::vector<int64_t> seconds(const Journal& journal) {
    std::vector<int64_t> all;
    for (const Event& e : journal.events) all.push_back((e.wall_ns - kBegan) / kSecond);
    return all;
  }

  test::TempFolder folder_;
  const fs::path path_ = folder_.path() / "journal.jsonl";
};

using Times = std::vector<int64_t>;
constexpr int64_t kYear = 365 * 86400;

TEST_F(JournalTest, TimesAsTheyShouldBeAreLeftAsTheyAre) {
  for (const Times& times :
       {Times{0, 1, 2, 3}, Times{0, 10 * 3600, 10 * 3600 + 1, 30 * 3600}, Times{0, 5, 4, 6},
        Times{0, 20 * 3600}, Times{0}, Times{0, 100, 200, 90 * 60, 90 * 60 + 1}}) {
    const Journal journal = with_times(times, times.back());
    EXPECT_EQ(seconds(journal), times);
    EXPECT_FALSE(journal.error) << journal.error->message;
    EXPECT_EQ(journal.lines, *read_file(path_, 1 << 20));
  }
}

TEST_F(JournalTest, AClockThatWasSetBackIsNoDamage) {
  const Times times{0, 20, 40, 60, 80, 100};
  EXPECT_EQ(seconds(with_times(times, -20'000)), times) << "long before all of it";
  const Times on{0, 50, 3'650, 3'700, 3'750, 3'800};
  EXPECT_EQ(seconds(with_times(on, 60)), on) << "while it went on";
}

// What was mended has the times of the old end.
TEST_F(JournalTest, ARecordingThatGoesOnIsNoDamage) {
  std::string text;
  const auto add = [&](EventKind kind, int64_t seconds) {
    Event e{.kind = kind, .wall_ns = kBegan + seconds * kSecond, .file = "media/a-1.mkv"};
    text += to_line(e) + "\n";
  };
  add(EventKind::kNote, 0);
  add(EventKind::kNote, 10);
  add(EventKind::kReopened, 7200);
  add(EventKind::kFileClosed, 10);
  add(EventKind::kNote, 7201);
  add(EventKind::kFileClosed, 10);
  add(EventKind::kNote, 7202);
  const Journal journal = with_text(text, 7201);
  EXPECT_FALSE(journal.error) << journal.error->message;
  EXPECT_EQ(seconds(journal), (Times{0, 10, 7200, 10, 7201, 10, 7202}));
}

TEST_F(JournalTest, ADamagedTimeIsThatOfTheLineBefore) {
  struct Case {
    Times written, read;
    int line;
  };
  for (const Case& c : {Case{{0, 1, kYear, 3, 4}, {0, 1, 1, 3, 4}, 3},
                        Case{{0, 1, 2, 3, kYear}, {0, 1, 2, 3, 3}, 5}}) {
    const Journal journal = with_times(c.written, 4);
    EXPECT_EQ(seconds(journal), c.read);
    EXPECT_EQ(journal.unreadable_lines, 1u);
    ASSERT_TRUE(journal.error);
    EXPECT_THAT(journal.error->message,
                HasSubstr("journal.jsonl line " + std::to_string(c.line) + ": at: 20"));
    with_text(journal.lines, 4);
    EXPECT_EQ(seconds(read_journal(path_)), c.read) << "what is kept says so too";
    EXPECT_FALSE(read_journal(path_).error);
  }
}

TEST_F(JournalTest, LinesThatAreNoEventsAreCountedAndLeftOut) {
  const std::string good = to_line({.wall_ns = kBegan, .text = "good"}) + "\n";
  const Journal journal = with_text(good + "{}\n" + good + "half a li");
  EXPECT_THAT(journal.events, SizeIs(2));
  EXPECT_EQ(journal.lines, good + good);
  EXPECT_EQ(journal.unreadable_lines, 1u);
  EXPECT_EQ(journal.cut_bytes, 9u);
  EXPECT_THAT(journal.error->message, HasSubstr("line 2"));
}

TEST_F(JournalTest, OneThatIsNotThereSaysSo) {
  const Journal journal = read_journal(folder_.path() / "none");
  EXPECT_TRUE(journal.missing);
  EXPECT_TRUE(journal.error);
  EXPECT_THAT(journal.events, IsEmpty());
}

TEST_F(JournalTest, IsWrittenByOneAtATime) {
  auto mine = LockedJournal::create(path_);
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_FALSE(LockedJournal::create(path_)) << "it is there already";
  EXPECT_EQ(LockedJournal::take(path_).error().code, Code::kDenied);
  ASSERT_TRUE(mine->append("one\n"));
  ASSERT_TRUE(mine->replace("two\n"));
  EXPECT_EQ(LockedJournal::take(path_).error().code, Code::kDenied)
      << "the lock went over to the new file";
  ASSERT_TRUE(mine->append("three\n"));
  ASSERT_TRUE(mine->sync());
  EXPECT_EQ(*read_file(path_, 100), "two\nthree\n");
  { const LockedJournal gone = std::move(*mine); }
  EXPECT_TRUE(LockedJournal::take(path_));
}

}  // namespace
}  // namespace callbot::recordings
