#include "pipelines/live_renditions.h"

#include <gmock/gmock.h>

#include <set>

#include "pipelines/test_pattern.h"
#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<TestPattern> pattern_of(Loop& loop, const std::string& codec) {
  gst_init(nullptr, nullptr);
  TestPatternConfig config;
  config.audio = false;
  config.width = 640;
  config.height = 360;
  config.bitrate = 900'000;
  config.codec = codec;
  auto pattern = TestPattern::create(loop, Log("pattern"), config);
  if (!pattern || !(*pattern)->start()) abort();
  return std::move(*pattern);
}

TEST(LiveRenditions, HalfAndAQuarterWhileThereIsSomethingToSee) {
  const auto sizes = [](int width, int height, int bitrate) {
    std::vector<std::tuple<int, int, int>> all;
    for (const Rendition& r : usual_renditions({width, height, bitrate}, 160, 90))
      all.emplace_back(r.width, r.height, r.bitrate);
    return all;
  };
  using testing::ElementsAre;
  EXPECT_THAT(sizes(1280, 720, 1'500'000),
              ElementsAre(std::tuple(1280, 720, 1'500'000), std::tuple(640, 360, 500'000),
                          std::tuple(320, 180, 150'000)));
  EXPECT_THAT(sizes(426, 238, 600'000),
              ElementsAre(std::tuple(426, 238, 600'000), std::tuple(212, 118, 200'000),
                          std::tuple(212, 118, 60'000)));
  EXPECT_THAT(sizes(320, 180, 200'000),
              ElementsAre(std::tuple(320, 180, 200'000), std::tuple(160, 90, 66'666)));
  EXPECT_THAT(sizes(1280, 720, 100'000), ElementsAre(std::tuple(1280, 720, 100'000)));
}

TEST(LiveRenditions, OnlyWhatSomebodyWantsIsEncoded) {
  Loop loop;
  const auto pattern = pattern_of(loop, "vp8");
  ASSERT_EQ(pattern->renditions(0).size(), 3u);
  const TapId best = pattern->attach(0, [](const GRef<GstBuffer>&) {});
  EXPECT_TRUE(loop.run_until([&] { return pattern->stats().video.encoded >= 10; }, 15s));
  EXPECT_EQ(pattern->stats().renditions.at(0).encoded, 0u);
  const TapId small = pattern->attach_rendition(0, 2, [](const GRef<GstBuffer>&) {});
  EXPECT_TRUE(loop.run_until([&] { return pattern->stats().renditions.at(1).encoded >= 10; }, 15s));
  EXPECT_EQ(pattern->stats().renditions.at(0).encoded, 0u);
  pattern->detach(0, best);
  pattern->detach(0, small);
  const auto later = pattern->stats();
  loop.run_until([] { return false; }, 200ms);
  EXPECT_LE(pattern->stats().video.encoded, later.video.encoded + 2);
  EXPECT_LE(pattern->stats().renditions.at(1).encoded, later.renditions.at(1).encoded + 2);
  std::set<uint64_t> numbers;
  for (const SentFrame& frame : pattern->sent_frames()) numbers.insert(frame.number);
  EXPECT_EQ(numbers.size(), pattern->sent_frames().size());
  EXPECT_EQ(*numbers.rbegin() - *numbers.begin() + 1, numbers.size()) << "none is missing";
}

}  // namespace
}  // namespace callbot::pipelines
