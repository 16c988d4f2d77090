#include "network/trace.h"

#include <gmock/gmock.h>

#include "tests/support/temp_folder.h"

namespace callbot::network {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

std::shared_ptr<const Trace> trace(const char* text) {
  auto parsed = Trace::parse(text, "t");
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(nullptr);
}

TEST(Trace, RepeatsItsOpportunities) {
  const auto t = trace("2\n5\n5\n10\n");
  for (const auto& [opportunity, ms] : std::vector<std::pair<uint64_t, int64_t>>{
           {0, 2}, {1, 5}, {2, 5}, {3, 10}, {4, 12}, {5, 15}, {7, 20}, {40'000'000, 100'000'002}})
    EXPECT_EQ(t->time_ns(opportunity), ms * kMs) << opportunity;
  for (const auto& [ns, opportunity] : std::vector<std::pair<int64_t, uint64_t>>{{-5, 0},
                                                                                 {0, 0},
                                                                                 {2 * kMs, 0},
                                                                                 {2 * kMs + 1, 1},
                                                                                 {5 * kMs, 1},
                                                                                 {6 * kMs, 3},
                                                                                 {10 * kMs, 3},
                                                                                 {10 * kMs + 1, 4},
                                                                                 {12 * kMs, 4},
                                                                                 {20 * kMs, 7},
                                                                                 {21 * kMs, 8}})
    EXPECT_EQ(t->first_at(ns), opportunity) << ns;
  EXPECT_DOUBLE_EQ(t->mean_rate(), 4 * 1500 * 8 / 0.01);
}

// The example of mahimahi's README: 12 Mbit/s.
TEST(Trace, OfOneLineIsOnePacketAMillisecond) {
  const auto t = trace("1");
  EXPECT_EQ(t->first_at(0), 0u);
  EXPECT_EQ(t->time_ns(0), kMs);
  EXPECT_EQ(t->time_ns(99), 100 * kMs);
  EXPECT_EQ(t->first_at(100 * kMs), 99u);
  EXPECT_DOUBLE_EQ(t->mean_rate(), 12e6);
}

TEST(Trace, TheSeamBelongsToBothRounds) {
  const auto t = trace("0\n1\n2");
  EXPECT_EQ(t->time_ns(2), 2 * kMs);
  EXPECT_EQ(t->time_ns(3), 2 * kMs);
  EXPECT_EQ(t->first_at(2 * kMs), 2u);
  EXPECT_EQ(t->first_at(2 * kMs + 1), 4u);
}

TEST(Trace, MistakesNameFileAndLine) {
  for (const auto& [text, message] : std::vector<std::pair<const char*, const char*>>{
           {"1\n2\nx\n", "t:3: \"x\": expected a whole number"},
           {"1\n\n2\n", "t:2: \"\": expected a whole number"},
           {"1\n2 \n", "t:2: \"2 \""},
           {"1.5\n", "t:1: \"1.5\""},
           {"-1\n", "t:1: \"-1\""},
           {"5\n4\n", "t:2: 4 ms comes after 5 ms"},
           {"99999999999\n", "t:1: 99999999999 ms: expected at most a day"},
           {"9999999999999999999999\n", "t:1: \"9999"},
           {"0\n0\n", "t:2: expected a last time above 0"},
           {"", "t: empty"}}) {
    const auto parsed = Trace::parse(text, "t");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::kBadInput);
    EXPECT_THAT(parsed.error().message, HasSubstr(message));
  }
}

TEST(Trace, IsLoadedFromAFile) {
  const test::TempFolder folder;
  const fs::path path = folder.path() / "lte.trace";
  ASSERT_TRUE(write_atomically(path, "1\r\n3\r\n"));
  const auto loaded = Trace::load(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ((*loaded)->time_ns(1), 3 * kMs);
  ASSERT_TRUE(write_atomically(path, "1\nfast\n"));
  EXPECT_THAT(Trace::load(path).error().message, HasSubstr("lte.trace:2: \"fast\""));
  const auto none = Trace::load(folder.path() / "none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kStorage);
  EXPECT_FALSE(Trace::load(folder.path()));
}

}  // namespace
}  // namespace callbot::network
