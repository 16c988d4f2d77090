#include "pipelines/joined_source.h"

#include <gmock/gmock.h>

#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

TEST(JoinedSource, AsksEachSourceForItsOwnStreams) {
  Loop loop;
  auto first = small_pattern(loop, true, false), second = small_pattern(loop, false, true);
  TestPattern& sound = *first;
  TestPattern& picture = *second;
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::move(first));
  sources.push_back(std::move(second));
  JoinedSource joined(std::move(sources), 1);
  ASSERT_EQ(joined.streams().size(), 2u);
  EXPECT_EQ(joined.streams()[0].kind, MediaKind::kAudio);
  EXPECT_EQ(joined.streams()[1].kind, MediaKind::kVideo);
  EXPECT_EQ(joined.streams()[1].msid, joined.streams()[0].msid) << "played together";
  EXPECT_TRUE(joined.renditions(0).empty());
  EXPECT_EQ(joined.renditions(1).size(), picture.renditions(0).size());

  ASSERT_TRUE(joined.start());
  std::atomic<int> small{0};
  const TapId tap =
      joined.attach_rendition(1, 1, [&small](const GRef<GstBuffer>&) { ++small; });
  EXPECT_TRUE(loop.run_until([&] { return small >= 10; }, 15s));
  EXPECT_EQ(sound.stats().audio.packets, 0u);
  EXPECT_EQ(picture.stats().video.packets, 0u);
  joined.detach(1, tap);
  const int then = small;
  loop.run_until([] { return false; }, 100ms);
  EXPECT_EQ(small, then);
}

}  // namespace
}  // namespace callbot::pipelines
