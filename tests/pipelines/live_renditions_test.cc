#include "pipelines/live_renditions.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "pipelines/pattern_picture.h"
#include "pipelines/test_pattern.h"
#include "tests/support/loopback.h"
#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

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
  const auto pattern = pattern_in_sizes(loop, "vp8", false);
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

// What somebody sees who listens to one rendition, by the number in its marks.
struct Seen {
  explicit Seen(TestPattern& pattern, size_t rendition)
      : pattern(pattern),
        decoder("rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420",
                pattern.streams()[0].caps.get()) {
    tap = pattern.attach_rendition(0, rendition,
                                   [this](const GRef<GstBuffer>& packet) { decoder.push(packet); });
  }
  std::map<uint64_t, test::DecodedPicture> finish() {
    pattern.detach(0, tap);
    decoder.finish();
    std::map<uint64_t, test::DecodedPicture> pictures;
    for (const auto& picture : decoder.pictures()) {
      EXPECT_TRUE(picture.mark);
      if (picture.mark) pictures.emplace(picture.mark->counter, picture);
    }
    return pictures;
  }
  TestPattern& pattern;
  test::Transcoder decoder;
  TapId tap = 0;
};

TEST(LiveRenditions, FollowTheSwitchesOfTheBest) {
  Loop loop;
  const auto pattern = pattern_in_sizes(loop, "vp8", false);
  Seen best(*pattern, 0), half(*pattern, 1);
  const auto reach = [&](uint64_t frame) {
    return loop.run_until(
        [&] {
          const auto sent = pattern->sent_frames();
          return !sent.empty() && sent.back().number >= frame;
        },
        60s);
  };
  ASSERT_TRUE(reach(10));
  const uint64_t first = pattern->next_switch(true);
  ASSERT_TRUE(pattern->switch_to({.at_frame = first, .width = 480, .height = 270, .fps = 15}));
  EXPECT_EQ(pattern->renditions(0)[1].width, 240);
  ASSERT_TRUE(reach(first + 5));
  const uint64_t second = pattern->next_switch(true) + 15;
  ASSERT_TRUE(pattern->switch_to({.at_frame = second, .width = 640, .height = 360, .fps = 20}));
  Seen quarter(*pattern, 2);  // made between the two
  ASSERT_TRUE(reach(second + 20));

  const auto large = best.finish();
  for (const auto& [pictures, divisor] : {std::pair(half.finish(), 2), {quarter.finish(), 4}}) {
    ASSERT_GE(pictures.size(), 15u);
    size_t common = 0;
    for (const auto& [number, picture] : pictures) {
      const int width = number < first ? 640 : number < second ? 480 : 640;
      // A quarter of 480 is narrower than the mark can be.
      const int wanted = width / divisor >= kNarrowestPicture ? width / divisor : width / 2;
      EXPECT_EQ(picture.width, wanted) << number << ", 1/" << divisor;
      const auto twin = large.find(number);
      if (twin == large.end()) continue;
      EXPECT_EQ(picture.pts_ns, twin->second.pts_ns) << number;
      ++common;
    }
    EXPECT_GE(common, 15u);
  }
}

}  // namespace
}  // namespace callbot::pipelines
