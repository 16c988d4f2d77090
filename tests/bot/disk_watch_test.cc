#include "bot/disk_watch.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(DiskWatch, KnowsAtOnceAndThenOnABeat) {
  Loop loop;
  test::TempFolder folder;
  int looked = 0;
  uint64_t last = 0;
  DiskWatch watch(
      loop, folder.path(),
      [&](uint64_t free) {
        EXPECT_TRUE(loop.on_loop());
        ++looked;
        last = free;
      },
      1ms);
  EXPECT_GT(watch.free(), 0u);
  EXPECT_EQ(looked, 0);
  ASSERT_TRUE(loop.run_until([&] { return looked >= 3; }, 10s));
  EXPECT_EQ(last, watch.free());
}

TEST(DiskWatch, AFileSystemThatCannotBeAskedHasRoom) {
  Loop loop;
  int looked = 0;
  DiskWatch watch(
      loop, "/nowhere/at/all", [&](uint64_t) { ++looked; }, 1ms);
  ASSERT_TRUE(loop.run_until([&] { return looked >= 2; }, 10s));
  EXPECT_TRUE(enough_to_begin({}, "/nowhere", watch.free()));
}

TEST(DiskWatch, IsSilentOnceItIsGone) {
  Loop loop;
  test::TempFolder folder;
  int looked = 0;
  auto watch = std::make_unique<DiskWatch>(
      loop, folder.path(), [&](uint64_t) { ++looked; }, 1ms);
  ASSERT_TRUE(loop.run_until([&] { return looked >= 1; }, 10s));
  watch.reset();
  const int then = looked;
  EXPECT_FALSE(loop.run_until([&] { return looked != then; }, 30ms));
}

TEST(DiskLimits, SayWhatIsMissingAndWhichFlagDecides) {
  const DiskLimits limits{.reserve = 500'000'000};
  EXPECT_EQ(limits.low(), 250'000'000u);
  EXPECT_TRUE(enough_to_begin(limits, "/r", 500'000'000));
  const auto begin = enough_to_begin(limits, "/r", 499'000'000);
  ASSERT_FALSE(begin);
  EXPECT_EQ(begin.error().code, Code::kStorage);
  EXPECT_EQ(begin.error().message,
            "/r: 499.0 MB are free, a recording begins with 500.0 MB (--reserve)");
  EXPECT_TRUE(enough_to_go_on(limits, "/r", 250'000'000));
  EXPECT_THAT(enough_to_go_on(limits, "/r", 249'000'000).error().message,
              HasSubstr("below 250.0 MB (--low-water)"));
  EXPECT_EQ(disk_facts(limits, "/r", 7).at("free_bytes").whole(), 7);
}

TEST(DiskLimits, ZeroIsNoLimit) {
  const DiskLimits off{.reserve = 0};
  EXPECT_TRUE(enough_to_begin(off, "/r", 0));
  EXPECT_TRUE(enough_to_go_on(off, "/r", 0));
  const DiskLimits only_low{.reserve = 0, .low_water = 10};
  EXPECT_TRUE(enough_to_begin(only_low, "/r", 5));
  EXPECT_FALSE(enough_to_go_on(only_low, "/r", 5));
}

}  // namespace
}  // namespace callbot::bot
