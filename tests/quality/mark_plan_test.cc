#include "quality/mark_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callbot::quality {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

MarkedFile good() {
  MarkedSource alice{.source = 1,
                     .first_counter = 0,
                     .last_counter = 599,
                     .span = {0, 19.97},
                     .present = {{0, 19.97}},
                     .read = 600,
                     .expected = 600,
                     .rate = 30};
  alice.skew.push_back(
      {.stream = 1, .pairs = 20, .median = 0.01, .least = 0, .most = 0.02, .p95 = 0.02});
  return {.seconds = 20, .pictures = 600, .sources = {alice}};
}
constexpr const char* kPlan =
    R"({"fps": 30, "seconds": "20s", "who": [{"source": 1, "name": "alice", "heard": true}]})";

MarkVerdict judged(const MarkedFile& file, const char* plan = kPlan) {
  const auto parsed = parse_mark_plan(plan);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return judge_marks(file, *parsed);
}

TEST(MarkPlan, WhatIsAsPlannedIsGood) {
  EXPECT_THAT(judged(good()).wrong, IsEmpty());
  EXPECT_THAT(judged(good()).unmeasured, IsEmpty());
}

TEST(MarkPlan, EveryFaultIsSaid) {
  const auto wrong = [](const std::function<void(MarkedFile&)>& harm) {
    MarkedFile file = good();
    harm(file);
    const auto verdict = judged(file);
    EXPECT_EQ(verdict.wrong.size(), 1u) << ::testing::PrintToString(verdict.wrong);
    return verdict.wrong.empty() ? "" : verdict.wrong[0];
  };
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].missing = 20; }),
              HasSubstr("20 of 600 frames missing"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].duplicate = 20; }), HasSubstr("twice"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].reordered = 1; }), HasSubstr("out of order"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].freezes = {{4, 5}}; }), HasSubstr("1.00 s"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].rate = 28; }), HasSubstr("28.00"));
  EXPECT_THAT(wrong([](auto& f) {
                f.sources[0].present = {{0, 8}, {11, 19.97}};
              }),
              HasSubstr("not seen from 8.00 to 11.00 s"));
  EXPECT_THAT(wrong([](auto& f) {
                f.sources[0].present = {{0, 17}};
              }),
              HasSubstr("from 17.00 to 20.00"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].skew[0].p95 = 0.2; }), HasSubstr("out of sync"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].skew.clear(); }), HasSubstr("not heard"));
  EXPECT_THAT(wrong([](auto& f) {
                MarkedSource other = f.sources[0];
                other.source = 9;
                f.sources.push_back(other);
              }),
              HasSubstr("source 9"));
  EXPECT_THAT(wrong([](auto& f) { f.damage = "truncated"; }), HasSubstr("truncated"));
}

TEST(MarkPlan, WhoShouldNotBeThereIsALeak) {
  const auto verdict =
      judged(good(), R"({"who": [{"source": 1, "name": "alice", "from": 5, "to": 15}]})");
  ASSERT_EQ(verdict.wrong.size(), 1u);
  EXPECT_THAT(verdict.wrong[0], HasSubstr("may be from 5.00 to 15.00 s"));
  const auto absent = judged(good(), R"({"who": [{"source": 4}], "others": true})");
  EXPECT_THAT(absent.wrong, ElementsAre("source 4 is not seen at all"));
}

TEST(MarkPlan, WhatCannotBeReadIsUnmeasured) {
  MarkedFile file = good();
  file.sources[0].unread = 100;
  EXPECT_THAT(judged(file).wrong, IsEmpty());
  EXPECT_THAT(judged(file).unmeasured, ElementsAre(HasSubstr("100 of 700")));
  EXPECT_THAT(judged({.pictures = 10}).unmeasured, ElementsAre(HasSubstr("10 pictures")));
}

TEST(MarkPlan, MistakesNameTheirKey) {
  const auto mistake = [](const char* text) {
    const auto parsed = parse_mark_plan(text);
    EXPECT_FALSE(parsed) << text;
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, Code::kUsage);
    }
    return parsed ? "" : parsed.error().message;
  };
  EXPECT_THAT(mistake("{}"), HasSubstr("who"));
  EXPECT_THAT(mistake(R"({"who": [{"source": 70000}]})"), HasSubstr("source"));
  EXPECT_THAT(mistake(R"({"who": [{"source": 1, "to": "soon"}]})"), HasSubstr("to"));
  EXPECT_THAT(mistake(R"({"who": [{"source": 1}], "missing": 3})"), HasSubstr("missing"));
  EXPECT_THAT(mistake(R"({"who": [{"source": 1}], "mising": 0})"), HasSubstr("mising"));
  EXPECT_THAT(mistake("nonsense"), HasSubstr(""));
}

TEST(MarkPlan, TextAndJsonSayTheSame) {
  const std::string text = to_text(good());
  EXPECT_THAT(text, HasSubstr("source 1"));
  EXPECT_THAT(text, HasSubstr("frames 0 to 599"));
  const Json json = to_json(good());
  const Json source = json.at("sources").at(size_t{0});
  EXPECT_EQ(source.at("source").whole(), 1);
  EXPECT_EQ(source.at("last_counter").whole(), 599);
  EXPECT_EQ(source.at("skew").at(size_t{0}).at("pairs").whole(), 20);
}

}  // namespace
}  // namespace callbot::quality
