#include "browsers/page_sound.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace callbot::browsers {
namespace {

Json taken(const std::string& heard) { return *Json::parse(R"({"heard":)" + heard + "}"); }

RemoteClock clock_at_0() {
  RemoteClock clock(kPageClock);
  clock.probe(0, 0, 0);
  return clock;
}

TEST(PageSound, IsReadAsItIsGiven) {
  // 0, 16383, -32767, little endian.
  const auto heard = parse_heard(
      taken(
          R"([{"track":"t","name":"bob","rate":16000,"piece":0.01,"first":32000,"base":1500,"samples":"AAD/PwGA"}])"),
      clock_at_0());
  ASSERT_TRUE(heard) << heard.error().message;
  ASSERT_EQ(heard->size(), 1U);
  const HeardSound& one = heard->front();
  EXPECT_EQ(one.track, "t");
  EXPECT_EQ(one.member, "bob");
  EXPECT_EQ(one.rate, 16000);
  EXPECT_EQ(one.piece_s, 0.01);
  EXPECT_EQ(one.first, 32000);
  EXPECT_NEAR(static_cast<double>(one.begin_ns), 1.5e9, 1e6);
  ASSERT_EQ(one.samples.size(), 3U);
  EXPECT_EQ(one.samples[0], 0);
  EXPECT_NEAR(one.samples[1], 0.5, 1e-4);
  EXPECT_EQ(one.samples[2], -1);
  EXPECT_FALSE(one.local);
  const auto own = parse_heard(
      taken(R"([{"local":true,"rate":16000,"piece":0.01,"base":1500,"samples":"AAD/PwGA"}])"),
      clock_at_0());
  EXPECT_TRUE(own->front().local);
  EXPECT_EQ(own->front().begin_ns, one.begin_ns - 10'000'000) << "it was recorded before it came";
}

TEST(PageSound, WhatIsNoneSaysSo) {
  EXPECT_TRUE(parse_heard(*Json::parse("{}"), clock_at_0())->empty());
  EXPECT_EQ(parse_heard(taken("7"), clock_at_0()).error().code, Code::kBadInput);
  EXPECT_TRUE(parse_heard(taken(R"([{"track":"t","samples":"AAD/PwGA"}])"), clock_at_0())->empty())
      << "of no known rate or time";
  const auto cut = parse_heard(taken(R"([{"rate":16000,"base":0,"samples":"!"}])"), clock_at_0());
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->front().samples.empty());
}

class ThickenedTest : public testing::TestWithParam<double> {};

TEST_P(ThickenedTest, KeepsTheTimeOfEverySample) {
  constexpr double kHz = 1000;
  Thickened thickened(GetParam());
  std::vector<float> out;
  for (int piece = 0, n = 0; piece < 10; ++piece) {
    std::vector<float> in;
    for (int i = 0; i < 777; ++i, ++n)
      in.push_back(static_cast<float>(std::sin(2 * std::numbers::pi * kHz * n / GetParam())));
    for (const float sample : thickened.push(in)) out.push_back(sample);
  }
  EXPECT_NEAR(static_cast<double>(out.size()), 7770 * 48000 / GetParam(), 4);
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_NEAR(out[i], std::sin(2 * std::numbers::pi * kHz * static_cast<double>(i) / 48000), 0.03)
        << i;
}

INSTANTIATE_TEST_SUITE_P(Rates, ThickenedTest, testing::Values(16000.0, 22050.0, 48000.0));

}  // namespace
}  // namespace callbot::browsers
