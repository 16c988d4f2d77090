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
  alice.heard.push_back({.skew = alice.skew[0], .chirps = {}, .unsure = {}});
  for (int n = 0; n < 20; ++n) {
    alice.flashes.push_back(n);
    alice.heard[0].chirps.push_back({n + 0.01, static_cast<uint32_t>(n)});
  }
  return {.seconds = 20, .pictures = 600, .sources = {alice}, .sounds = {{.stream = 1}}};
}
// She mutes herself from 8 to 14 s.
MarkedFile muted() {
  MarkedFile file = good();
  auto& heard = file.sources[0].heard[0];
  std::erase_if(heard.chirps, [](auto& chirp) { return chirp.time > 8 && chirp.time < 14; });
  heard.skew.pairs = file.sources[0].skew[0].pairs = heard.chirps.size();
  return file;
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
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].heard[0].skew.p95 = 0.2; }),
              HasSubstr("out of sync"));
  EXPECT_THAT(wrong([](auto& f) { f.sources[0].heard.clear(); }), HasSubstr("not heard"));
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

constexpr const char* kMuted =
    R"({"who": [{"source": 1, "name": "alice", "heard": true,
                 "must_not_hear": [{"from": "8s", "to": "14s"}]}]})";

TEST(MarkPlan, WhoIsMutedMustNotBeHeard) {
  EXPECT_THAT(judged(muted(), kMuted).wrong, IsEmpty());
  EXPECT_THAT(judged(muted(), kMuted).unmeasured, IsEmpty());
  EXPECT_THAT(
      judged(good(), kMuted).wrong,
      ElementsAre(
          "alice is heard from 9.01 to 12.01 s (4 chirps), and must not be from 8.00 to 14.00 s"));
  MarkedFile leak = muted();
  leak.sources[0].heard[0].chirps.push_back({11.01, 11});
  EXPECT_THAT(judged(leak, kMuted).wrong, ElementsAre(HasSubstr("at 11.01 s (1 chirp)")));
  leak.sources[0].heard[0].chirps.back().time = 8.9;
  EXPECT_THAT(judged(leak, kMuted).wrong, IsEmpty()) << "within the tolerance";
}

TEST(MarkPlan, WhoIsMutedForLongIsHeardElsewhere) {
  const char* plan = R"({"who": [{"source": 1, "name": "alice", "heard": true,
                         "must_not_hear": [{"from": "2s"}]}]})";
  MarkedFile file = good();
  auto& heard = file.sources[0].heard[0];
  heard.chirps.resize(3);
  heard.skew.pairs = 3;
  file.sources[0].skew.clear();
  EXPECT_THAT(judged(file, plan).wrong, IsEmpty());
  EXPECT_THAT(judged(file).wrong, ElementsAre(HasSubstr("is not heard"))) << "of 20 chirps";
}

TEST(MarkPlan, WhoMustNeverBeHeard) {
  const char* plan = R"({"who": [{"source": 1, "name": "alice", "must_not_hear": true}]})";
  MarkedFile file = good();
  EXPECT_THAT(judged(file, plan).wrong,
              ElementsAre(HasSubstr("heard from 0.01 to 19.01 s (20 chirps), and must not be from "
                                    "0.00 to 20.00 s")));
  file.sources[0].heard.clear();
  EXPECT_THAT(judged(file, plan).wrong, IsEmpty());
  EXPECT_THAT(judged(file, plan).unmeasured, IsEmpty());
  file.sounds[0].strays = {5, 9};
  EXPECT_THAT(judged(file, plan).wrong, IsEmpty());
  EXPECT_THAT(judged(file, plan).unmeasured,
              ElementsAre("alice: whether it is heard from 0.00 to 20.00 s: 2 chirps are of nobody "
                          "that is seen"));
}

TEST(MarkPlan, WhatIsNotKnownOfASilenceIsUnmeasured) {
  MarkedFile file = muted();
  file.sources[0].heard[0].unsure = {{10.01, 10}};
  EXPECT_THAT(judged(file, kMuted).wrong, IsEmpty());
  EXPECT_THAT(judged(file, kMuted).unmeasured,
              ElementsAre("alice: whether it is heard from 8.00 to 14.00 s: 1 chirp may be its or "
                          "another's"));
  EXPECT_THAT(judged(muted(), R"({"who": [{"source": 1,
                                 "must_not_hear": [{"from": 8, "to": 9.5}]}]})")
                  .unmeasured,
              ElementsAre(HasSubstr("less than the tolerance")));
}

TEST(MarkPlan, ASilenceThatTheFileDoesNotHaveIsUnmeasured) {
  const auto judge = [](const char* span) {
    return judged(good(), (R"({"who": [{"source": 1, "name": "alice", "must_not_hear": [)" +
                           std::string(span) + "]}]}")
                              .c_str());
  };
  const auto unmeasured = [&](const char* span) {
    EXPECT_THAT(judge(span).wrong, IsEmpty());
    return judge(span).unmeasured;
  };
  EXPECT_THAT(unmeasured(R"({"from": 24, "to": 28})"),
              ElementsAre("alice: whether it is heard from 24.00 to 28.00 s: the file ends at "
                          "20.00 s"));
  EXPECT_THAT(unmeasured(R"({"from": 24})"), ElementsAre(HasSubstr("the file ends at 20.00 s")));
  const auto partly = judge(R"({"from": 12, "to": 28})");
  EXPECT_THAT(partly.wrong, ElementsAre(HasSubstr("(7 chirps)")));
  EXPECT_THAT(partly.unmeasured, ElementsAre(HasSubstr("the file ends at 20.00 s")));
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
  for (const char* wrong : {"false", "[]", "3", "[{\"from\": 9, \"to\": 8}]", "[{\"form\": 9}]",
                            "[{\"from\": \"soon\"}]"})
    EXPECT_THAT(
        mistake(
            (R"({"who": [{"source": 1, "must_not_hear": )" + std::string(wrong) + "}]}").c_str()),
        HasSubstr("who[0].must_not_hear"));
  EXPECT_THAT(mistake(R"({"who": [{"source": 1, "heard": true, "must_not_hear": true}]})"),
              HasSubstr("must_not_hear"));
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
