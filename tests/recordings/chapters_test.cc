#include "recordings/chapters.h"

#include <gtest/gtest.h>

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// "0 Beginning", in seconds; checks that the chapters join without holes.
std::vector<std::string> told(const Timeline& t, const std::vector<ChapterMark>& markers = {}) {
  std::vector<std::string> out;
  int64_t end = 0;
  for (const Chapter& c : chapters_of(t, markers)) {
    EXPECT_EQ(c.from_ns, end);
    EXPECT_GT(c.to_ns, c.from_ns);
    end = c.to_ns;
    out.push_back(std::to_string(c.from_ns / kSecond) + " " + c.title);
  }
  EXPECT_TRUE(out.empty() || end == t.duration_ns);
  return out;
}

Manifest an_hour() {
  Manifest m;
  m.ended_wall_ns = 3600 * kSecond;
  return m;
}

TEST(Chapters, TellWhoJoinedAndWhoSharedAScreen) {
  Manifest m = an_hour();
  m.participants.push_back(
      {.id = "a",
       .name = "Alice",
       .present = {{0, {}}},
       .said = {{MediaKind::kVideo, true, "camera", 0, 600 * kSecond},
                {MediaKind::kVideo, true, "screen", 600 * kSecond, 900 * kSecond},
                {MediaKind::kVideo, true, "camera", 900 * kSecond, {}}}});
  m.participants.push_back(
      {.id = "b", .name = "Bob", .present = {{kSecond, 100 * kSecond}, {200 * kSecond, {}}}});
  m.participants.push_back({.id = "r", .name = "Rec", .recorder = true, .present = {{0, {}}}});
  EXPECT_EQ(told(Timeline(m)),
            (std::vector<std::string>{"0 Alice joined, Bob joined", "200 Bob joined again",
                                      "600 Alice shares a screen"}));
}

TEST(Chapters, AMarkerIsExactlyWhereItWasSet) {
  Manifest m = an_hour();
  m.participants.push_back({.id = "a", .name = "Alice", .present = {{5 * kSecond, {}}}});
  EXPECT_EQ(told(Timeline(m), {{6 * kSecond, "Decision"},
                               {6 * kSecond, "and more"},
                               {7 * kSecond, "Next"},
                               {9999 * kSecond, "too late"}}),
            (std::vector<std::string>{"0 Beginning", "5 Alice joined", "6 Decision, and more",
                                      "7 Next"}));
}

TEST(Chapters, ManyAreBoundedAndNamesAreMadeSafe) {
  Manifest m = an_hour();
  for (int i = 0; i < 1000; ++i)
    m.participants.push_back(
        {.id = std::to_string(i), .name = "x\u202Ey\n", .present = {{i * 3 * kSecond, {}}}});
  const auto all = told(Timeline(m));
  EXPECT_EQ(all.size(), 255u);
  EXPECT_EQ(all[0], "0 x\\u202ey\\u000a joined");
}

TEST(Chapters, NobodyAndNothingIsNoChapter) { EXPECT_TRUE(told(Timeline(an_hour())).empty()); }

}  // namespace
}  // namespace callbot::recordings
