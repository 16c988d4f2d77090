#include "base/cpu_allowance.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace callbot {
namespace {

class CpuAllowanceTest : public testing::Test {
 protected:
  void put(const fs::path& file, const std::string& text) {
    fs::create_directories((folder_.path() / file).parent_path());
    std::ofstream(folder_.path() / file) << text;
  }
  // What a process of this group sees, with the hierarchy mounted as the kernel says it.
  void group(const std::string& line, const std::string& root = "/") {
    put("proc/cgroup", line + "\n");
    put("proc/mountinfo", "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 23 0:26 " + root + " " +
                              at("cgroup") +
                              " rw,nosuid shared:4 - cgroup2 cgroup2 rw\n31 23 0:27 " + root + " " +
                              at("v1") + " rw - cgroup cgroup rw,cpu,cpuacct\n");
  }
  std::string at(const char* name) const { return (folder_.path() / name).string(); }
  CpuAllowance allowance() const { return CpuAllowance(folder_.path() / "proc"); }
  static double all() {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  }

  test::TempFolder folder_;
};

TEST_F(CpuAllowanceTest, WithoutGroupsItIsTheProcessorsItMayRunOn) {
  EXPECT_EQ(allowance().processors(), all());
  EXPECT_FALSE(allowance().has_quota());
  EXPECT_FALSE(allowance().take_held_back());
  group("0::/a");
  put("cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(allowance().processors(), all());
  EXPECT_FALSE(allowance().has_quota());
}

TEST_F(CpuAllowanceTest, TheTightestQuotaOfAGroupAndThoseAboveItCounts) {
  group("0::/a/b/c");
  put("cgroup/a/cpu.max", "12000 100000\n");
  put("cgroup/a/b/cpu.max", "max 100000\n");
  put("cgroup/a/b/c/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(allowance().processors(), 0.12);
  EXPECT_TRUE(allowance().has_quota());
  put("cgroup/a/cpu.max", "900000000 100000\n");
  put("cgroup/a/b/c/cpu.max", "800000000 100000\n");
  EXPECT_EQ(allowance().processors(), all()) << "a quota makes no processors";
}

// /proc/self/cgroup says "/" in a namespace of its own, the host's path without one.
TEST_F(CpuAllowanceTest, InAContainerTheMountIsTheGroup) {
  put("cgroup/cpu.max", "25000 100000\n");
  for (const auto& [line, root] :
       {std::pair("0::/", "/"), {"0::/docker/x", "/docker/x"}, {"0::/", "/docker/x"}}) {
    group(line, root);
    EXPECT_DOUBLE_EQ(allowance().processors(), 0.25) << line << " in " << root;
  }
}

TEST_F(CpuAllowanceTest, TheFirstVersionsFilesAreReadToo) {
  group("4:cpu,cpuacct:/a");
  put("v1/a/cpu.cfs_quota_us", "-1\n");
  put("v1/a/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(allowance().has_quota());
  put("v1/a/cpu.cfs_quota_us", "30000\n");
  put("v1/a/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 1500000000\n");
  CpuAllowance one = allowance();
  EXPECT_DOUBLE_EQ(one.processors(), 0.3);
  put("v1/a/cpu.stat", "nr_periods 9\nnr_throttled 3\nthrottled_time 1750000000\n");
  EXPECT_DOUBLE_EQ(one.take_held_back().value_or(-1), 0.25);
}

TEST_F(CpuAllowanceTest, HowLongItWasHeldBackGrows) {
  group("0::/a/b");
  put("cgroup/a/cpu.stat", "usage_usec 5\nnr_throttled 3\nthrottled_usec 700000\n");
  put("cgroup/a/b/cpu.stat", "usage_usec 5\nnr_throttled 0\nthrottled_usec 0\n");
  CpuAllowance one = allowance();
  EXPECT_DOUBLE_EQ(one.take_held_back().value_or(-1), 0) << "what was before";
  put("cgroup/a/cpu.stat", "throttled_usec 800000\n");
  put("cgroup/a/b/cpu.stat", "throttled_usec 500000\n");
  EXPECT_DOUBLE_EQ(one.take_held_back().value_or(-1), 0.5);
  put("cgroup/a/cpu.stat", "throttled_usec 900000\n");
  EXPECT_DOUBLE_EQ(one.take_held_back().value_or(-1), 0.1);
}

TEST_F(CpuAllowanceTest, FilesThatSaySomethingElseSayNothing) {
  put("proc/cgroup", "\n:\n0:\n0::nowhere\nx::/\n");
  put("proc/mountinfo", "- - -\n1 2 3 / / rw - cgroup2\n");
  EXPECT_FALSE(allowance().has_quota());
  group("0::/a");
  for (const char* text : {"", "100000", "0 100000", "100000 0", "many 100000", "-5 -1"}) {
    put("cgroup/a/cpu.max", text);
    EXPECT_EQ(allowance().processors(), all()) << text;
  }
  put("cgroup/a/cpu.stat", "throttled_usec\nthrottled_usec x\n");
  EXPECT_FALSE(allowance().take_held_back());
}

TEST_F(CpuAllowanceTest, OfThisProcessSomethingIsLeft) {
  EXPECT_GT(CpuAllowance().processors(), 0);
  EXPECT_LE(CpuAllowance().processors(), all());
}

}  // namespace
}  // namespace callbot
