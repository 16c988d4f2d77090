#include "recordings/verify.h"

#include <gmock/gmock.h>

#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::testing;

TEST(Verify, Smoke) {
  Feed feed;
  feed.member("alice");
  feed.add({video_track(1, "alice"), make_video({.frames = 150})});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = 5})});
  ASSERT_TRUE(feed.run(5.1));
  auto v = verify(feed.folder());
  ASSERT_TRUE(v);
  puts(to_text(*v).c_str());
}

}  // namespace
}  // namespace callbot::recordings
