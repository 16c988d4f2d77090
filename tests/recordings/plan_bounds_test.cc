#include "recordings/plan_bounds.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "recordings/compose.h"
#include "recordings/export.h"
#include "tests/support/feed.h"
#include "tests/support/small_disk.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::HasSubstr;

constexpr int64_t kHourNs = 3600LL * 1'000'000'000;

// Two seconds of sound of a member that stayed until the end, which a damaged date puts far off.
class PlanBounds : public testing::Test {
 protected:
  void SetUp() override {
    feed_.member("alice");
    feed_.add({.info = audio_track(1, "alice", "pcmu"),
               .frames = make_audio({.codec = "pcmu", .seconds = 2})});
    ASSERT_TRUE(feed_.run(2.5));
  }
  void last_until(int64_t ns) {
    auto loaded = load(feed_.folder());
    ASSERT_TRUE(loaded);
    Manifest& m = loaded->manifest;
    m.ended_wall_ns = m.started_wall_ns + ns;
    for (Span& span : m.participants.at(0).present) span.to_ns = ns;
    ASSERT_TRUE(write_atomically(feed_.folder() / "manifest.json", to_text(m)));
  }
  auto exported() const {
    return export_recording({.folder = feed_.folder(), .to = "wav", .out = out_.path()});
  }
  auto composed() const {
    return compose({.folder = feed_.folder(),
                    .layout = ComposeLayout::kAudio,
                    .out = out_.path() / "mix.mp3"});
  }
  bool is_empty() const { return fs::is_empty(out_.path()); }
  Feed feed_;
  TempFolder out_;
};

TEST_F(PlanBounds, AYearOfSilenceIsRefusedBeforeAnythingIsWritten) {
  last_until(365 * 24 * kHourNs);
  const auto file = exported();
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kBadInput);
  EXPECT_THAT(file.error().message, HasSubstr("would be 8760.0 h long, but its last media ends"));
  const auto mix = composed();
  ASSERT_FALSE(mix);
  EXPECT_EQ(mix.error().code, Code::kBadInput);
  EXPECT_TRUE(is_empty());
}

TEST_F(PlanBounds, ANightInAnEmptyRoomIsNot) {
  auto loaded = load(feed_.folder());
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(check_length(feed_.folder(), loaded->manifest, kMostAfterMediaNs + kHourNs / 3600));
  EXPECT_FALSE(
      check_length(feed_.folder(), loaded->manifest, kMostAfterMediaNs + 3 * kHourNs / 3600));
  // Of a file that was cut off the last frame counts.
  const fs::path media = feed_.folder() / "media/alice-1.mkv";
  fs::resize_file(media, fs::file_size(media) - 200);
  EXPECT_TRUE(check_length(feed_.folder(), loaded->manifest, kMostAfterMediaNs + kHourNs / 3600));
}

TEST_F(PlanBounds, SamplesThatThereIsNoRoomForAreRefusedAtOnce) {
  SmallDisk disk("size=1m");
  ASSERT_TRUE(disk.mounted()) << disk.needs();
  last_until(60'000'000'000);
  const auto file = export_recording({.folder = feed_.folder(), .to = "wav", .out = disk.path()});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kStorage);
  EXPECT_THAT(file.error().message, HasSubstr("5.8 MB of samples are to be written"));
  const auto mix = compose(
      {.folder = feed_.folder(), .layout = ComposeLayout::kAudio, .out = disk.path() / "mix.wav"});
  ASSERT_FALSE(mix);
  EXPECT_THAT(mix.error().message, HasSubstr("11.5 MB of samples are to be written"));
  EXPECT_TRUE(fs::is_empty(disk.path()));
  last_until(3'000'000'000);
  EXPECT_TRUE(export_recording({.folder = feed_.folder(), .to = "wav", .out = disk.path()}));
}

}  // namespace
}  // namespace callbot::recordings
