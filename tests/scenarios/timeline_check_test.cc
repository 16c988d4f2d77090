#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "scenarios/verdict.h"
#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using test::at_s;
using test::window_s;
using ::testing::HasSubstr;

// Alice, bob and carol for twenty seconds; everybody looks at everybody all the time.
Evidence run() {
  Evidence e;
  e.began_ns = at_s(0);
  e.steps_ns = at_s(0);
  e.ended_ns = at_s(20);
  for (const char* name : {"alice", "bob", "carol"})
    e.actors.push_back({name, name, "main", "all", "", {window_s(0, 20)}});
  for (const char* name : {"alice", "bob", "carol"}) {
    for (const Sight sight : {Sight::kSeen, Sight::kHeard})
      e.looks.push_back({name, "", sight, window_s(0, 20)});
  }
  return e;
}

TimelineRow row(Rule rule, Sight sight, const char* whom) {
  TimelineRow r;
  r.span = {Span::End{"", 5}, Span::End{"", 15}};
  r.who = "bob";
  r.items = {{rule, sight, whom}};
  return r;
}

std::vector<Case> judged(const TimelineRow& r, const Evidence& e) {
  Scenario s;
  s.timeline = {r};
  return judge_timeline(s, e);
}

void see(Evidence& e, const char* whom, double from, double to, const char* carrier = "",
         Sight sight = Sight::kSeen) {
  e.presence.push_back(
      {"bob", whom, carrier[0] == '\0' ? whom : carrier, sight, window_s(from, to)});
}

TEST(Timeline, WhoMustBeSeenIsSeenAllTheTime) {
  Evidence e = run();
  see(e, "alice", 4, 9);
  see(e, "alice", 9.9, 16);  // a hole shorter than the grace
  const auto fine = judged(row(Rule::kMust, Sight::kSeen, "alice"), e);
  ASSERT_EQ(fine.size(), 1u);
  EXPECT_EQ(fine[0].verdict, Verdict::kPass) << fine[0].text;
  e.presence[1].span = window_s(10.5, 13.5);
  const auto holes = judged(row(Rule::kMust, Sight::kSeen, "alice"), e);
  EXPECT_EQ(holes[0].verdict, Verdict::kFail);
  EXPECT_EQ(holes[0].text, "not seen from 9.0 s to 10.5 s, from 13.5 s to 15.0 s");
  EXPECT_EQ(holes[0].place->at_ns, at_s(9));
  e.presence.clear();
  EXPECT_EQ(judged(row(Rule::kMust, Sight::kSeen, "alice"), e)[0].verdict, Verdict::kFail);
}

TEST(Timeline, WhoMustNotBeSeenWasPerhapsWherePicturesCameThatNobodyCouldRead) {
  Evidence e = run();
  see(e, "", 7, 8, "alice");
  EXPECT_EQ(judged(row(Rule::kMust, Sight::kSeen, "alice"), e)[0].verdict, Verdict::kFail);
  const auto unread = judged(row(Rule::kMustNot, Sight::kSeen, "alice"), e);
  ASSERT_EQ(unread.size(), 1u) << "a picture without a mark is no stranger";
  EXPECT_EQ(unread[0].verdict, Verdict::kUnmeasured);
  EXPECT_THAT(unread[0].text, HasSubstr("from 7.0 s to 8.0 s"));
  EXPECT_EQ(judged(row(Rule::kMustNot, Sight::kSeen, "carol"), e)[0].verdict, Verdict::kPass);
}

TEST(Timeline, AMuteLeakIsFoundHoweverShort) {
  Evidence e = run();
  const auto silent = row(Rule::kMustNot, Sight::kHeard, "alice");
  see(e, "alice", 0, 5.8, "", Sight::kHeard);  // what was under way
  EXPECT_EQ(judged(silent, e)[0].verdict, Verdict::kPass);
  see(e, "alice", 10, 10.08, "", Sight::kHeard);
  const auto leak = judged(silent, e);
  EXPECT_EQ(leak[0].verdict, Verdict::kFail);
  EXPECT_EQ(leak[0].text, "heard from 10.0 s to 10.1 s");
}

TEST(Timeline, WhatGraceLeavesNothingOfIsUnmeasured) {
  Evidence e = run();
  auto hidden = row(Rule::kMustNot, Sight::kHeard, "alice");
  hidden.grace = 5;
  see(e, "alice", 0, 20, "", Sight::kHeard);
  const auto within = judged(hidden, e);
  EXPECT_EQ(within[0].verdict, Verdict::kUnmeasured);
  EXPECT_EQ(within[0].text, "its 10.0 s are all within the grace of 5 s at both ends");
  hidden.grace = 4.9;
  EXPECT_EQ(judged(hidden, e)[0].verdict, Verdict::kFail);
  e.presence.clear();
  EXPECT_EQ(judged(hidden, e)[0].verdict, Verdict::kPass);
  auto shown = row(Rule::kMust, Sight::kSeen, "alice");
  shown.grace = 10;
  EXPECT_EQ(judged(shown, e)[0].verdict, Verdict::kUnmeasured);
  EXPECT_EQ(judged(shown, e)[0].text,
            "nothing came, and no longer than the grace of 10 s was looked");
  see(e, "alice", 8, 9);
  EXPECT_EQ(judged(shown, e)[0].verdict, Verdict::kPass);
}

TEST(Timeline, WhatNobodyLookedAtIsUnmeasured) {
  Evidence e = run();
  e.looks.clear();
  for (const Rule rule : {Rule::kMust, Rule::kMustNot}) {
    const auto cases = judged(row(rule, Sight::kSeen, "alice"), e);
    EXPECT_EQ(cases[0].verdict, Verdict::kUnmeasured);
    EXPECT_EQ(cases[0].text, "bob looked at nothing of alice then");
  }
  // Who rotates is judged for what was looked at, and says how much that was.
  e.looks.push_back({"bob", "alice", Sight::kSeen, window_s(6, 8)});
  see(e, "alice", 6, 8);
  const auto some = judged(row(Rule::kMust, Sight::kSeen, "alice"), e);
  EXPECT_EQ(some[0].verdict, Verdict::kPass);
  EXPECT_EQ(some[0].text, "looked 20 % of the time");
}

TEST(Timeline, AClosedRowForbidsWhoIsNotNamed) {
  Evidence e = run();
  see(e, "alice", 0, 20);
  see(e, "carol", 9, 10);
  auto r = row(Rule::kMust, Sight::kSeen, "alice");
  EXPECT_EQ(judged(r, e).size(), 1u);
  r.closed = true;
  auto cases = judged(r, e);
  ASSERT_EQ(cases.size(), 4u);  // two, seen and heard
  EXPECT_EQ(std::count_if(cases.begin(), cases.end(),
                          [](const Case& c) { return c.verdict == Verdict::kFail; }),
            1);
  r.items.push_back({Rule::kMay, Sight::kSeen, "carol"});
  cases = judged(r, e);
  EXPECT_EQ(cases.size(), 3u);
  for (const Case& c : cases) EXPECT_EQ(c.verdict, Verdict::kPass) << c.name << c.text;
}

// Who joined by himself, without marks: what he says is heard in a stream of his own.
TEST(Timeline, AClosedRowForbidsWhoIsNobodyOfTheScenario) {
  Evidence e = run();
  see(e, "alice", 0, 20);
  see(e, "mallory", 9, 12, "mallory", Sight::kHeard);
  see(e, "", 9, 12, "mallory");  // pictures without marks
  TimelineRow r = row(Rule::kMust, Sight::kSeen, "alice");
  EXPECT_EQ(judged(r, e).size(), 1u);
  r.closed = true;
  const auto cases = judged(r, e);
  const auto his = std::find_if(cases.begin(), cases.end(), [](const Case& c) {
    return c.name == "bob hears mallory, who is nobody of the scenario";
  });
  EXPECT_TRUE(std::any_of(cases.begin(), cases.end(), [](const Case& c) {
    return c.name == "bob sees mallory, who is nobody of the scenario";
  }));
  ASSERT_NE(his, cases.end());
  EXPECT_EQ(his->verdict, Verdict::kFail);
  EXPECT_EQ(his->text, "from 9.0 s to 12.0 s");
}

TEST(Timeline, TheNearerNameGoesBeforeThePattern) {
  Evidence e = run();
  see(e, "alice", 0, 20);
  auto r = row(Rule::kMust, Sight::kSeen, "*");
  r.items.push_back({Rule::kMustNot, Sight::kSeen, "carol"});
  for (const Case& c : judged(r, e)) EXPECT_EQ(c.verdict, Verdict::kPass) << c.name << c.text;
}

TEST(Timeline, AWrongIdentityInATileFails) {
  Evidence e = run();
  see(e, "alice", 0, 20);
  see(e, "carol", 6, 7, "alice");
  const auto cases = judged(row(Rule::kMust, Sight::kSeen, "alice"), e);
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[1].verdict, Verdict::kFail);
  EXPECT_EQ(cases[1].name, "bob sees carol in the stream of alice");
}

TEST(Timeline, AWindowThatNeverCameIsUnmeasured) {
  auto r = row(Rule::kMust, Sight::kSeen, "alice");
  r.span.from = Span::End{"never"};
  const auto cases = judged(r, run());
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].verdict, Verdict::kUnmeasured);
  EXPECT_THAT(cases[0].text, HasSubstr("never came to the mark"));
}

TEST(Timeline, RoomsDoNotSeeEachOther) {
  Evidence e = run();
  e.actors[0].room = "other";
  const auto cases = judged(row(Rule::kMust, Sight::kSeen, "*"), e);
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_THAT(cases[0].name, HasSubstr("carol"));
}

}  // namespace
}  // namespace callbot::scenarios
