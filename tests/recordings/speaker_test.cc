#include "recordings/speaker.h"

#include <gtest/gtest.h>

#include <functional>

namespace callbot::recordings {
namespace {

constexpr int64_t kMs = 1'000'000;

Timeline of(int members) {
  Manifest m;
  for (int i = 0; i < members; ++i)
    m.participants.push_back({.id = "m" + std::to_string(i), .name = "Member"});
  return Timeline(m);
}

// 20 ms steps; who the watch looks at, at each of these times (ms).
std::vector<int> looked_at(SpeakerWatch& watch, const std::vector<int>& times,
                           const std::function<std::vector<float>(int)>& levels) {
  std::vector<int> out;
  for (int ms = 0; ms <= times.back(); ms += 20) {
    watch.listen(ms * kMs, levels(ms));
    for (const int t : times) {
      if (t == ms) out.push_back(watch.speaker());
    }
  }
  return out;
}

TEST(SpeakerWatch, FollowsWhoIsLoud) {
  const Timeline t = of(3);
  SpeakerWatch watch(t, {});
  const auto who = looked_at(watch, {200, 900, 2900, 5000, 9000}, [](int ms) {
    return std::vector<float>{ms >= 400 && ms < 3000 ? 0.1F : 0.0001F, ms >= 3000 ? 0.2F : 0.0F,
                              0.0F};
  });
  EXPECT_EQ(who, (std::vector<int>{-1, 0, 0, 1, 1}));
  EXPECT_TRUE(watch.speaking()[1]);
  EXPECT_FALSE(watch.speaking()[0]);
}

TEST(SpeakerWatch, AShortYesMovesNothing) {
  const Timeline t = of(2);
  SpeakerWatch watch(t, {});
  const auto who = looked_at(watch, {1000, 2300, 3000, 4000}, [](int ms) {
    const bool yes = ms >= 2000 && ms < 2250;
    return std::vector<float>{yes ? 0.0F : 0.1F, yes ? 0.3F : 0.0F};
  });
  EXPECT_EQ(who, (std::vector<int>{0, 0, 0, 0}));
}

TEST(SpeakerWatch, StaysWithTheLastOneInSilence) {
  const Timeline t = of(2);
  SpeakerWatch watch(t, {});
  const auto who = looked_at(watch, {1000, 60000}, [](int ms) {
    return std::vector<float>{0.0F, ms < 1200 ? 0.1F : 0.0F};
  });
  EXPECT_EQ(who, (std::vector<int>{1, 1}));
  EXPECT_FALSE(watch.speaking()[1]);
}

TEST(SpeakerWatch, AFanIsNoSpeakerForLong) {
  const Timeline t = of(1);
  SpeakerWatch watch(t, {});
  looked_at(watch, {30000}, [](int) { return std::vector<float>{0.02F}; });
  EXPECT_FALSE(watch.speaking()[0]);
}

TEST(SpeakerWatch, SpansOfSpeechCountMoreThanLevels) {
  const Timeline t = of(2);
  SpeakerWatch watch(t, {{"m1", 1000 * kMs, 2000 * kMs}, {"m1", 3000 * kMs, 4000 * kMs}});
  const auto who = looked_at(watch, {500, 1400, 2500, 3500}, [](int ms) {
    return std::vector<float>{ms > 2000 && ms < 2900 ? 0.1F : 0.0F, 0.5F};
  });
  EXPECT_EQ(who, (std::vector<int>{-1, 1, 1, 0}));
  watch.listen(3900 * kMs, std::vector<float>{0.0F, 0.0F});
  EXPECT_TRUE(watch.speaking()[1]);
  watch.listen(4000 * kMs, std::vector<float>{0.0F, 0.9F});
  EXPECT_FALSE(watch.speaking()[1]);
}

}  // namespace
}  // namespace callbot::recordings
