#include <gmock/gmock.h>

#include "recordings/catalogue.h"

namespace callbot::recordings {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CatalogueEntry monday() {
  CatalogueEntry e;
  e.name = "standup-1";
  e.state = "finished";
  e.room = "Standup";
  e.label = "weekly";
  e.started_wall_ns = 1000;
  e.members = {"Älice", "Bob"};
  e.verdict = "PASS";
  e.annotations.tags = {"important", "q3"};
  e.chat = "Hello there\n";
  return e;
}

TEST(CatalogueQuery, FindsTextWhereverItStands) {
  const CatalogueEntry e = monday();
  EXPECT_TRUE(matches(e, {}));
  for (const char* text :
       {"standup-1", "STAND", "week", "älice", "ÄLICE", "bob", "import", "hello"})
    EXPECT_TRUE(matches(e, {.text = text})) << text;
  for (const char* text : {"carol", "PASS", "finished", "hello there you"})
    EXPECT_FALSE(matches(e, {.text = text})) << text;
  CatalogueEntry odd = e;
  odd.room = "\xff\xfe broken";
  EXPECT_TRUE(matches(odd, {.text = "broken"}));
}

TEST(CatalogueQuery, EverythingGivenMustHold) {
  const CatalogueEntry e = monday();
  EXPECT_TRUE(matches(e, {.since_wall_ns = 1000, .until_wall_ns = 1001}));
  EXPECT_FALSE(matches(e, {.since_wall_ns = 1001}));
  EXPECT_FALSE(matches(e, {.until_wall_ns = 1000}));
  EXPECT_TRUE(matches(e, {.room = "standup"}));
  EXPECT_FALSE(matches(e, {.room = "stand"}));
  EXPECT_TRUE(matches(e, {.member = "älI"}));
  EXPECT_TRUE(matches(e, {.member = "LICE"}));
  EXPECT_FALSE(matches(e, {.member = "carol"}));
  EXPECT_TRUE(matches(e, {.verdict = "PASS"}));
  EXPECT_FALSE(matches(e, {.verdict = "none"}));
  EXPECT_TRUE(matches(CatalogueEntry(), {.verdict = "none"}));
  EXPECT_TRUE(matches(e, {.state = "finished"}));
  EXPECT_FALSE(matches(e, {.state = "running"}));
  EXPECT_TRUE(matches(e, {.tags = {"q3", "important"}}));
  EXPECT_FALSE(matches(e, {.tags = {"q3", "draft"}}));
  EXPECT_FALSE(matches(e, {.text = "hello", .room = "retro"}));
}

std::vector<std::string> sorted(const std::string& by, bool reverse = false) {
  std::vector<CatalogueEntry> entries(3);
  entries[0] = monday();
  entries[1] = monday();
  entries[1].name = "b";
  entries[1].bytes = 5;
  entries[1].started_wall_ns = 3000;
  entries[2] = monday();
  entries[2].name = "a";
  entries[2].room = "Aula";
  EXPECT_TRUE(sort_entries(entries, by, reverse));
  std::vector<std::string> names;
  for (const auto& e : entries) names.push_back(e.name);
  return names;
}

TEST(CatalogueQuery, SortsByAColumnAndThenByName) {
  EXPECT_THAT(sorted("name"), ElementsAre("a", "b", "standup-1"));
  EXPECT_THAT(sorted("name", true), ElementsAre("standup-1", "b", "a"));
  EXPECT_THAT(sorted("started"), ElementsAre("b", "a", "standup-1"));
  EXPECT_THAT(sorted("started", true), ElementsAre("standup-1", "a", "b"));
  EXPECT_THAT(sorted("size"), ElementsAre("b", "a", "standup-1"));
  EXPECT_THAT(sorted("room"), ElementsAre("a", "b", "standup-1"));
  for (const char* by : {"length", "members", "state", "verdict"})
    EXPECT_THAT(sorted(by), ElementsAre("a", "b", "standup-1")) << by;
  std::vector<CatalogueEntry> none;
  const auto no = sort_entries(none, "colour", false);
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().code, Code::kUsage);
  EXPECT_THAT(no.error().message, HasSubstr("started, room"));
}

}  // namespace
}  // namespace callbot::recordings
