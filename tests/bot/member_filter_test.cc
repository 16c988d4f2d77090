#include "bot/member_filter.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

TEST(MemberFilter, WantsEverybodyUnlessToldOtherwise) {
  const MemberFilter all;
  EXPECT_TRUE(all.wants("alice"));
  EXPECT_TRUE(all.wants(""));
  const MemberFilter some({}, {"bot-*", "*[0-9]"});
  EXPECT_TRUE(some.wants("alice"));
  EXPECT_FALSE(some.wants("bot-alice"));
  EXPECT_FALSE(some.wants("BOT-2x"));
  EXPECT_FALSE(some.wants("alice7"));
  EXPECT_EQ(*some.reason("alice7"), "*[0-9]");
}

TEST(MemberFilter, WithSomebodyIncludedTheOthersAreNot) {
  const MemberFilter filter({"a*"}, {"al*"});
  EXPECT_TRUE(filter.wants("ann"));
  EXPECT_FALSE(filter.wants("bob"));
  EXPECT_FALSE(filter.wants("alice")) << "what is excluded goes before what is included";
}

TEST(MemberFilter, TheNewestThatFitsDecides) {
  MemberFilter filter;
  ASSERT_TRUE(filter.add(false, "b*"));
  EXPECT_FALSE(filter.wants("bob"));
  ASSERT_TRUE(filter.add(true, "bob"));
  EXPECT_TRUE(filter.wants("bob"));
  EXPECT_FALSE(filter.wants("bill"));
  EXPECT_TRUE(filter.wants("alice")) << "including one while it runs leaves the others in";
  ASSERT_TRUE(filter.add(false, "b*"));
  EXPECT_FALSE(filter.wants("bob"));
}

TEST(MemberFilter, WhatWasSaidBeforeHoldsWhenItGoesOn) {
  // Started with --include 'a*' --exclude al, then told to leave out ann; and started again.
  MemberFilter before({"a*"}, {"al"});
  ASSERT_TRUE(before.add(false, "ann"));
  ASSERT_TRUE(before.add(true, "bob"));
  MemberFilter again({"a*"}, {"al"});
  EXPECT_TRUE(again.go_on(before.rules()).empty()) << "nothing is new";
  for (const char* name : {"abe", "bob"}) EXPECT_TRUE(again.wants(name)) << name;
  for (const char* name : {"al", "ann", "carol"}) EXPECT_FALSE(again.wants(name)) << name;
  // Somebody else goes on, and says otherwise of one.
  MemberFilter other({}, {"abe"});
  EXPECT_EQ(other.go_on(before.rules()).size(), 1u);
  for (const char* name : {"abe", "al", "ann", "carol"}) EXPECT_FALSE(other.wants(name)) << name;
  EXPECT_TRUE(other.wants("bob"));
}

TEST(MemberFilter, RefusesWhatIsNoPattern) {
  MemberFilter filter;
  EXPECT_FALSE(filter.add(true, ""));
  EXPECT_FALSE(filter.add(true, std::string(300, 'x')));
  for (const char* odd : {"[a", "b[", "[]", "[!]", "a[b[:digit:]", "[a\\]", "x\\"}) {
    const auto added = filter.add(false, odd);
    ASSERT_FALSE(added) << odd;
    EXPECT_EQ(added.error().code, Code::kUsage);
    EXPECT_NE(added.error().message.find(odd), std::string::npos) << added.error().message;
  }
  EXPECT_TRUE(filter.rules().empty());
  for (const char* fine :
       {"[a]", "[]a]", "[!]a]", "[[:digit:]]", "[[]", "\\[a", "a]", "[a\\]]", "x\\\\"})
    EXPECT_TRUE(filter.add(false, fine)) << fine;
  EXPECT_FALSE(filter.wants("[a"));
}

}  // namespace
}  // namespace callbot::bot
